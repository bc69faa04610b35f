// Package heap is a binary heap whose elements know their place, so that any of
// them can be moved or removed. The order must be total: then what comes out
// does not depend on the history of what went in, and a replica that was
// rebuilt from disk chooses as the others do.
package heap

// Heap is one heap; New makes it.
type Heap[T any] struct {
	items []T
	less  func(a, b T) bool
	place func(T) *int32
}

// New makes an empty heap. place says where an element keeps its position,
// which is -1 while it is out.
func New[T any](less func(a, b T) bool, place func(T) *int32) Heap[T] {
	return Heap[T]{less: less, place: place}
}

// Len is how many elements there are.
func (h *Heap[T]) Len() int { return len(h.items) }

// Top is the least element; there must be one.
func (h *Heap[T]) Top() T { return h.items[0] }

// Items are all elements, in no order that means anything.
func (h *Heap[T]) Items() []T { return h.items }

// Push puts an element in.
func (h *Heap[T]) Push(v T) {
	h.items = append(h.items, v)
	h.up(len(h.items) - 1)
}

// Remove takes an element out, wherever it is.
func (h *Heap[T]) Remove(v T) {
	i := int(*h.place(v))
	last := len(h.items) - 1
	*h.place(v) = -1
	moved := h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	if i == last {
		return
	}
	h.set(i, moved)
	h.Fix(moved)
}

// Fix restores the order after v's rank has changed.
func (h *Heap[T]) Fix(v T) {
	i := int(*h.place(v))
	if !h.down(i) {
		h.up(i)
	}
}

func (h *Heap[T]) set(i int, v T) {
	h.items[i] = v
	*h.place(v) = int32(i)
}

func (h *Heap[T]) up(i int) {
	v := h.items[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(v, h.items[parent]) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, v)
}

func (h *Heap[T]) down(i int) bool {
	v, start := h.items[i], i
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			break
		}
		if r := child + 1; r < len(h.items) && h.less(h.items[r], h.items[child]) {
			child = r
		}
		if !h.less(h.items[child], v) {
			break
		}
		h.set(i, h.items[child])
		i = child
	}
	h.set(i, v)
	return i > start
}
