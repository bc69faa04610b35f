package workflow

// lookout is the nodes to be looked at, a heap by their place, so that the
// order does not depend on who woke them.
type lookout []uint32

func (r *Run) mark(n uint32) {
	if r.nodes[n].marked || r.cancelled {
		return
	}
	r.nodes[n].marked = true
	h := append(r.look, n)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up] <= h[i] {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	r.look = h
}

// unmark takes the first one out.
func (r *Run) unmark() {
	h := r.look
	r.nodes[h[0]].marked = false
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[i] <= h[c] {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	if r.look = h; len(h) == 0 {
		r.look = nil
	}
}
