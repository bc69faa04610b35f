package guest

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Context is one attempt at a task. As a context.Context it ends when the task
// should: at its soft time limit where it has one, else at its deadline.
type Context struct {
	// Log writes to the attempt's log. Of debugging it writes where the
	// task has the option LogLevel.
	Log *slog.Logger
	// Call is what the task was called with.
	Call *Call

	host  Host
	limit time.Time // zero where the host told none
	soft  bool      // the limit is the soft one, before the deadline

	mu    sync.Mutex
	inner context.Context // once somebody waits
	end   context.CancelFunc
	ended bool
}

var _ context.Context = (*Context)(nil)

// precision is that of the time the host tells.
const precision = time.Millisecond

// newContext begins an attempt.
func newContext(h Host, call *Call) *Context {
	c := &Context{Call: call, host: h}
	if left, err := c.askRemaining(); err == nil {
		// Not before the host takes it for passed.
		c.limit = time.Now().Add(left + precision)
		c.soft = c.limit.Add(precision).Before(call.Deadline)
	}
	return c
}

// waiting is the context behind this one. It comes into being when somebody
// waits for it: a timer costs ten times what a small task does.
func (c *Context) waiting() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		if c.limit.IsZero() {
			c.inner, c.end = context.WithCancel(context.Background())
		} else {
			c.inner, c.end = context.WithDeadline(context.Background(), c.limit)
		}
		if c.ended {
			c.end()
		}
	}
	return c.inner
}

// close ends the attempt for whatever of it still goes on.
func (c *Context) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.end != nil {
		c.end()
	}
}

// Deadline implements context.Context.
func (c *Context) Deadline() (time.Time, bool) { return c.limit, !c.limit.IsZero() }

// Done implements context.Context.
func (c *Context) Done() <-chan struct{} { return c.waiting().Done() }

// Err implements context.Context. Timers run between goroutines, and a handler
// that computes lets none in; so the clock is asked here.
func (c *Context) Err() error {
	c.mu.Lock()
	inner, ended := c.inner, c.ended
	c.mu.Unlock()
	if inner != nil && inner.Err() != nil {
		return inner.Err()
	}
	switch {
	case ended:
		return context.Canceled
	case c.limit.IsZero() || time.Now().Before(c.limit):
		return nil
	}
	if inner != nil {
		for range 4 { // the timer, then what it starts
			runtime.Gosched()
		}
	}
	return context.DeadlineExceeded
}

// Value implements context.Context. It has none but those by which package
// context finds a parent, which asks for Done first.
func (c *Context) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		return nil
	}
	return c.inner.Value(key)
}

// TaskID is the task's id.
func (c *Context) TaskID() string { return c.Call.ID }

// Attempt numbers the attempts at this task; 1 is the first.
func (c *Context) Attempt() int { return c.Call.Attempt }

// Remaining is the time until the soft time limit, or the deadline where there
// is none.
func (c *Context) Remaining() time.Duration {
	left, err := c.askRemaining()
	if err != nil && !c.limit.IsZero() {
		return max(0, time.Until(c.limit))
	}
	return left
}

func (c *Context) askRemaining() (time.Duration, error) {
	b, err := c.host.Call(OpRemaining, nil)
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return time.Duration(ms) * time.Millisecond, err
}

// Progress tells whoever watches the task how far it is, as any JSON; [Steps]
// is what tools draw. It may be called often: about ten a second are passed on,
// the last one always. Once the soft time limit has passed it is ErrSoftTimeout.
func (c *Context) Progress(v any) error {
	b, err := encode(v)
	if err != nil {
		return err
	}
	_, err = c.host.Call(OpProgress, b)
	return err
}

// Steps is progress in steps.
type Steps struct {
	Done  int    `json:"done"`
	Total int    `json:"total,omitempty"` // 0 where it is not known
	Note  string `json:"note,omitempty"`
}

// HostCall performs an operation of the host that this SDK has no method for.
// One that the node does not know is ErrUnknownOp.
func (c *Context) HostCall(op int32, arg []byte) ([]byte, error) { return c.host.Call(op, arg) }
