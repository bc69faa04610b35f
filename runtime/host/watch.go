package host

import (
	"fmt"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
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
	// lookEvery is how often an idle child's memory is looked at.
	lookEvery = int64(time.Second)
)

// tick looks at every child that works.
func (l *loop) tick() {
	working, slow := l.starting, 0
	l.soonest = 0
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
		if j := c.at(begun); j != nil && j.a.OnBegin != nil {
			j.a.OnBegin(time.Now().Add(-time.Duration(l.now - c.beganAt)))
		}
	}
	if c.lagging > 0 && begun > c.first && !c.answering && time.Duration(l.now-c.lagging) > l.h.cfg.patience {
		l.violation(c, "it kept answers back")
		return
	}
	l.lookAtHead(c, c.at(begun))
}

func (l *loop) lookAtHead(c *child, j *job) {
	ran := l.headTime(c)
	ended := c.answering && c.began == c.first
	if j != nil && ran >= j.a.timeout() && !ended {
		l.killFor(c, c.began, queue.ErrTimeout, fmt.Sprintf("the attempt ran past its timeout of %s", j.a.timeout()))
		return
	}
	if j != nil {
		l.soonest = earlier(l.soonest, c.beganAt+int64(j.a.timeout()))
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

// earlier is the first of two times, of which the first may be none.
func earlier(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
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
	close(c.killed)
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
