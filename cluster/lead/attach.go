package lead

import (
	"context"
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// attach ties a worker to its session, which it opens if need be, and lines up
// what the worker lacks.
func (t *term) attach(ctx context.Context, h *link.Hello) (*conn, error) {
	if !t.takeTurn(h.Worker) {
		return nil, link.ErrBusy
	}
	defer t.giveTurn(h.Worker)
	v, open := t.openOf(h.Worker)
	if !open || v.Incarnation != h.Incarnation {
		id, err := t.open(ctx, h, v.Session)
		if err != nil {
			return nil, fmt.Errorf("open a session: %w", err)
		}
		v = queue.WorkerView{Session: id, Worker: h.Worker, Incarnation: h.Incarnation}
	}
	c := newConn(t, link.Attached{Session: v.Session, Resumed: v.Session == h.Session})
	if err := t.tie(c, v, h); err != nil {
		return nil, err
	}
	// From here on the connection hears what is assigned; what was assigned
	// before, the machine tells, and what both tell is told once.
	if now, ok := t.openOf(h.Worker); !ok || now.Session != v.Session {
		c.end(link.ErrEnded)
		return nil, link.ErrEnded
	}
	out, kills := t.cfg.Machine.Outstanding(v.Session)
	c.fill(out, kills, h.Held)
	return c, nil
}

// takeTurn admits one attachment of a worker at a time, so that a worker that
// came back does not meet its own earlier try.
func (t *term) takeTurn(worker string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attaching[worker] {
		return false
	}
	t.attaching[worker] = true
	return true
}

func (t *term) giveTurn(worker string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.attaching, worker)
}

// openOf is the worker's open session.
func (t *term) openOf(worker string) (queue.WorkerView, bool) {
	for _, v := range t.cfg.Machine.Workers() {
		if v.Worker == worker {
			return v, true
		}
	}
	return queue.WorkerView{}, false
}

// open opens a session. It ends the worker's older one, with what the worker
// and this leader know to have begun under it.
func (t *term) open(ctx context.Context, h *link.Hello, older queue.Fence) (queue.Fence, error) {
	c := &command.OpenSession{Worker: h.Worker, Incarnation: h.Incarnation, Queues: h.Queues, Labels: h.Labels}
	for _, x := range h.Held {
		if x.Begun {
			c.Begun = append(c.Begun, x.Fence)
		}
	}
	t.mu.Lock()
	if s := t.sessions[older]; s != nil {
		c.Begun = append(c.Begun, s.begunFences()...)
		if s.conn != nil && time.Since(s.heard) < holdAfter {
			t.log.Warn("a worker's name is used by two processes, or one was restarted within a second", "worker", h.Worker, "older", older.String())
		}
	}
	t.mu.Unlock()
	r, err := t.propose(ctx, c)
	if err == nil {
		t.log.Info("opened a worker's session", "worker", h.Worker, "session", r.Session.String(), "queues", h.Queues)
	}
	return r.Session, err
}

// tie makes c the session's connection, in the place of an older one.
func (t *term) tie(c *conn, v queue.WorkerView, h *link.Hello) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.ctx.Err() != nil {
		return link.ErrNotLeader
	}
	s := t.sessions[v.Session]
	if s == nil {
		s = newSession(v, time.Now())
		t.sessions[v.Session] = s
	}
	if s.ending {
		return link.ErrBusy
	}
	s.detach(link.ErrReplaced)
	s.conn, c.session, s.heard = c, s, time.Now()
	if c.attached.Resumed && len(s.begun) == 0 {
		t.note(s, begunOf(h.Held))
	}
	t.look()
	return nil
}

// begunOf is what a new leader knows of what has begun, until the first beat.
func begunOf(held []link.Held) []link.Begun {
	var list []link.Begun
	for _, x := range held {
		if x.Begun {
			list = append(list, link.Begun{ID: x.ID, Fence: x.Fence})
		}
	}
	return list
}

// fill lines up what the worker lacks, before what was assigned meanwhile.
func (c *conn) fill(out []state.Assigned, kills []state.Kill, held []link.Held) {
	has := make(map[queue.Fence]bool, len(held))
	for _, x := range held {
		has[x.Fence] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.pending {
		has[a.Fence] = true
	}
	var lacks []state.Assigned
	for _, a := range out {
		c.upto = max(c.upto, a.Fence.Index)
		if !has[a.Fence] {
			lacks = append(lacks, a)
		}
	}
	c.pending = append(lacks, c.pending...)
	c.kills = append(kills, c.kills...)
	c.filled = true
	c.signal()
}
