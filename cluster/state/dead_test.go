package state

import (
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// kill dead-letters task n.
func (r *rig) kill(n byte, change func(*queue.Spec)) {
	r.t.Helper()
	s := r.worker("w", 1)
	a := r.submit(n, func(q *queue.Spec, _ *command.Call) {
		q.MaxDeliveries = 1
		if change != nil {
			change(q)
		}
	}).Effects.Assigned[0]
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	if v := r.state(n); !v.Dead {
		r.t.Fatalf("task %d is not dead-lettered: %+v", n, v)
	}
}

// TestDeadLettersLapse lets dead letters go after the default time, after the
// queue's own, and keeps the record for its result_ttl at least.
func TestDeadLettersLapse(t *testing.T) {
	for name, c := range map[string]struct{ own, result, lapses, removed int64 }{
		"default":              {0, queue.DefaultResultTTL, queue.DefaultDeadTTL, queue.DefaultDeadTTL},
		"the queue's":          {3600e9, 60e9, 3600e9, 3600e9},
		"shorter than results": {60e9, 3600e9, 60e9, 3600e9},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.do(&command.PutDocument{Kind: command.KindQueue, Namespace: "default", Name: "default", Attributes: command.Attributes{DeadTTL: c.own}})
			r.kill(1, func(q *queue.Spec) { q.ResultTTL = c.result })
			buried := r.now
			r.now += c.lapses - 1
			r.entry(&command.Continue{})
			r.m.Cut()
			r.m = New(0, r.sink)
			if err := r.m.Load(scanOf(r.sink)); err != nil {
				t.Fatal(err)
			}
			r.settle()
			if due, ok := r.m.Due(); !ok || due != buried+c.lapses {
				t.Fatalf("due %d %v", due, ok)
			}
			if q, _ := r.m.Queue("default", "default"); q.Dead != 1 {
				t.Fatalf("too early: %+v", q)
			}
			r.now++
			r.entry(&command.Continue{})
			if q, _ := r.m.Queue("default", "default"); q.Dead != 0 || len(r.m.tasks) != 0 {
				t.Fatalf("still there: %+v", q)
			}
			if v := r.state(1); v.State != queue.Failure || v.ReplayedAs != (queue.ID{}) || v.RemovedAt != buried+c.removed {
				t.Fatalf("%+v", v)
			}
			if x := r.submit(2, func(_ *queue.Spec, c *command.Call) { c.Replays = id(1) }); x.Results[0].Code != command.CodeConflict {
				t.Fatal("replayed after its time")
			}
		})
	}
}
