package lead

import (
	"slices"
	"time"

	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// waiting is an assignment whose payload this leader cannot give yet: its disk
// is full, say, or a blob is not here. The worker does not know of it, and need
// not: it could do no more about it than the next one.
type waiting struct {
	state.Assigned
	rest  time.Duration // before the next try
	since time.Time     // the rest began
	tried bool          // it is among what is pending again
}

func (c *conn) holdBack(a *state.Assigned, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.wait {
		if w := &c.wait[i]; w.Fence == a.Fence {
			w.rest, w.since, w.tried = min(2*w.rest, longRetry), time.Now(), false
			c.t.log.Warn("read the payload of a task; trying again", "task_id", a.ID.String(), "error", why, "again_in", w.rest)
			return
		}
	}
	c.t.log.Warn("read the payload of a task; trying again", "task_id", a.ID.String(), "error", why, "again_in", firstRetry)
	c.wait = append(c.wait, waiting{Assigned: *a, rest: firstRetry, since: time.Now()})
}

// given forgets that something had to wait.
func (c *conn) given(f queue.Fence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait = slices.DeleteFunc(c.wait, func(w waiting) bool { return w.Fence == f })
}

// again lines up what has waited long enough. The caller holds the lock.
func (c *conn) again(now time.Time) {
	for i := range c.wait {
		if w := &c.wait[i]; !w.tried && now.Sub(w.since) >= w.rest {
			w.tried = true
			c.pending = append(c.pending, w.Assigned)
		}
	}
}

// rest is how long until something is to be tried again.
func (c *conn) rest(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := time.Hour
	for i := range c.wait {
		if w := &c.wait[i]; !w.tried {
			rest = min(rest, w.rest-now.Sub(w.since))
		}
	}
	return rest
}

// giveUp has the worker hand back what waits here and is to be dropped: it is the
// worker who answers for it.
func (c *conn) giveUp() (out []link.Assignment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait = slices.DeleteFunc(c.wait, func(w waiting) bool {
		killed := slices.ContainsFunc(c.kills, func(k state.Kill) bool { return k.Fence == w.Fence })
		if killed && !w.tried {
			a := assignmentOf(&w.Assigned)
			a.Fault = "it is to be dropped"
			out = append(out, a)
		}
		return killed && !w.tried
	})
	return out
}
