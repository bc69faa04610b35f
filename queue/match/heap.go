package match

// heap is a binary heap whose elements know their place, so that any of them
// can be moved or removed. The order must be total: then what comes out does
// not depend on the history of what went in, and a replica that was rebuilt
// from disk chooses as the others do.
type heap[T any] struct {
	items []T
	less  func(a, b T) bool
	place func(T) *int32 // where the element keeps its position; -1 is out
}

func (h *heap[T]) len() int { return len(h.items) }
func (h *heap[T]) top() T   { return h.items[0] }

func (h *heap[T]) push(v T) {
	h.items = append(h.items, v)
	h.up(len(h.items) - 1)
}

func (h *heap[T]) remove(v T) {
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
	h.fix(moved)
}

// fix restores the order after v's rank has changed.
func (h *heap[T]) fix(v T) {
	i := int(*h.place(v))
	if !h.down(i) {
		h.up(i)
	}
}

func (h *heap[T]) set(i int, v T) {
	h.items[i] = v
	*h.place(v) = int32(i)
}

func (h *heap[T]) up(i int) {
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

func (h *heap[T]) down(i int) bool {
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
