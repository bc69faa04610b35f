package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// Every entry carries a checksum of its own, from its leader's memory to
// wherever it is read: the log on disk checks its newest write only, and takes
// whatever stands in the older ones for what was written.

// ErrDamaged says that an entry of the log is not what was written.
var ErrDamaged = errors.New("the log is damaged")

// damagedAdvice is what to do about files that cannot be trusted any more.
const damagedAdvice = "a server of several is removed from the cluster, its data folder emptied, and joins anew; " +
	"a single one needs a backup restored"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(l *raft.Log) uint32 {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[:], l.Index)
	binary.LittleEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, l.Data)
}

// sign gives an entry its checksum, or holds it to the one it came with.
func sign(l *raft.Log) error {
	if len(l.Extensions) != 0 {
		return verify(l)
	}
	l.Extensions = binary.LittleEndian.AppendUint32(nil, checksum(l))
	return nil
}

// verify fails for an entry that is not what its leader made. Entries of
// before there were checksums pass.
func verify(l *raft.Log) error {
	if len(l.Extensions) == 0 {
		return nil
	}
	if len(l.Extensions) != 4 || binary.LittleEndian.Uint32(l.Extensions) != checksum(l) {
		return fmt.Errorf("%w: entry %d of term %d does not fit its checksum", ErrDamaged, l.Index, l.Term)
	}
	return nil
}

// guarded opens what answers damage with a panic.
func guarded[T any](open func() (T, error)) (v T, err error) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		why, ok := fault.(error)
		if !ok {
			why = fmt.Errorf("%v", fault)
		}
		if !errors.Is(why, ErrDamaged) {
			why = fmt.Errorf("%w: %w", ErrDamaged, why)
		}
		err = fmt.Errorf("%w: %s", why, damagedAdvice)
	}()
	return open()
}
