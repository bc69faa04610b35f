package lead_test

import (
	"context"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/worker"
)

// leaderFor shows a worker the leader's side of its link.
type leaderFor struct{ link.Attacher }

func (l leaderFor) Attach(ctx context.Context, h *worker.Hello) (worker.Link, error) {
	hello := link.Hello{Worker: h.Worker, Incarnation: h.Incarnation, Queues: h.Queues, Labels: h.Labels, Session: h.Session}
	for _, x := range h.Held {
		hello.Held = append(hello.Held, link.Held(x))
	}
	c, err := l.Attacher.Attach(ctx, &hello)
	if err != nil {
		return nil, err
	}
	return linkFor{c}, nil
}

type linkFor struct{ c link.Conn }

func (l linkFor) Attached() worker.Attached { return worker.Attached(l.c.Attached()) }

func (l linkFor) Recv(ctx context.Context) (worker.Push, error) {
	p, err := l.c.Recv(ctx)
	out := worker.Push{Seq: p.Seq}
	for i := range p.Assignments {
		out.Assignments = append(out.Assignments, worker.Assignment(p.Assignments[i]))
	}
	for _, k := range p.Kills {
		out.Kills = append(out.Kills, worker.Kill(k))
	}
	return out, err
}

func (l linkFor) Beat(ctx context.Context, b worker.Beat) error {
	out := link.Beat{Seq: b.Seq}
	for _, x := range b.Begun {
		out.Begun = append(out.Begun, link.Begun(x))
	}
	return l.c.Beat(ctx, out)
}

func (l linkFor) Report(ctx context.Context, r *worker.Report) (worker.Answer, error) {
	out := link.Report{Limit: link.Limit(r.Limit)}
	for _, x := range r.HandBacks {
		out.HandBacks = append(out.HandBacks, command.Held(x))
	}
	for _, x := range r.Results {
		out.Results = append(out.Results, command.TaskResult{ID: x.ID, Fence: x.Fence, Outcome: x.Outcome, Blobs: x.Blobs})
	}
	a, err := l.c.Report(ctx, &out)
	return worker.Answer(a), err
}

func (l linkFor) End(ctx context.Context, begun []queue.Fence) error { return l.c.End(ctx, begun) }

func (l linkFor) Close() { l.c.Close() }
