package command

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/queue"
)

// ErrDamaged says that bytes are no command of a version this node knows.
var ErrDamaged = errors.New("damaged command")

// writer appends a body; its methods mirror reader's.
type writer struct{ b []byte }

func (w *writer) uint(v uint64)   { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)     { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) byte(v byte)     { w.b = append(w.b, v) }
func (w *writer) id(id queue.ID)  { w.b = append(w.b, id[:]...) }
func (w *writer) bytes(v []byte)  { w.uint(uint64(len(v))); w.b = append(w.b, v...) }
func (w *writer) string(v string) { w.uint(uint64(len(v))); w.b = append(w.b, v...) }
func (w *writer) fence(f queue.Fence) {
	w.uint(f.Index)
	w.uint(uint64(f.Ord))
}

func (w *writer) bool(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) strings(v []string) {
	w.uint(uint64(len(v)))
	for _, s := range v {
		w.string(s)
	}
}

// reader consumes a body. The first fault sticks; values read after it are
// zero. Byte slices alias the input.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.bad, r.b = true, nil }

// more reports whether a field written by a newer version follows.
func (r *reader) more() bool { return !r.bad && len(r.b) > 0 }

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uint32() uint32 {
	v := r.uint()
	if v > 1<<32-1 {
		r.fail()
		return 0
	}
	return uint32(v)
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bool() bool { return r.byte() != 0 }

func (r *reader) id() (id queue.ID) {
	if len(r.b) < len(id) {
		r.fail()
		return id
	}
	copy(id[:], r.b)
	r.b = r.b[len(id):]
	return id
}

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	if n == 0 {
		return nil
	}
	return v
}

func (r *reader) string() string { return string(r.bytes()) }

func (r *reader) fence() queue.Fence { return queue.Fence{Index: r.uint(), Ord: r.uint32()} }

// count reads a length of a list whose elements take at least size bytes each,
// so that a lying count cannot make anybody allocate.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) strings() []string {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	v := make([]string, n)
	for i := range v {
		v[i] = r.string()
	}
	return v
}

func (r *reader) err(what string) error {
	if r.bad {
		return fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	return nil
}
