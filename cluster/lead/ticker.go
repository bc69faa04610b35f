package lead

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/workflow"
)

// Schedules is what the leader reads of the machine's schedules.
type Schedules interface {
	// Schedules lists those of a namespace, or with "" all.
	Schedules(namespace string) []workflow.ScheduleView
	Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool)
}

// ticker proposes the ticks of schedules when they are due. It is asleep
// otherwise, and has one entry under way at the most. That a tick fires once is
// not its doing: the machine refuses a second one.
type ticker struct {
	machine  Schedules
	proposer Proposer
	runs     Runs
	now      func() int64
	log      *slog.Logger
	wake     chan struct{}
	pause    time.Duration

	mu      sync.Mutex
	changed map[workflow.ScheduleName]bool // not read since

	planned map[workflow.ScheduleName]*planned // the run's own
}

func newTicker(cfg *Config, log *slog.Logger) *ticker {
	return &ticker{machine: cfg.Machine, proposer: cfg.Proposer, runs: cfg.Runs, now: cfg.Now, log: log, wake: make(chan struct{}, 1),
		changed: map[workflow.ScheduleName]bool{}, planned: map[workflow.ScheduleName]*planned{}}
}

// applied notes which schedules an entry has changed.
func (k *ticker) applied(names []workflow.ScheduleName) {
	if len(names) == 0 {
		return
	}
	k.mu.Lock()
	for _, n := range names {
		k.changed[n] = true
	}
	k.mu.Unlock()
	k.wakeUp()
}

func (k *ticker) wakeUp() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *ticker) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	k.readAll()
	for ctx.Err() == nil {
		k.readChanged()
		fires, due := k.round(k.now())
		if len(fires) > 0 {
			k.propose(ctx, fires)
			continue
		}
		var expired <-chan time.Time
		if due != math.MaxInt64 {
			timer.Reset(min(max(time.Duration(due-k.now()), shortestSleep), longestSleep))
			expired = timer.C
		}
		select {
		case <-k.wake:
		case <-expired:
		case <-ctx.Done():
		}
	}
}

// readAll begins with the schedules as they stand.
func (k *ticker) readAll() {
	for _, v := range k.machine.Schedules("") {
		k.read(v)
	}
}

// readChanged takes in the schedules that stand otherwise than before.
func (k *ticker) readChanged() {
	k.mu.Lock()
	names := k.changed
	k.changed = map[workflow.ScheduleName]bool{}
	k.mu.Unlock()
	for n := range names {
		if v, ok := k.machine.Schedule(n); ok {
			k.read(v)
		} else {
			delete(k.planned, n)
		}
	}
}

func (k *ticker) read(v workflow.ScheduleView) {
	p := k.planned[v.ScheduleName]
	if p == nil || p.view.Version != v.Version {
		p = newPlanned(&v)
		if p.fault != nil {
			k.log.Error("a schedule cannot be read, and does not fire", "namespace", v.Namespace, "schedule", v.Name, "err", p.fault)
		}
		k.planned[v.ScheduleName] = p
	}
	p.set(v)
}

// round gathers what is due, as much as one entry should bring, and else says
// when something will be.
func (k *ticker) round(now int64) (fires []command.Command, due int64) {
	due = math.MaxInt64
	room := mostNodes
	for _, p := range k.planned {
		at := p.due(now)
		if at > now {
			due = min(due, at)
			continue
		}
		made := p.commands(now, min(command.MaxFires-len(fires), room/p.nodes), k.runs)
		fires = append(fires, made...)
		room -= len(made) * p.nodes
		if len(fires) >= command.MaxFires || room < p.nodes {
			if len(fires) > 0 {
				return fires, now
			}
		}
	}
	return fires, due
}

// mostNodes bounds what the runs of one entry have together.
const mostNodes = command.MaxSubmit

// propose brings one entry. After one whose outcome is open the schedules are
// read again, whatever became of it.
func (k *ticker) propose(ctx context.Context, fires []command.Command) {
	results, err := k.proposer.Propose(ctx, fires...)
	names := make([]workflow.ScheduleName, len(fires))
	accepted := false
	for i, c := range fires {
		names[i] = nameOf(c)
		if i < len(results) && results[i].Code != command.OK {
			k.log.Debug("a tick was refused", "namespace", names[i].Namespace, "schedule", names[i].Name, "code", string(results[i].Code), "detail", results[i].Detail)
		} else {
			accepted = true
		}
	}
	k.applied(names)
	if err == nil && accepted {
		k.pause = 0
		return
	}
	if k.pause = min(max(2*k.pause, firstPause), longPause); k.pause == longPause {
		k.log.Warn("ticks cannot be proposed", "err", err)
	}
	select {
	case <-time.After(k.pause):
	case <-ctx.Done():
	}
}

// nameOf is the schedule that a command is for.
func nameOf(c command.Command) workflow.ScheduleName {
	switch c := c.(type) {
	case *command.Fire:
		return workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}
	case *command.AskTick:
		return workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}
	case *command.SetTick:
		return workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}
	}
	return workflow.ScheduleName{}
}
