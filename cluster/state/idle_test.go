package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// TestIdleQueuesGo forgets a queue an hour after its last task, and nothing of
// it is left, in memory or stored; one with settings stays.
func TestIdleQueuesGo(t *testing.T) {
	r := newRig(t)
	r.do(&command.PutDocument{Kind: command.KindQueue, Namespace: "default", Name: "set"})
	s := r.worker("w", 1)
	in := func(n byte, name string) {
		t.Helper()
		x := r.submit(n, func(q *queue.Spec, c *command.Call) { q.Queue, c.FairnessKey = name, "f" })
		r.complete(s, x.Effects.Assigned[0], queue.Outcome{OK: true})
	}
	in(1, "set")
	in(2, "gone")
	in(3, "used")
	r.now += idleTTL - 1
	in(4, "used")
	r.reload()
	if n := len(r.m.Queues("default")); n != 3 {
		t.Fatalf("%d queues before the hour is over", n)
	}
	r.now++
	r.entry(&command.Continue{})
	if _, ok := r.m.Queue("default", "gone"); ok || r.m.ready.Lines("default") != 2 {
		t.Fatal("an idle queue is still there")
	}
	r.m.Cut()
	for k := range r.sink {
		if (k[2] == kindQueue || k[2] == kindFlow) && strings.Contains(k, "gone") {
			t.Errorf("still stored: %q", k)
		}
	}
	r.do(&command.DeleteDocument{Kind: command.KindQueue, Namespace: "default", Name: "set"})
	r.now += idleTTL
	r.reload()
	r.entry(&command.Continue{})
	r.m.Cut()
	if n := len(r.m.AllQueues()); n != 0 {
		t.Errorf("%d queues left", n)
	}
	for k := range r.sink {
		if k[2] == kindQueue || k[2] == kindFlow {
			t.Errorf("still stored: %q", k)
		}
	}
	in(5, "gone")
	if v := r.state(5); v.State != queue.Success {
		t.Errorf("a queue that came back: %+v", v)
	}
}

// reload goes on with a machine loaded from what this one has stored.
func (r *rig) reload() {
	r.t.Helper()
	r.m.Cut()
	r.m = New(0, r.sink)
	if err := r.m.Load(scanOf(r.sink)); err != nil {
		r.t.Fatal(err)
	}
}

// TestQueuesAreBounded refuses one queue too many, in a namespace and in all.
func TestQueuesAreBounded(t *testing.T) {
	r := newRig(t)
	put := func(ns string, from, to int) command.Result {
		var list []command.Command
		for n := from; n < to; n++ {
			list = append(list, &command.PutDocument{Kind: command.KindQueue, Namespace: ns, Name: fmt.Sprint("q", n)})
		}
		x := r.entry(list...).Results
		return x[len(x)-1]
	}
	if x := put("default", 1, maxQueues); x.Code != command.OK {
		t.Fatalf("%+v", x)
	}
	two := command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main"), queue.DefaultSpec("default", "mod", "main")}}
	two.Specs[0].Queue, two.Specs[1].Queue = "x", "y"
	two.List = []command.Call{{ID: id(1), Payload: []byte{1, 0}}, {ID: id(2), Spec: 1, Payload: []byte{1, 0}}}
	if x := r.entry(&command.Submit{Namespace: "default", Calls: two}).Results[0]; x.Code != command.CodeTooManyQueues {
		t.Fatalf("two more where one has room: %+v", x)
	}
	two.Specs[1].Queue = "x"
	if x := r.entry(&command.Submit{Namespace: "default", Calls: two}).Results[0]; x.Code != command.OK {
		t.Fatalf("one more: %+v", x)
	}
	if x := put("default", maxQueues, maxQueues+1); x.Code != command.CodeTooManyQueues {
		t.Fatalf("one too many: %+v", x)
	}
	for n := range maxAllQueues/maxQueues - 1 {
		if x := put(fmt.Sprint("n", n), 0, maxQueues); x.Code != command.OK {
			t.Fatalf("namespace %d: %+v", n, x)
		}
	}
	if x := put("last", 0, 1); x.Code != command.CodeTooManyQueues {
		t.Fatalf("one too many in all: %+v", x)
	}
}
