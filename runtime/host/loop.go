package host

import (
	"fmt"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// Names of errors that the files below use often.
const (
	errCrashed     = queue.ErrCrashed
	errOutOfMemory = queue.ErrOutOfMemory
)

// loop is the one goroutine that owns all jobs and children. Others leave it
// their news in the inbox; it never waits for any of them. While there is work
// it also wakes up by itself, to look at pages, deadlines and memory; an idle
// host sleeps.
type loop struct {
	h        *Host
	modules  map[string]*module
	hungry   []*module // those with jobs that wait, in the order they came to
	children []*child
	starting int // children that the spawner has not returned yet
	jobs     int // jobs that are not done

	now     int64 // by frame.Now, read once a round
	timer   *time.Timer
	ticking bool
	soonest int64 // deadline of what runs, as of the last tick; 0 is none
	closing *closing
	spare   []event // the inbox of the round before, to use again
}

// module is one module and all that is for it.
type module struct {
	Module
	waiting  []*job
	children []*child
	starting int
	state    moduleState
	mean     int64 // of an attempt's time, ns; 0 before the first
	failures int   // children in a row that ended before any result
	memory   int64 // largest memory limit asked for
}

type moduleState int

const (
	stateUnknown   moduleState = iota // whether it is compiled
	stateCompiling                    // in the compiler's hands
	stateCompiled                     // children may start
)

// tickEvery is how often a host with work looks at its children.
const tickEvery = 5 * time.Millisecond

func newLoop(h *Host) *loop {
	l := &loop{h: h, modules: map[string]*module{}, timer: time.NewTimer(time.Hour)}
	l.timer.Stop()
	return l
}

func (l *loop) run() {
	defer close(l.h.stopped)
	for {
		l.now = frame.Now()
		l.take()
		l.feedAll()
		if l.closing != nil && l.close() {
			return
		}
		l.arm()
		select {
		case <-l.h.wake:
		case <-l.timer.C:
			l.ticking = false
			l.now = frame.Now()
			l.tick()
		}
	}
}

// arm sets the timer while there is work: to the next tick, or to a deadline
// before it.
func (l *loop) arm() {
	if l.ticking || l.jobs == 0 && l.starting == 0 {
		return
	}
	l.ticking = true
	wait := tickEvery
	if l.soonest > 0 {
		wait = min(wait, max(0, time.Duration(l.soonest-l.now)))
	}
	l.timer.Reset(wait)
}

// take empties the inbox.
func (l *loop) take() {
	l.h.mu.Lock()
	events := l.h.in.events
	l.h.in.events = l.spare[:0]
	l.h.mu.Unlock()
	for _, e := range events {
		e.apply(l)
	}
	clear(events)
	l.spare = events
}

func (j *job) apply(l *loop) { l.accept(j) }

// accept takes a job in, or answers it at once.
func (l *loop) accept(j *job) {
	l.jobs++
	j.since = l.now
	switch {
	case l.closing != nil:
		l.handBack(j)
	case len(j.a.Input) > MaxInput:
		l.fail(j, false, queue.ErrInputTooLarge, fmt.Sprintf("an input may have %s", size(MaxInput)))
	default:
		m := l.module(j.a.Module)
		m.memory = max(m.memory, j.a.memory())
		m.waiting = append(m.waiting, j)
		l.hunger(m)
	}
}

func (l *loop) module(mod Module) *module {
	key := mod.Kind + ":" + mod.Digest
	m := l.modules[key]
	if m == nil {
		m = &module{}
		l.modules[key] = m
	}
	m.Module = mod
	return m
}

// hunger notes that jobs of m wait.
func (l *loop) hunger(m *module) {
	if !slices.Contains(l.hungry, m) {
		l.hungry = append(l.hungry, m)
	}
}

// requeue puts jobs back where they came from: before all that wait.
func (l *loop) requeue(m *module, jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	m.waiting = append(jobs, m.waiting...)
	l.hunger(m)
}

// finish ends a job.
func (l *loop) finish(j *job, r Result) {
	l.jobs--
	j.done(r)
	if r.claim != nil && !r.claim.held {
		r.claim.release()
	}
}

// handBack ends a job that has not begun and may run elsewhere.
func (l *loop) handBack(j *job) { l.finish(j, Result{}) }

// fail ends a job with an error that is not the child's to tell.
func (l *loop) fail(j *job, began bool, errType, message string) {
	r := Result{Began: began}
	r.Outcome.Error = &queue.Error{Type: errType, Message: message}
	r.Outcome.Finished = time.Now().UnixNano()
	l.finish(j, r)
}

// failAll ends all jobs of m that wait.
func (l *loop) failAll(m *module, errType, message string) {
	jobs := m.waiting
	m.waiting = nil
	for _, j := range jobs {
		l.fail(j, false, errType, message)
	}
}

// passOn ends all jobs of m that wait: this node could not begin them.
func (l *loop) passOn(m *module, why string) {
	jobs := m.waiting
	m.waiting = nil
	for _, j := range jobs {
		l.finish(j, Result{Elsewhere: true, Outcome: queue.Outcome{
			Error: &queue.Error{Type: queue.ErrUnavailable, Message: why}, Finished: time.Now().UnixNano(),
		}})
	}
}

// forget drops a module for which there is nothing left.
func (l *loop) forget(m *module) {
	if len(m.waiting) == 0 && len(m.children) == 0 && m.starting == 0 && m.state != stateCompiling {
		delete(l.modules, m.Kind+":"+m.Digest)
	}
}

// close goes on with ending the host and reports whether it has ended.
func (l *loop) close() bool {
	select {
	case <-l.closing.now:
		for _, m := range l.hungry {
			for _, j := range m.waiting {
				l.handBack(j)
			}
			m.waiting = nil
		}
		for _, c := range l.children {
			l.kill(c, queue.ErrWorkerLost, "the node was stopped during the attempt")
		}
	default:
	}
	if l.jobs > 0 || l.starting > 0 {
		return false
	}
	for _, c := range l.children {
		l.retire(c)
	}
	if len(l.children) > 0 {
		return false
	}
	l.timer.Stop()
	l.h.mu.Lock()
	l.h.in.closed = true
	l.h.mu.Unlock()
	l.take() // what came meanwhile is handed back
	return true
}

// killEvent ends attempts from outside.
type killEvent struct {
	match   func(*Attempt) bool
	errType string
}

func (e killEvent) apply(l *loop) {
	const message = "the attempt was ended from outside"
	for _, c := range l.withdraw(e.match, func(j *job) { l.fail(j, false, e.errType, message) }) {
		if begun, _ := c.page.Begun(); c.at(begun) != nil && e.match(c.at(begun).a) {
			l.killFor(c, begun, e.errType, message)
		}
	}
}

// dropEvent hands back an attempt that has not begun.
type dropEvent struct{ id queue.ID }

func (e dropEvent) apply(l *loop) {
	l.withdraw(func(a *Attempt) bool { return a.ID == e.id }, l.handBack)
}

// withdraw ends the jobs that match and have not begun. It returns the
// children that had any that match, begun or not.
func (l *loop) withdraw(match func(*Attempt) bool, end func(*job)) (had []*child) {
	for _, m := range l.modules {
		m.waiting = slices.DeleteFunc(m.waiting, func(j *job) bool {
			if !match(j.a) {
				return false
			}
			end(j)
			return true
		})
	}
	for _, c := range l.children {
		if !slices.ContainsFunc(c.sent, func(j *job) bool { return j != nil && match(j.a) }) {
			continue
		}
		had = append(had, c)
		var others []*job
		for _, j := range l.recall(c) {
			if match(j.a) {
				end(j)
			} else {
				others = append(others, j)
			}
		}
		l.requeue(c.m, others)
	}
	return had
}

// takeBackEvent hands back what has not begun.
type takeBackEvent struct{ olderThan time.Duration }

func (e takeBackEvent) apply(l *loop) {
	for _, c := range slices.Clone(l.children) {
		l.requeue(c.m, l.recall(c))
	}
	l.handBackOlder(e.olderThan)
}

// handBackOlder hands back what has waited for longer.
func (l *loop) handBackOlder(than time.Duration) {
	for _, m := range l.modules {
		m.waiting = slices.DeleteFunc(m.waiting, func(j *job) bool {
			if time.Duration(l.now-j.since) < than || j.describe {
				return false
			}
			l.handBack(j)
			return true
		})
	}
}
