package host

import (
	"errors"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

const (
	// ahead is how much work a child is given beyond what it runs: enough that
	// it never waits for us, little enough that what waits can go elsewhere.
	ahead = 5 * time.Millisecond
	// mostAhead bounds it for the shortest attempts.
	mostAhead = 512
	// fullFrame is how many jobs are worth a frame to a child that has plenty.
	fullFrame = 32
	// quick is a mean time below which one child is better than two: the hop
	// between processes costs as much as the attempt.
	quick = 100 * time.Microsecond
	// slowHead is how long an attempt runs before what waits behind it is
	// called back and more children are started.
	slowHead = 5 * time.Millisecond
	// turn is how long an attempt holds back others that would begin while
	// every core is busy. Then the operating system shares the cores among all:
	// a short attempt must not wait for two long ones to end.
	turn = 10 * time.Millisecond
	// startsAtOnce is how many children of a module start at the same time.
	startsAtOnce = 2
	// childOverhead is what a child takes beside linear memory, bytes.
	childOverhead = 32 << 20
	// mapSlack is what a child may map beside linear memory: a guest's deepest
	// stack takes 170 MiB, the largest input and output three times 64.
	mapSlack = 512 << 20
	// mostIdle is how many children are kept whatever memory there is.
	mostIdle = 64
)

// feedAll gives waiting jobs to children, those of modules that have no child
// at work first.
func (l *loop) feedAll() {
	if len(l.hungry) == 0 {
		return
	}
	starved := false
	for _, m := range l.hungry {
		if l.working(m) == 0 {
			l.feed(m, false)
			starved = starved || len(m.waiting) > 0 && m.state == stateCompiled && m.starting == 0
		}
	}
	for _, m := range l.hungry {
		if l.working(m) > 0 {
			l.feed(m, starved)
		}
	}
	l.hungry = slices.DeleteFunc(l.hungry, func(m *module) bool { return len(m.waiting) == 0 })
}

// working is how many children of m have something to do.
func (l *loop) working(m *module) int {
	n := 0
	for _, c := range m.children {
		if len(c.sent) > 0 {
			n++
		}
	}
	return n
}

// feed gives what waits of m to its children. With yield its busy children get
// no more: another module waits for one of them to become idle.
func (l *loop) feed(m *module, yield bool) {
	if m.state != stateCompiled {
		l.compile(m)
		return
	}
	for len(m.waiting) > 0 {
		c := l.pick(m, yield)
		if c == nil {
			break
		}
		l.give(c)
	}
	if len(m.waiting) > 0 {
		l.maybeStart(m, yield)
	}
}

// pick chooses the child for the next jobs of m, nil for none yet.
func (l *loop) pick(m *module, yield bool) *child {
	need := m.waiting[0].a.memory()
	var busy, idle *child
	for _, c := range m.children {
		switch {
		case c.dying != "" || c.writes || c.memory < need:
		case len(c.sent) == 0:
			if idle == nil || c.ready && !idle.ready {
				idle = c
			}
		case !yield && l.hasRoom(c) && (busy == nil || len(c.sent) < len(busy.sent)):
			busy = c
		}
	}
	if busy != nil && (m.mean > 0 && m.mean < int64(quick) || idle == nil) {
		return busy
	}
	if idle != nil && l.mayBegin(idle.memory+childOverhead-idle.reserve(), idle) {
		return idle
	}
	return busy
}

// hasRoom reports whether a child that works should be given more.
func (l *loop) hasRoom(c *child) bool {
	have := len(c.sent)
	if have >= window(c.m) || c.recalled >= c.first {
		return false
	}
	if have >= frame.MaxAttempts && len(c.m.waiting) < fullFrame {
		return false // it has plenty: gather a frame
	}
	return l.headTime(c) < slowHead
}

// window is how many jobs a child of m may have.
func window(m *module) int {
	if m.mean <= 0 {
		return 1
	}
	return int(min(max(int64(ahead)/m.mean, 1), mostAhead))
}

// headTime is how long the attempt that a child runs has run, as far as is
// known.
func (l *loop) headTime(c *child) time.Duration {
	if c.began < c.first {
		return 0
	}
	return time.Duration(l.now - c.beganAt)
}

// give sends a frame of jobs to a child.
func (l *loop) give(c *child) {
	m := c.m
	n := min(len(m.waiting), frame.MaxAttempts, max(1, window(m)-len(c.sent)))
	if len(c.sent) == 0 {
		c.beganAt = l.now
	}
	c.out = frame.Begin(c.out, frame.KindAttempts)
	sent := 0
	for _, j := range m.waiting[:n] {
		msg := message(j)
		if sent > 0 && (len(c.out)+msg.Size() > frame.SoftFrame || j.a.memory() > c.memory) {
			break
		}
		msg.Seq = c.first + uint64(len(c.sent))
		c.out = msg.Append(c.out)
		c.sent = append(c.sent, j)
		c.live++
		sent++
	}
	m.waiting = m.waiting[sent:]
	if len(m.waiting) == 0 {
		m.waiting = nil
	}
	frame.End(c.out)
	c.write(l.h)
}

// message is a job as the child is told of it.
func message(j *job) frame.Attempt {
	a := j.a
	return frame.Attempt{
		Task: a.Task, ID: a.ID, Number: int64(a.Number), Input: a.Input,
		Timeout: int64(a.timeout()), Soft: int64(a.SoftTimeout),
		Memory: a.memory(), MaxOutput: a.maxOutput(), MaxLog: a.maxLog(),
		Describe: j.describe, StreamLog: a.OnLog != nil, Progress: a.OnProgress != nil, Flush: a.Once,
	}
}

// compile has a module compiled, unless that goes on already.
func (l *loop) compile(m *module) {
	if m.state == stateCompiling {
		return
	}
	m.state = stateCompiling
	h, mod := l.h, m.Module
	h.work.Go(func() { h.post(compiledEvent{m: m, err: h.compiler.ensure(h.compiler.ctx, mod)}) })
}

type compiledEvent struct {
	m   *module
	err error
}

func (e compiledEvent) apply(l *loop) {
	if e.err == nil {
		e.m.state = stateCompiled
		l.hunger(e.m)
		return
	}
	e.m.state = stateUnknown
	if _, refused := errors.AsType[refusal](e.err); refused {
		l.failAll(e.m, queue.ErrUnavailable, e.err.Error())
	} else {
		l.passOn(e.m, e.err.Error())
	}
	l.forget(e.m)
}
