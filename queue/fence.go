package queue

import (
	"cmp"
	"fmt"
)

// Fence names one assignment of a task, or one session of a worker, by the
// place in the log that made it. A completion that carries any other fence
// than the task's present one is refused.
type Fence struct {
	Index uint64
	Ord   uint32
}

// IsZero reports whether it names nothing.
func (f Fence) IsZero() bool { return f == Fence{} }

// Compare orders fences by their making.
func (f Fence) Compare(o Fence) int {
	if c := cmp.Compare(f.Index, o.Index); c != 0 {
		return c
	}
	return cmp.Compare(f.Ord, o.Ord)
}

// String is "index-ordinal", as event ids are.
func (f Fence) String() string { return fmt.Sprintf("%d-%d", f.Index, f.Ord) }

// ParseFence is the inverse of String.
func ParseFence(s string) (Fence, error) {
	var f Fence
	if n, err := fmt.Sscanf(s, "%d-%d", &f.Index, &f.Ord); err != nil || n != 2 || f.String() != s {
		return Fence{}, fmt.Errorf("%q is not of the form INDEX-ORDINAL", s)
	}
	return f, nil
}
