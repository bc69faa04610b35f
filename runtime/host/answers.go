package host

import (
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

func (e answerEvent) apply(l *loop) {
	c := e.c
	<-c.room
	if e.claim != nil {
		c.answering = false
	}
	if c.hostile || !e.heed(l) {
		e.claim.release()
		return
	}
	if len(c.sent) == 0 && c.dying == "" {
		l.rest(c)
	}
}

// heed takes what a child says; it reports false where that broke the
// protocol.
func (e answerEvent) heed(l *loop) bool {
	c := e.c
	switch {
	case e.failed != "" && c.dying == "":
		c.dying, c.reason = errCrashed, e.failed
		close(c.killed)
		_ = c.Kill() // it is about to end by itself
	case e.ready:
		c.ready = true
	}
	for _, a := range e.answers {
		if !c.ready {
			l.violation(c, "it answered before it was ready")
			return false
		}
		ok := false
		switch {
		case a.Result != nil:
			ok = l.result(c, a.Result, e.claim)
		case a.Log != nil:
			ok = l.logged(c, a.Log)
		case a.Progress != nil:
			ok = l.progress(c, a.Progress)
		}
		if !ok {
			l.violation(c, "it answered what it was not asked")
			return false
		}
	}
	return true
}

// rest is when a child has become idle.
func (l *loop) rest(c *child) {
	if l.now-c.idle > lookEvery || c.resident == 0 {
		c.resident = residentBytes(c.Pid)
	}
	c.idle = l.now
	c.logged = nil
	if c.resident > mostResident {
		l.retire(c)
	}
}

// result takes the end of the attempt that is next to end; it reports false
// where the child could not honestly say so. The claim is what the result's
// frame counts for.
func (l *loop) result(c *child, r *frame.Result, cl *claim) bool {
	if len(c.sent) == 0 || r.Seq != c.first {
		return false
	}
	j := c.sent[0]
	c.sent = c.sent[1:]
	c.first++
	if len(c.sent) == 0 {
		c.sent = nil
	}
	skipped := r.Exit == frame.ExitSkipped
	if j == nil || skipped {
		if j != nil {
			c.live--
			l.requeue(c.m, []*job{j})
		}
		cl.release()
		return skipped && r.Seq <= c.recalled
	}
	c.lastProgress(j, r.Seq)
	c.live--
	c.lagging = 0
	if int64(len(r.Output)) > max(j.a.maxOutput(), 0) {
		l.fail(j, true, errCrashed, "the sandbox sent more output than allowed")
		return false
	}
	plausible(r, l.now-c.started)
	l.learn(c.m, r)
	c.beganAt = l.now
	c.m.failures = 0
	if cl != nil {
		h := l.h
		h.work.Go(func() { h.post(judgedEvent{j, outcome(j.a, r), cl}) })
		return true
	}
	l.finish(j, Result{Began: true, Outcome: outcome(j.a, r)})
	return true
}

// judgedEvent is an attempt whose output took its time to check.
type judgedEvent struct {
	j *job
	o queue.Outcome
	c *claim
}

func (e judgedEvent) apply(l *loop) { l.finish(e.j, Result{Began: true, Outcome: e.o, claim: e.c}) }

// plausible bounds what the child says of times to what the parent knows.
func plausible(r *frame.Result, age int64) {
	now := time.Now().UnixNano()
	r.Wall = min(r.Wall, max(age, 0))
	r.CPU = min(r.CPU, 2*max(age, 0))
	r.Started = min(max(r.Started, now-max(age, 0)), now-r.Wall)
}

// learn follows how long attempts of a module take.
func (l *loop) learn(m *module, r *frame.Result) {
	if m.mean == 0 {
		m.mean = max(r.Wall, 1)
		return
	}
	m.mean = max(m.mean+(r.Wall-m.mean)/8, 1)
}

func (l *loop) logged(c *child, k *frame.Chunk) bool {
	j := c.at(k.Seq)
	if j == nil || j.a.OnLog == nil {
		return false
	}
	if c.logged == nil {
		c.logged = map[uint64]int64{}
	}
	c.logged[k.Seq] += int64(len(k.Data))
	if c.logged[k.Seq] > j.a.maxLog() {
		return false
	}
	j.a.OnLog(k.Data)
	return true
}

func (l *loop) progress(c *child, k *frame.Chunk) bool {
	j := c.at(k.Seq)
	if j == nil || j.a.OnProgress == nil {
		return false
	}
	if time.Duration(l.now-c.progressAt) < progressLeast {
		c.late = k // heard of if it is the attempt's last
		return true
	}
	c.progressAt, c.late = l.now, nil
	j.a.OnProgress(k.Data)
	return true
}

// lastProgress hands on what came too soon after another report, now that the
// attempt has ended.
func (c *child) lastProgress(j *job, seq uint64) {
	if c.late != nil && c.late.Seq == seq && j.a.OnProgress != nil {
		j.a.OnProgress(c.late.Data)
	}
	c.late = nil
}
