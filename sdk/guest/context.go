package guest

import (
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Context is one attempt at a task. As a context.Context it ends when the task
// should: at its soft time limit where it has one, else at its deadline.
type Context struct {
	context.Context
	// Log writes to the attempt's log. Of debugging it writes where the
	// task has the option LogLevel.
	Log *slog.Logger
	// Call is what the task was called with.
	Call *Call

	host  Host
	limit time.Time // zero where the host told none
	soft  bool      // the limit is the soft one, before the deadline
}

// precision is that of the time the host tells.
const precision = time.Millisecond

// newContext begins an attempt.
func newContext(h Host, call *Call) (*Context, context.CancelFunc) {
	c := &Context{Call: call, host: h}
	if left, err := c.askRemaining(); err == nil {
		// Not before the host takes it for passed.
		c.limit = time.Now().Add(left + precision)
		c.soft = c.limit.Add(precision).Before(call.Deadline)
		inner, cancel := context.WithDeadline(context.Background(), c.limit)
		c.Context = inner
		return c, cancel
	}
	inner, cancel := context.WithCancel(context.Background())
	c.Context = inner
	return c, cancel
}

// Err implements context.Context. Timers run between goroutines, and a handler
// that computes lets none in; so the clock is asked here.
func (c *Context) Err() error {
	err := c.Context.Err()
	if err != nil || c.limit.IsZero() || time.Now().Before(c.limit) {
		return err
	}
	for range 4 { // the timer, then what it starts
		runtime.Gosched()
	}
	return context.DeadlineExceeded
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
