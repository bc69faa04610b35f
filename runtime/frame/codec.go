package frame

import (
	"encoding/binary"
	"fmt"
)

// decoder reads fields from a payload. The first fault sticks; what is read
// after it is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrProtocol, what)
	}
	d.b = nil
}

func (d *decoder) byte(what string) byte {
	if len(d.b) < 1 {
		d.fail(what)
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) uint(what string) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(what)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// int reads a count, size or time, which is never negative here.
func (d *decoder) int(what string) int64 {
	v := d.uint(what)
	if v > 1<<63-1 {
		d.fail(what)
		return 0
	}
	return int64(v)
}

// bytes reads a length and so many bytes, at most max. The result aliases the
// payload.
func (d *decoder) bytes(what string, max int) []byte {
	n := d.uint(what)
	if n > uint64(max) || n > uint64(len(d.b)) {
		d.fail(what)
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) fixed(what string, to []byte) {
	if len(d.b) < len(to) {
		d.fail(what)
		return
	}
	d.b = d.b[copy(to, d.b):]
}

// end says that the payload must be used up.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail("bytes after the end")
	}
	return d.err
}

func appendInt(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(max(v, 0)))
}

func appendBytes[T ~string | ~[]byte](b []byte, v T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}
