package lead

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// Bounds of one push.
const (
	pushItems = 256
	pushBytes = 1 << 20
)

// conn is one attachment of a worker. Between the applying goroutine and the
// worker stands only the list of what is to be pushed, which the session's
// credit bounds.
type conn struct {
	t        *term
	session  *session
	attached link.Attached
	wake     chan struct{}
	done     chan struct{}

	seq uint64 // of the last push; the receiver's own

	mu      sync.Mutex // taken inside the term's
	filled  bool       // what the machine had outstanding is in pending
	upto    uint64     // the newest entry that is known to be part of that
	pending []state.Assigned
	wait    []waiting // what cannot be given yet
	kills   []state.Kill
	marks   []mark
	err     error // why it ended
}

// mark says when a push went out that the worker has not answered for.
type mark struct {
	seq uint64
	at  time.Time
}

var _ link.Conn = (*conn)(nil)

func newConn(t *term, a link.Attached) *conn {
	return &conn{t: t, attached: a, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// Attached implements link.Conn.
func (c *conn) Attached() link.Attached { return c.attached }

// Done is closed when the connection has ended.
func (c *conn) Done() <-chan struct{} { return c.done }

func (c *conn) assign(a *state.Assigned) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Fence.Index <= c.upto {
		return // fill read the machine before this entry was told of, and gave it
	}
	c.pending = append(c.pending, *a)
	c.signal()
}

func (c *conn) kill(k state.Kill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kills = append(c.kills, k)
	c.signal()
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// fail ends the connection; the first reason holds.
func (c *conn) fail(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = why
		close(c.done)
	}
}

// end takes the connection off its session.
func (c *conn) end(why error) {
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	if c.session.conn == c {
		c.session.conn = nil
	}
	c.fail(why)
}

// Close implements link.Conn.
func (c *conn) Close() { c.end(link.ErrClosed) }

func (c *conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// unanswered is since when the oldest push waits to be answered for.
func (c *conn) unanswered() (at time.Time, some bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.marks) == 0 {
		return time.Time{}, false
	}
	return c.marks[0].at, true
}

// Recv implements link.Conn.
func (c *conn) Recv(ctx context.Context) (link.Push, error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p, some, err := c.next()
		if some || err != nil {
			return p, err
		}
		timer.Reset(c.rest(time.Now()))
		select {
		case <-timer.C:
		case <-c.wake:
		case <-c.done:
			return link.Push{}, c.failure()
		case <-ctx.Done():
			return link.Push{}, ctx.Err()
		}
	}
}

// next makes a push of what waits, if anything does.
func (c *conn) next() (link.Push, bool, error) {
	assigned, err := c.takeAssigned()
	if err != nil {
		return link.Push{}, false, err
	}
	p := link.Push{Assignments: c.giveUp()}
	if len(assigned) > 0 {
		p.Assignments = slices.Grow(p.Assignments, len(assigned))
		size := 0
		for i := range assigned {
			if i > 0 && size >= pushBytes {
				c.putBack(assigned[i:])
				break
			}
			a, ok := c.assignment(&assigned[i])
			if !ok {
				continue
			}
			size += len(a.Payload)
			p.Assignments = append(p.Assignments, a)
		}
	}
	p.Kills = c.takeKills()
	if len(p.Assignments)+len(p.Kills) == 0 {
		return p, false, nil
	}
	c.seq++
	p.Seq = c.seq
	c.sent(p.Seq)
	return p, true, nil
}

func (c *conn) takeAssigned() ([]state.Assigned, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || !c.filled {
		return nil, c.err
	}
	c.again(time.Now())
	n := min(len(c.pending), pushItems)
	taken := c.pending[:n:n]
	c.pending = c.pending[n:]
	if len(c.pending) == 0 {
		c.pending = nil
	}
	return taken, nil
}

func (c *conn) putBack(rest []state.Assigned) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(rest, c.pending...)
}

// takeKills gives the kills once everything they may name has been taken.
func (c *conn) takeKills() []link.Kill {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) > 0 {
		c.signal()
		return nil
	}
	if !c.filled || len(c.kills) == 0 {
		return nil
	}
	var out []link.Kill
	var keep []state.Kill
	for _, k := range c.kills {
		if slices.ContainsFunc(c.wait, func(w waiting) bool { return w.Fence == k.Fence }) {
			keep = append(keep, k) // until the worker knows of what it names
			c.signal()
			continue
		}
		out = append(out, link.Kill{ID: k.ID, Fence: k.Fence, Terminate: k.Terminate})
	}
	c.kills = keep
	return out
}

