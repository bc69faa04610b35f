package command

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/queue"
)

// ErrDamaged says that bytes are no command of a version this node knows.
var ErrDamaged = errors.New("damaged command")

// Writer appends fields of commands and stored records; its methods mirror
// Reader's.
type Writer struct{ b []byte }

// NewWriter appends to dst.
func NewWriter(dst []byte) *Writer { return &Writer{b: dst} }

// NewReader reads b; the byte slices it gives alias b.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Done gives all that was written.
func (w *Writer) Done() []byte { return w.b }

// Rest is what has not been read yet.
func (r *Reader) Rest() []byte { return r.b }

func (w *Writer) Uint(v uint64)   { w.b = binary.AppendUvarint(w.b, v) }
func (w *Writer) Int(v int64)     { w.b = binary.AppendVarint(w.b, v) }
func (w *Writer) Byte(v byte)     { w.b = append(w.b, v) }
func (w *Writer) ID(id queue.ID)  { w.b = append(w.b, id[:]...) }
func (w *Writer) Bytes(v []byte)  { w.Uint(uint64(len(v))); w.b = append(w.b, v...) }
func (w *Writer) String(v string) { w.Uint(uint64(len(v))); w.b = append(w.b, v...) }
func (w *Writer) Fence(f queue.Fence) {
	w.Uint(f.Index)
	w.Uint(uint64(f.Ord))
}

func (w *Writer) Bool(v bool) {
	if v {
		w.Byte(1)
	} else {
		w.Byte(0)
	}
}

func (w *Writer) Strings(v []string) {
	w.Uint(uint64(len(v)))
	for _, s := range v {
		w.String(s)
	}
}

// Reader consumes what a Writer wrote. The first fault sticks; values read after it are
// zero. Byte slices alias the input.
type Reader struct {
	b   []byte
	bad bool
}

func (r *Reader) Fail() { r.bad, r.b = true, nil }

// More reports whether a field written by a newer version follows.
func (r *Reader) More() bool { return !r.bad && len(r.b) > 0 }

func (r *Reader) Uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *Reader) Uint32() uint32 {
	v := r.Uint()
	if v > 1<<32-1 {
		r.Fail()
		return 0
	}
	return uint32(v)
}

func (r *Reader) Int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.Fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *Reader) Byte() byte {
	if len(r.b) == 0 {
		r.Fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *Reader) Bool() bool { return r.Byte() != 0 }

func (r *Reader) ID() (id queue.ID) {
	if len(r.b) < len(id) {
		r.Fail()
		return id
	}
	copy(id[:], r.b)
	r.b = r.b[len(id):]
	return id
}

func (r *Reader) Bytes() []byte {
	n := r.Uint()
	if n > uint64(len(r.b)) {
		r.Fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	if n == 0 {
		return nil
	}
	return v
}

func (r *Reader) String() string { return string(r.Bytes()) }

func (r *Reader) Fence() queue.Fence { return queue.Fence{Index: r.Uint(), Ord: r.Uint32()} }

// Count reads a length of a list whose elements take at least size bytes each,
// so that a lying count cannot make anybody allocate.
func (r *Reader) Count(size int) int {
	n := r.Uint()
	if n > uint64(len(r.b)/size) {
		r.Fail()
		return 0
	}
	return int(n)
}

func (r *Reader) Strings() []string {
	n := r.Count(1)
	if n == 0 {
		return nil
	}
	v := make([]string, n)
	for i := range v {
		v[i] = r.String()
	}
	return v
}

func (r *Reader) Err(what string) error {
	if r.bad {
		return fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	return nil
}
