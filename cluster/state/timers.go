package state

import (
	"cmp"
	"slices"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// timers is the time index: what becomes due when. Tasks, the bulk of it, have
// at most one timer each: their time while they wait for it, their expiry
// while they wait for a slot, the end of their time as dead letters.
type timers struct {
	tasks  heap.Heap[*task]
	rates  []rateTimer
	stages []*stage
}

// rateTimer wakes those who wait for a rate, of a task name or of a line.
type rateTimer struct {
	limiter *limit.Limiter
	line    *match.Line
}

func newTimers() timers {
	return timers{tasks: heap.New(dueBefore, func(t *task) *int32 { return &t.timerPos })}
}

func dueBefore(a, b *task) bool {
	if a.due != b.due {
		return a.due < b.due
	}
	return a.Seq < b.Seq
}

// next is the earliest due time of all.
func (x *timers) next() (int64, bool) {
	best, ok := int64(1<<63-1), false
	if x.tasks.Len() > 0 {
		best, ok = x.tasks.Top().due, true
	}
	for _, r := range x.rates {
		best, ok = min(best, r.at()), true
	}
	for _, g := range x.stages {
		best, ok = min(best, g.expires), true
	}
	return best, ok
}

func (r rateTimer) at() int64 {
	if r.line != nil {
		return r.line.RateNext()
	}
	return r.limiter.Next
}

func (x *timers) stage(g *stage) {
	at, _ := slices.BinarySearchFunc(x.stages, g, compareStages)
	x.stages = slices.Insert(x.stages, at, g)
}

func compareStages(a, b *stage) int {
	return cmp.Or(cmp.Compare(a.expires, b.expires), a.id.Compare(b.id))
}

func (x *timers) unstage(g *stage) {
	x.stages = slices.DeleteFunc(x.stages, func(o *stage) bool { return o == g })
}

// schedule lets a task wait for its time, or for its expiry if that comes
// first.
func (m *Machine) schedule(t *task) {
	t.list.move(t, func() { t.flags |= flagScheduled })
	if t.expires != 0 && t.expires < t.ready {
		m.wait(t, t.expires)
		return
	}
	m.wait(t, t.ready)
}

// wait sets a task's timer.
func (m *Machine) wait(t *task, due int64) {
	t.list.move(t, func() {
		t.due = due
		if t.timerPos < 0 {
			m.timers.tasks.Push(t)
			return
		}
		m.timers.tasks.Fix(t)
	})
	m.dirty.task(t)
}

// unwait removes it.
func (m *Machine) unwait(t *task) {
	if t.timerPos < 0 {
		return
	}
	t.list.move(t, func() {
		m.timers.tasks.Remove(t)
		t.flags &^= flagScheduled
	})
	m.dirty.task(t)
}

// runTimers does what is due, as far as the budget goes.
func (m *Machine) runTimers() {
	for m.budget > 0 && m.timers.tasks.Len() > 0 && m.timers.tasks.Top().due <= m.now {
		t := m.timers.tasks.Top()
		m.spend()
		m.unwait(t)
		switch {
		case t.flags&flagDead != 0:
			m.retire(t, max(m.now, t.extra.removedAt))
		case t.state == queue.Deferred:
			m.resume(t)
		case t.Where == match.Out:
			t.list.move(t, func() { t.state = queue.Pending })
			m.moved(t, queue.Pending, nil)
			m.makeReady(t)
		default:
			m.expire(t)
		}
	}
	m.wakeRates()
	for _, g := range slices.Clone(m.timers.stages) {
		if g.expires <= m.now {
			m.drop(g)
		}
	}
	m.dropHolds()
	m.dropIdle()
	m.idem.sweep(m)
	m.sweepThrottles()
}

// rateWaits starts the timer of a rate that somebody waits for.
func (m *Machine) rateWaits(l *limit.Limiter) {
	m.addRate(rateTimer{limiter: l})
}

func (m *Machine) addRate(r rateTimer) {
	if !slices.Contains(m.timers.rates, r) {
		m.timers.rates = append(m.timers.rates, r)
		slices.SortFunc(m.timers.rates, compareRates)
	}
}

func compareRates(a, b rateTimer) int {
	return cmp.Compare(a.name(), b.name())
}

func (r rateTimer) name() string {
	if r.line != nil {
		return "q" + r.line.Namespace.Name + "\x00" + r.line.Name
	}
	return "t" + r.limiter.Namespace + "\x00" + r.limiter.Name.Name
}

// wakeRates calls back those whose rate has come. Whoever takes a start, or is
// refused one, sets the timer anew where somebody waits.
func (m *Machine) wakeRates() {
	m.timers.rates = slices.DeleteFunc(m.timers.rates, func(r rateTimer) bool {
		if r.at() > m.now {
			return false
		}
		if r.line != nil {
			m.ready.Refresh(r.line, m.now)
			return true
		}
		m.ready.Wake(r.limiter)
		return true
	})
}
