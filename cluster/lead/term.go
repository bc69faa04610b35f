package lead

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// term is a stretch of leading. What it knows goes with it: the next leader
// learns it anew from the machine and from the workers.
type term struct {
	cfg    *Config
	log    *slog.Logger
	ctx    context.Context // ends with the term
	driver *driver
	decide *decider
	ticker *ticker
	hooks  *courier
	work   sync.WaitGroup
	wake   chan struct{} // the watch has something to look at

	mu        sync.Mutex
	sessions  map[queue.Fence]*session
	attaching map[string]bool // workers whose attachment is under way
	begun     map[queue.ID]link.Begun
	unknown   bool // a session was opened that is not in sessions
	closed    bool
}

func newTerm(ctx context.Context, cfg *Config, number uint64) *term {
	log := cfg.Logger.With("term", number)
	return &term{
		cfg: cfg, ctx: ctx, log: log,
		driver: newDriver(cfg), decide: newDecider(cfg, log), ticker: newTicker(cfg, log), hooks: newCourier(cfg, log), wake: make(chan struct{}, 1),
		sessions: map[queue.Fence]*session{}, attaching: map[string]bool{},
		begun: map[queue.ID]link.Begun{}, unknown: true,
	}
}

// run does the term's work until its context ends.
func (t *term) run() {
	t.work.Go(func() { t.driver.run(t.ctx) })
	t.work.Go(func() { t.decide.run(t.ctx) })
	t.work.Go(func() { t.ticker.run(t.ctx) })
	t.work.Go(func() { t.hooks.run(t.ctx) })
	t.watch()
	t.work.Wait()
}

// close turns the workers away.
func (t *term) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, s := range t.sessions {
		s.detach(link.ErrNotLeader)
	}
	clear(t.sessions)
	clear(t.begun)
}

// applied sorts what was assigned to the sessions that are attached. The
// others are sent it when they attach.
func (t *term) applied(e *state.Effects) {
	if len(e.Assigned)+len(e.Kills)+len(e.Opened)+len(e.Closed) > 0 {
		t.mu.Lock()
		t.sort(e)
		t.mu.Unlock()
	}
	if e.Decide {
		t.decide.wakeUp()
	}
	t.driver.applied()
	t.ticker.applied(e.Schedules)
	if e.Hooks {
		t.hooks.wakeUp()
	}
}

func (t *term) sort(e *state.Effects) {
	var s *session
	for i := range e.Assigned {
		a := &e.Assigned[i]
		if s == nil || s.id != a.Session {
			s = t.sessions[a.Session]
		}
		if s != nil && s.conn != nil {
			s.conn.assign(a)
		}
	}
	for _, k := range e.Kills {
		if s := t.sessions[k.Session]; s != nil && s.conn != nil {
			s.conn.kill(k)
		}
	}
	for _, id := range e.Opened {
		if t.sessions[id] == nil {
			t.unknown = true
			t.look()
		}
	}
	for _, id := range e.Closed {
		t.forget(id)
	}
}

// forget drops a session that has ended.
func (t *term) forget(id queue.Fence) {
	s := t.sessions[id]
	if s == nil {
		return
	}
	delete(t.sessions, id)
	t.note(s, nil)
	s.detach(link.ErrEnded)
}

// note keeps what a worker says has begun, and of each attempt the newest
// progress.
func (t *term) note(s *session, begun []link.Begun) {
	for i := range begun {
		b := &begun[i]
		if before := t.begun[b.ID]; b.Progress == nil && before.Fence == b.Fence {
			b.Progress = before.Progress
		}
	}
	for _, b := range s.begun {
		if t.begun[b.ID].Fence == b.Fence {
			delete(t.begun, b.ID)
		}
	}
	s.begun = begun
	for _, b := range begun {
		t.begun[b.ID] = b
	}
}

// look wakes the watch.
func (t *term) look() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// learn takes in the sessions that others opened: in earlier terms, or by a
// proposal whose outcome nobody heard. Each is given its time from now on.
func (t *term) learn(now time.Time) {
	views := t.cfg.Machine.Workers()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range views {
		if t.sessions[v.Session] == nil {
			t.sessions[v.Session] = newSession(v, now)
		}
	}
}

// propose carries out one command and makes a refusal an error.
func (t *term) propose(ctx context.Context, c command.Command) (command.Result, error) {
	results, err := t.cfg.Proposer.Propose(ctx, c)
	switch {
	case err != nil:
		return command.Result{}, err
	case len(results) != 1:
		return command.Result{}, fmt.Errorf("%d results of one command", len(results))
	case results[0].Code == command.CodeSession:
		return results[0], link.ErrEnded
	case results[0].Code != command.OK:
		return results[0], fmt.Errorf("refused: %s: %s", results[0].Code, results[0].Detail)
	}
	return results[0], nil
}
