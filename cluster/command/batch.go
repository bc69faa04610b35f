package command

import (
	"encoding/binary"
	"fmt"
)

// batchFormat is the first byte of every log entry.
const batchFormat = 1

// AppendBatch starts a log entry: T is the machine's time in unix nanoseconds,
// count the number of commands that AppendCommand will add.
func AppendBatch(dst []byte, t int64, count int) []byte {
	dst = append(dst, batchFormat)
	dst = binary.AppendVarint(dst, t)
	return binary.AppendUvarint(dst, uint64(count))
}

// AppendCommand adds one encoded command to a log entry.
func AppendCommand(dst, cmd []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(cmd)))
	return append(dst, cmd...)
}

// Batch is a decoded log entry. Its commands alias the entry.
type Batch struct {
	T        int64
	Commands []Command
}

// DecodeBatch reads a log entry. An error means damage or a newer format: the
// node must halt rather than diverge.
func DecodeBatch(b []byte) (Batch, error) {
	r := &Reader{b: b}
	if f := r.Byte(); f != batchFormat {
		return Batch{}, fmt.Errorf("%w: batch format %d", ErrDamaged, f)
	}
	out := Batch{T: r.Int()}
	n := r.Count(2)
	out.Commands = make([]Command, 0, n)
	for range n {
		raw := r.Bytes()
		if r.bad {
			break
		}
		c, err := Decode(raw)
		if err != nil {
			return Batch{}, err
		}
		out.Commands = append(out.Commands, c)
	}
	if r.More() {
		r.Fail()
	}
	return out, r.Err("batch")
}
