// Package limit counts what tasks may use at the same time or in a stretch of
// time: concurrency keys, pools and rates. It only counts; who waits for what
// is queue/match's matter. Nothing here reads a clock: times are the machine's.
package limit

import (
	"cmp"

	"github.com/windrow-dev/windrow/queue"
)

// Kind is a sort of limit. A claim takes them in this order, all or none.
type Kind uint8

// The kinds. A concurrency key and a pool are given back when the attempt
// ends; a rate is spent.
const (
	Key Kind = iota + 1
	Pool
	Rate
)

// Name identifies a limiter.
type Name struct {
	Kind      Kind
	Namespace string
	Name      string // the key, the pool, or "MODULE.TASK"
}

// Compare orders limiters.
func (n Name) Compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Kind, o.Kind), cmp.Compare(n.Namespace, o.Namespace), cmp.Compare(n.Name, o.Name))
}

// Limiter is one limit with its use.
type Limiter struct {
	Name
	Limit uint32 // of keys and pools
	Used  uint32
	Rate  queue.Rate
	// Next is the earliest time of the next start under a rate.
	Next int64
	// Woken is how many slots have been promised to tasks that were called
	// back from the wait and not yet asked again.
	Woken uint32
	// Refs counts tasks that name this limiter, so that a key nobody names
	// can be forgotten.
	Refs int
}

// slack is how far a rate's clock may lag behind, so that a late timer costs
// no throughput, and a fast rate is served several starts a time.
const slack = int64(10e6)

// Interval is the time between two starts under a rate.
func (l *Limiter) Interval() int64 { return l.Rate.Per / int64(max(l.Rate.N, 1)) }

// Allows reports whether so many slots may be taken now.
func (l *Limiter) Allows(slots uint32, now int64) bool {
	if l.Kind == Rate {
		return l.Rate.N == 0 || now >= l.Next
	}
	return l.Used+slots <= l.Limit && l.Used+slots >= l.Used
}

// Burst is how many starts a rate allows at once after a lag.
func (l *Limiter) Burst() uint32 {
	if l.Rate.N == 0 {
		return 1 << 31
	}
	return 1 + uint32(slack/max(l.Interval(), 1))
}

func (l *Limiter) take(slots uint32, now int64) {
	if l.Kind != Rate {
		l.Used += slots
		return
	}
	if l.Rate.N > 0 {
		l.Next = max(l.Next, now-slack) + l.Interval()
	}
}

// Claim is what one task needs; a nil limiter is not needed.
type Claim struct {
	Key, Pool, Rate *Limiter
	PoolSlots       uint32
}

// Each calls fn for what the claim needs, in the order of taking.
func (c *Claim) Each(fn func(l *Limiter, slots uint32)) {
	if c.Key != nil {
		fn(c.Key, 1)
	}
	if c.Pool != nil {
		fn(c.Pool, c.PoolSlots)
	}
	if c.Rate != nil {
		fn(c.Rate, 1)
	}
}

// Slots is how much of l the claim needs.
func (c *Claim) Slots(l *Limiter) uint32 {
	if l == c.Pool {
		return c.PoolSlots
	}
	return 1
}

// Of gives the limiter of a kind, or nil.
func (c *Claim) Of(k Kind) *Limiter {
	switch k {
	case Key:
		return c.Key
	case Pool:
		return c.Pool
	case Rate:
		return c.Rate
	}
	return nil
}

// Take takes all that the claim needs, or nothing and returns the first
// limiter that refused.
func (c *Claim) Take(now int64) *Limiter {
	var refused *Limiter
	c.Each(func(l *Limiter, slots uint32) {
		if refused == nil && !l.Allows(slots, now) {
			refused = l
		}
	})
	if refused == nil {
		c.Each(func(l *Limiter, slots uint32) { l.take(slots, now) })
	}
	return refused
}

// Restore counts, at start, what an assigned task holds.
func (c *Claim) Restore() {
	for _, l := range []*Limiter{c.Key, c.Pool} {
		if l != nil {
			l.Used += c.Slots(l)
		}
	}
}

// Give returns what is held by an attempt that has ended.
func (c *Claim) Give() {
	for _, l := range []*Limiter{c.Key, c.Pool} {
		if l != nil {
			l.Used -= c.Slots(l)
		}
	}
}

// Table holds the limiters by name.
type Table struct{ byName map[Name]*Limiter }

// NewTable makes an empty table.
func NewTable() *Table { return &Table{byName: map[Name]*Limiter{}} }

// Get returns a limiter, or nil.
func (t *Table) Get(n Name) *Limiter { return t.byName[n] }

// Need returns a limiter, made where there is none.
func (t *Table) Need(n Name) *Limiter {
	l := t.byName[n]
	if l == nil {
		l = &Limiter{Name: n}
		t.byName[n] = l
	}
	return l
}

// Forget removes a limiter.
func (t *Table) Forget(n Name) { delete(t.byName, n) }

// Spend takes one start of a rate.
func (l *Limiter) Spend(now int64) { l.take(1, now) }
