package main

import (
	"context"
	"errors"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/cluster/replica"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// openLeader makes the leader's part, which sleeps until this node leads. It
// comes before the cluster node, since that one's first entries are told to it.
func (n *node) openLeader(context.Context) error {
	n.leader = lead.New(lead.Config{
		Machine: presentMachine{n.replica}, Proposer: leaderProposer{n}, Payloads: n.replica,
		Children: children{n}, Runs: n.replica, Values: n.blobs, Outboxes: presentMachine{n.replica}, Sender: n.postman(),
		Now: func() int64 { return n.cluster.Clock().Now() }, Logger: n.log,
	})
	n.net.HandleCall(callServers, n.answerServers)
	n.net.HandleCall(callObserved, n.answerObserved)
	n.net.Handle(link.Kind, func(ctx context.Context, s peer.Stream) {
		if err := link.Serve(ctx, s, n.leader); err != nil {
			n.log.Debug("a worker's stream ended", "worker", s.Peer(), "err", err)
		}
	})
	return nil
}

// runLeader leads whenever this node does.
func (n *node) runLeader(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	n.run(func() {
		defer close(done)
		for ctx.Err() == nil {
			l, changed := n.cluster.Leadership()
			if l.Self {
				n.lead(ctx, l.Term, changed)
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	n.onClose("leader", func() error {
		cancel()
		<-done
		return nil
	})
	return nil
}

// lead leads until leadership changes.
func (n *node) lead(ctx context.Context, term uint64, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	n.run(func() {
		select {
		case <-changed:
			cancel()
		case <-stop:
		}
	})
	n.run(func() {
		insist(ctx, n.foundToken, func(err error) { n.log.Error("the administrator's token; trying again", "err", err) })
	})
	if err := n.leader.Run(ctx, term); err != nil && !errors.Is(err, context.Canceled) {
		n.log.Error("leading ended", "term", term, "err", err)
	}
}

// Pauses of insist.
const (
	leastPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
)

// insist does something again and again until it succeeds or ctx ends, and
// tells of each failure.
func insist(ctx context.Context, do func(context.Context) error, failed func(error)) {
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		failed(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// presentMachine reads the machine that is there now: a snapshot may replace
// it.
type presentMachine struct{ replica *replica.Replica }

// Workers implements lead.Machine.
func (p presentMachine) Workers() []queue.WorkerView { return p.replica.Machine().Workers() }

// Outstanding implements lead.Machine.
func (p presentMachine) Outstanding(session queue.Fence) ([]state.Assigned, []state.Kill) {
	return p.replica.Machine().Outstanding(session)
}

// Task implements lead.Machine.
func (p presentMachine) Task(id queue.ID) (queue.View, bool) { return p.replica.Machine().Task(id) }

// Deciding implements lead.Machine.
func (p presentMachine) Deciding() []queue.View { return p.replica.Machine().Deciding() }

// Due implements lead.Machine: the machine's own timers, and the expiry of
// what is on disk.
func (p presentMachine) Due() (int64, bool) {
	due, ok := p.replica.Machine().Due()
	if at := p.replica.Store().NextExpiry(); at != 0 && (!ok || at < due) {
		return at, true
	}
	return due, ok
}

// Schedules implements lead.Schedules.
func (p presentMachine) Schedules(namespace string) []workflow.ScheduleView {
	return p.replica.Machine().Schedules(namespace)
}

// Schedule implements lead.Schedules.
func (p presentMachine) Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool) {
	return p.replica.Machine().Schedule(name)
}

// leaderProposer implements lead.Proposer.
type leaderProposer struct{ n *node }

// Propose implements lead.Proposer.
func (p leaderProposer) Propose(ctx context.Context, cmds ...command.Command) ([]command.Result, error) {
	raw := make([][]byte, len(cmds))
	for i, c := range cmds {
		raw[i] = command.Encode(shard, c)
	}
	results, _, err := p.n.cluster.ProposeAll(ctx, raw)
	return results, err
}

// route attaches a worker to whoever leads: here, or over the network.
type route struct{ n *node }

// Attach implements link.Attacher.
func (r route) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	l, _ := r.n.cluster.Leadership()
	switch {
	case l.Self:
		return r.n.leader.Attach(ctx, h)
	case l.Addr == "":
		return nil, errors.New("no leader is known")
	}
	c := link.Client{Dial: func(ctx context.Context) (link.Stream, error) {
		return r.n.net.Dial(ctx, l.Addr, link.Kind)
	}}
	return c.Attach(ctx, h)
}
