package host

import (
	"fmt"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

const (
	// patience is how long a child may take to load its module, to begin the
	// next attempt, or to send the answers of attempts that have ended. It is
	// long, for the machine may be busy; honest children need milliseconds.
	patience = 20 * time.Second
	// progressLeast is the shortest time between two reports of progress that
	// are passed on. Honest children keep a longer one.
	progressLeast = 20 * time.Millisecond
	// startTries is how many children in a row may end before any result.
	startTries = 3
	// mostResident is what a child may hold while it idles, bytes.
	mostResident = 96 << 20
	// largeOutput is checked outside of the loop: 64 MiB of JSON take a quarter
	// of a second, in which nobody would hold the deadlines. Bytes.
	largeOutput = 256 << 10
	// lookEvery is how often an idle child's memory is looked at.
	lookEvery = int64(time.Second)
)

// tick looks at every child that works.
func (l *loop) tick() {
	working, slow := l.starting, 0
	for _, c := range slices.Clone(l.children) {
		if len(c.sent) == 0 {
			continue
		}
		working++
		if c.dying == "" {
			l.look(c)
		}
		if l.headTime(c) >= l.h.cfg.HandBack {
			slow++
		}
	}
	l.press()
	if l.h.cfg.HandBack > 0 && working > 0 && working == slow && l.saturated(working) {
		l.handBackOlder(l.h.cfg.HandBack)
	}
}

// press kills where the children hold more memory together than they may: the
// one that is furthest beyond what it counts for, if any is. A guest's stack
// and tables are bounded for each child, but not within its share.
func (l *loop) press() {
	total := int64(0)
	var worst *child
	for _, c := range l.children {
		total += c.resident
		if c.dying == "" && len(c.sent) > 0 && (worst == nil || c.excess() > worst.excess()) {
			worst = c
		}
	}
	if total > l.h.cfg.Memory && worst != nil && worst.excess() > 0 {
		l.kill(worst, errOutOfMemory, "the sandboxes need more memory than there is, and this one more than its share")
	}
}

// excess is how much a child holds beyond what it counts for, bytes.
func (c *child) excess() int64 { return c.resident - c.reserve() }

// saturated reports whether nothing that waits could begin beside what works.
func (l *loop) saturated(working int) bool {
	if working >= l.h.cfg.Concurrency {
		return true
	}
	_, ok := l.room(DefaultMemoryLimit+childOverhead, nil)
	return !ok
}

// look checks one child against its page: what it runs, since when, how much
// memory it holds.
func (l *loop) look(c *child) {
	begun, at := c.page.Begun()
	if begun > c.last() {
		l.violation(c, "it began an attempt that it was not given")
		return
	}
	if begun < c.first {
		if since := max(c.started, c.beganAt); time.Duration(l.now-since) > l.h.cfg.patience {
			l.kill(c, errCrashed, "the sandbox did not begin its next attempt")
		}
		return
	}
	if begun != c.began {
		c.began, c.beganAt = begun, min(max(at, c.beganAt), l.now)
		c.lagging = 0
		if begun > c.first {
			c.lagging = l.now
		}
	}
	if c.lagging > 0 && begun > c.first && time.Duration(l.now-c.lagging) > l.h.cfg.patience {
		l.violation(c, "it kept answers back")
		return
	}
	l.lookAtHead(c, c.at(begun))
}

func (l *loop) lookAtHead(c *child, j *job) {
	ran := l.headTime(c)
	if j != nil && ran >= j.a.timeout() {
		l.killFor(c, c.began, queue.ErrTimeout, fmt.Sprintf("the attempt ran past its timeout of %s", j.a.timeout()))
		return
	}
	if ran < slowHead {
		return
	}
	if c.live > 1 {
		l.requeue(c.m, l.recall(c))
	}
	c.resident = residentBytes(c.Pid)
	if c.resident > c.memory+mapSlack {
		l.kill(c, errOutOfMemory, "the sandbox holds more memory than it may")
	}
}

// recall takes back what a child has not begun and returns it in order.
func (l *loop) recall(c *child) []*job {
	if c.live == 0 || c.dying != "" {
		return nil
	}
	c.recalled = c.last()
	begun := c.page.Recall(c.recalled)
	var back []*job
	for i, j := range c.sent {
		if j != nil && c.first+uint64(i) > begun {
			back = append(back, j)
			c.sent[i] = nil
			c.live--
		}
	}
	return back
}

// kill ends a child. What runs in it fails with errType; what has been
// answered by then counts, and what has not begun runs elsewhere.
func (l *loop) kill(c *child, errType, reason string) {
	l.killFor(c, 0, errType, reason)
}

// killFor is kill on account of one attempt: where another has begun by the
// time the child is dead, that one is not to blame. 0 is whichever runs.
func (l *loop) killFor(c *child, blame uint64, errType, reason string) {
	if c.dying != "" {
		return
	}
	c.recalled = c.last()
	c.page.Recall(c.recalled) // nothing more begins while the signal travels
	c.dying, c.reason, c.blame = errType, reason, blame
	if err := c.Kill(); err != nil {
		l.h.log.Debug("kill a sandbox", "pid", c.Pid, "error", err)
	}
}

// violation kills a child that broke the protocol: the guest may have taken it
// over.
func (l *loop) violation(c *child, what string) {
	l.h.log.Warn("a sandbox broke the protocol", "module", c.m.Digest, "pid", c.Pid, "what", what)
	l.kill(c, errCrashed, "the sandbox broke the protocol: "+what)
	c.hostile = true
}

// retire ends a child that has nothing to do.
func (l *loop) retire(c *child) { l.kill(c, errCrashed, "retired") }

func (e answerEvent) apply(l *loop) {
	c := e.c
	<-c.room
	if c.hostile {
		return
	}
	switch {
	case e.failed != "":
		c.dying, c.reason = errCrashed, e.failed
		_ = c.Kill() // it is about to end by itself
	case e.ready:
		c.ready = true
	}
	for _, a := range e.answers {
		if !c.ready {
			l.violation(c, "it answered before it was ready")
			return
		}
		ok := false
		switch {
		case a.Result != nil:
			ok = l.result(c, a.Result)
		case a.Log != nil:
			ok = l.logged(c, a.Log)
		case a.Progress != nil:
			ok = l.progress(c, a.Progress)
		}
		if !ok {
			l.violation(c, "it answered what it was not asked")
			return
		}
	}
	if len(c.sent) == 0 && c.dying == "" {
		l.rest(c)
	}
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
// where the child could not honestly say so.
func (l *loop) result(c *child, r *frame.Result) bool {
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
		return skipped && r.Seq <= c.recalled
	}
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
	if len(r.Output) > largeOutput {
		h := l.h
		h.work.Go(func() { h.post(judgedEvent{j, outcome(j.a, r)}) })
		return true
	}
	l.finish(j, Result{Began: true, Outcome: outcome(j.a, r)})
	return true
}

// judgedEvent is an attempt whose output took its time to check.
type judgedEvent struct {
	j *job
	o queue.Outcome
}

func (e judgedEvent) apply(l *loop) { l.finish(e.j, Result{Began: true, Outcome: e.o}) }

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
	if time.Duration(l.now-c.progressAt) >= progressLeast {
		c.progressAt = l.now
		j.a.OnProgress(k.Data)
	}
	return true
}

func (e writtenEvent) apply(*loop) {
	e.c.writes = false
	e.c.trim()
}

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
		l.failAll(m, queue.ErrUnavailable, "the sandbox did not start: "+reason)
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