// assignment reads what Apply never sees. Where that cannot be now the task
// waits here.
func (c *conn) assignment(a *state.Assigned) (out link.Assignment, ok bool) {
	out = assignmentOf(a)
	var lasting *queue.Lasting
	payload, err := c.t.cfg.Payloads.Payload(a.PayloadOf)
	switch {
	case err == nil:
		out.Payload = payload
		c.given(a.Fence)
	case errors.As(err, &lasting):
		out.Fault, out.FaultType = lasting.Err.Message, lasting.Err.Type
		c.given(a.Fence)
	default:
		c.holdBack(a, err)
		return out, false
	}
	return out, true
}

func assignmentOf(a *state.Assigned) link.Assignment {
	return link.Assignment{Fence: a.Fence, ID: a.ID, Spec: a.Spec, Digest: a.Digest, Attempt: a.Attempt, Delivery: a.Delivery}
}

// markEvery bounds the marks: pushes close together share one.
const markEvery = 50 * time.Millisecond

func (c *conn) sent(seq uint64) {
	now := time.Now()
	c.mu.Lock()
	if n := len(c.marks); n > 1 && now.Sub(c.marks[n-1].at) < markEvery {
		c.marks[n-1].seq = seq
		c.mu.Unlock()
		return
	}
	c.marks = append(c.marks, mark{seq: seq, at: now})
	first := len(c.marks) == 1
	c.mu.Unlock()
	if first {
		c.t.look()
	}
}

// Beat implements link.Conn.
func (c *conn) Beat(_ context.Context, b link.Beat) error {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := c.failure(); err != nil {
		return err
	}
	c.heard(b.Seq)
	s := c.session
	s.heard = time.Now()
	t.note(s, b.Begun)
	if s.held {
		t.look()
	}
	return nil
}

// excuse lets the wait for answers begin anew.
func (c *conn) excuse(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.marks {
		c.marks[i].at = now
	}
}

func (c *conn) heard(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.marks) && c.marks[n].seq <= seq {
		n++
	}
	c.marks = c.marks[n:]
}

// Report implements link.Conn. Results whose children fill a command of their
// own follow in further ones.
func (c *conn) Report(ctx context.Context, r *link.Report) (link.Answer, error) {
	if err := c.failure(); err != nil {
		return link.Answer{}, err
	}
	results, later, err := c.t.compile(ctx, r.Results)
	if err != nil {
		return link.Answer{}, err
	}
	part := link.Report{Limit: r.Limit, HandBacks: r.HandBacks}
	answer := link.Answer{Later: later}
	for more := true; more; more = len(results) > 0 {
		part.Results, results = cut(results)
		a, err := c.report(ctx, &part)
		if err != nil {
			return link.Answer{}, err
		}
		answer.Refused = append(answer.Refused, a.Refused...)
		part = link.Report{}
	}
	return answer, nil
}

func (c *conn) report(ctx context.Context, r *link.Report) (link.Answer, error) {
	id := c.session.id
	var cmds []command.Command
	if r.Limit.Seq > 0 {
		cmds = append(cmds, &command.SetLimit{Session: id, Seq: r.Limit.Seq, Running: r.Limit.Running, Prefetch: r.Limit.Prefetch})
	}
	if len(r.HandBacks) > 0 {
		cmds = append(cmds, &command.HandBack{Session: id, Items: r.HandBacks})
	}
	if len(r.Results) > 0 {
		cmds = append(cmds, &command.Complete{Session: id, Results: r.Results})
	}
	if len(cmds) == 0 {
		return link.Answer{}, nil
	}
	results, err := c.t.cfg.Proposer.Propose(ctx, cmds...)
	if err != nil {
		return link.Answer{}, err
	}
	if len(results) != len(cmds) {
		return link.Answer{}, fmt.Errorf("%d results of %d commands", len(results), len(cmds))
	}
	return c.answer(r, cmds, results), nil
}

// answer names what was refused. A limit that came too late is no news: the
// connection ends with its session.
func (c *conn) answer(r *link.Report, cmds []command.Command, results []command.Result) link.Answer {
	var a link.Answer
	for i, cmd := range cmds {
		for _, n := range results[i].Refused {
			switch cmd.(type) {
			case *command.HandBack:
				a.Refused = append(a.Refused, r.HandBacks[n].Fence)
			case *command.Complete:
				a.Refused = append(a.Refused, r.Results[n].Fence)
			}
		}
	}
	return a
}

// End implements link.Conn.
func (c *conn) End(ctx context.Context, begun []queue.Fence) error {
	_, err := c.t.propose(ctx, &command.EndSession{Session: c.session.id, Begun: begun, Reason: "the worker left"})
	if errors.Is(err, link.ErrEnded) {
		return nil
	}
	return err
}
