package host

import "sync"

// budget bounds what the parent holds of large answers, bytes: a child whose
// answer does not fit waits, with its answer in its own memory. First come,
// first served, so that a large one is not starved by smaller ones.
type budget struct {
	all int64

	mu   sync.Mutex
	free int64
	line []*claim
}

func newBudget(n int64) *budget { return &budget{all: n, free: n} }

// claim is a part of a budget, or a place in its line.
type claim struct {
	b       *budget
	n       int64
	granted chan struct{} // closed once it is ours
	held    bool          // past done; the loop's
	state   claimState    // guarded by the budget's mutex
}

type claimState uint8

const (
	claimWaits claimState = iota
	claimGranted
	claimOver
)

// claim asks for n bytes, or for all there are where that is less.
func (b *budget) claim(n int64) *claim {
	c := &claim{b: b, n: min(n, b.all), granted: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line = append(b.line, c)
	b.grant()
	return c
}

// grant serves the line. The caller holds the lock.
func (b *budget) grant() {
	for len(b.line) > 0 && (b.line[0].state == claimOver || b.line[0].n <= b.free) {
		c := b.line[0]
		b.line = b.line[1:]
		if c.state == claimOver {
			continue // gave up
		}
		b.free -= c.n
		c.state = claimGranted
		close(c.granted)
	}
}

// release gives a claim back, or gives up waiting. It may be called again, and
// of no claim.
func (c *claim) release() {
	if c == nil {
		return
	}
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	if c.state == claimGranted {
		c.b.free += c.n
	}
	c.state = claimOver
	c.b.grant()
}
