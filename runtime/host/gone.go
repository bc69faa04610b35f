package host

import (
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// apply settles what a dead child leaves.
func (e goneEvent) apply(l *loop) {
	c, m := e.c, e.c.m
	l.children = slices.DeleteFunc(l.children, func(o *child) bool { return o == c })
	m.children = slices.DeleteFunc(m.children, func(o *child) bool { return o == c })
	errType, reason := c.dying, c.reason
	if errType == "" {
		errType, reason = e.why()
		l.h.log.Warn("a sandbox ended unexpectedly", "module", m.Digest, "pid", c.Pid, "ready", c.ready, "reason", reason)
	}
	begun, at := c.page.Begun()
	c.close()
	hit := false
	var back []*job
	for i, j := range c.sent {
		seq := c.first + uint64(i)
		switch {
		case j == nil:
		case seq == begun && (c.blame == 0 || c.blame == seq):
			hit = true
			l.failBegun(j, min(max(at, c.started), l.now), errType, reason)
		case seq <= begun && j.a.Once:
			l.fail(j, true, errCrashed, "the sandbox died with the attempt's result")
		default:
			back = append(back, j)
		}
	}
	l.settle(m, c, back, hit, reason)
}

// failBegun ends the job that a child ran when it died.
func (l *loop) failBegun(j *job, at int64, errType, reason string) {
	r := Result{Began: true}
	now := time.Now().UnixNano()
	wall := l.now - at
	r.Outcome = queue.Outcome{
		Error: &queue.Error{Type: errType, Message: reason},
		Usage: queue.Usage{WallNanos: wall}, Started: now - wall, Finished: now,
	}
	l.finish(j, r)
}

// settle decides what becomes of the jobs that a dead child had not begun.
func (l *loop) settle(m *module, c *child, back []*job, hit bool, reason string) {
	if l.closing != nil {
		select {
		case <-l.closing.now:
			for _, j := range back {
				l.handBack(j)
			}
			return
		default:
		}
	}
	l.requeue(m, back)
	switch {
	case !c.ready:
		l.startFailed(m, reason)
	case !hit && (len(back) > 0 || c.hostile):
		// Nobody is to blame, but it must not go on like this for ever.
		if m.failures++; m.failures >= startTries {
			m.failures = 0
			l.failAll(m, errCrashed, reason)
		}
	}
	l.forget(m)
}

// startFailed is when a child did not come up. The first time its compiled
// code is made anew, for it may be another version's or broken.
func (l *loop) startFailed(m *module, reason string) {
	if m.state != stateCompiled {
		return // another child has failed already, and the code is being made
	}
	if m.failures++; m.failures >= startTries {
		m.failures = 0
		l.passOn(m, "the sandbox did not start: "+reason)
		l.forget(m)
		return
	}
	l.h.log.Warn("a sandbox did not start", "module", m.Digest, "reason", reason)
	if m.failures == 1 {
		l.h.compiler.forget(m.Module)
	}
	m.state = stateUnknown
	if len(m.waiting) > 0 {
		l.hunger(m)
	}
}
