package lead

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// Machine is what the leader reads of the state machine.
type Machine interface {
	// Workers lists the open sessions.
	Workers() []queue.WorkerView
	// Outstanding lists what an open session holds and which of it is to be
	// killed.
	Outstanding(session queue.Fence) ([]state.Assigned, []state.Kill)
	// Due is when the machine next wants an entry; 0 is at once.
	Due() (due int64, ok bool)
	// Task is an unfinished task.
	Task(id queue.ID) (queue.View, bool)
	// Deciding lists the tasks that wait for a decision.
	Deciding() []queue.View
	Schedules
}

// Proposer puts commands into the log, all in one entry, and gives their
// results once they are applied. An error leaves open whether they took
// effect.
type Proposer interface {
	Propose(ctx context.Context, cmds ...command.Command) ([]command.Result, error)
}

// Payloads reads a task's payload as of the last applied entry.
type Payloads interface {
	Payload(id queue.ID) ([]byte, error)
}

// Config says what a leader works with. All of it is required, but for Outboxes
// and Sender where nothing delivers webhooks.
type Config struct {
	Machine  Machine
	Proposer Proposer
	Payloads Payloads
	Children Children
	Runs     Runs
	Values   Values
	Outboxes Outboxes
	Sender   Sender
	// Now is the machine's time as the proposer would stamp it.
	Now    func() int64
	Logger *slog.Logger
}

// Leader does a leader's work while its node leads, and nothing otherwise.
type Leader struct {
	cfg  Config
	term atomic.Pointer[term] // nil while the node does not lead
}

var _ link.Attacher = (*Leader)(nil)

// New makes a leader that does not lead yet.
func New(cfg Config) *Leader { return &Leader{cfg: cfg} }

// Run leads until ctx ends. The node must lead in the term and have applied
// everything before it. All attachments end with it.
func (l *Leader) Run(ctx context.Context, number uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := newTerm(ctx, &l.cfg, number)
	l.term.Store(t)
	t.run()
	l.term.Store(nil)
	t.close()
	return context.Cause(ctx)
}

// Applied hears what an entry came to, from the applying goroutine and once
// the entry's payloads can be read. It is cheap and does not block.
func (l *Leader) Applied(e *state.Effects) {
	if t := l.term.Load(); t != nil {
		t.applied(e)
	}
}

// ClockChanged has the timers looked at anew: the machine's time has jumped.
func (l *Leader) ClockChanged() {
	if t := l.term.Load(); t != nil {
		t.driver.wakeUp()
		t.ticker.wakeUp()
	}
}

// Attach implements link.Attacher. It opens a session, unless one of the
// worker's incarnation is open.
func (l *Leader) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	t := l.term.Load()
	if t == nil {
		return nil, link.ErrNotLeader
	}
	c, err := t.attach(ctx, h)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Observed is what this leader has heard of the attempt under an assignment:
// when it began, by the worker's clock, and its newest progress.
func (l *Leader) Observed(id queue.ID, assignment queue.Fence) (link.Begun, bool) {
	t := l.term.Load()
	if t == nil {
		return link.Begun{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.begun[id]
	if !ok || b.Fence != assignment {
		return link.Begun{}, false
	}
	return b, true
}
