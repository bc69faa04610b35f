package state

import (
	"encoding/binary"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// many submits n tasks and goes on until the machine has no work left.
func (r *rig) many(n int) {
	r.t.Helper()
	c := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}}
	for i := range n {
		call := command.Call{ID: queue.ID{6: 0x70, 8: 0x80}, Payload: []byte{1, 0}}
		binary.BigEndian.PutUint32(call.ID[10:], uint32(i+1))
		c.Calls.List = append(c.Calls.List, call)
	}
	r.do(c)
	r.settle()
}

// settle carries the machine's work on, and says how many entries that took.
func (r *rig) settle() (entries int) {
	for {
		if due, ok := r.m.Due(); !ok || due > r.now {
			return entries
		}
		r.entry(&command.Continue{})
		entries++
	}
}

// TestPurgeOfRunningTasksIsBounded passes by what it may not end a bounded
// number an entry, and goes on from there on a reloaded machine.
func TestPurgeOfRunningTasksIsBounded(t *testing.T) {
	const running, waiting = 5 * maxTransitions, 10
	r := newRig(t)
	r.worker("w", running)
	r.many(running + waiting)
	if q, _ := r.m.Queue("default", "default"); q.Running != running || q.Pending != waiting {
		t.Fatalf("%+v", q)
	}
	r.do(&command.Purge{Namespace: "default", Queue: "default"})
	if q, _ := r.m.Queue("default", "default"); q.Pending != waiting {
		t.Fatalf("one entry looked at more than %d tasks: %+v", running, q)
	}
	r.m.Cut()
	r.m = New(0, r.sink)
	if err := r.m.Load(scanOf(r.sink)); err != nil {
		t.Fatal(err)
	}
	if n := r.settle(); n < 4 || n > 8 {
		t.Errorf("%d entries for the rest", n)
	}
	if q, _ := r.m.Queue("default", "default"); q.Running != running || q.Pending != 0 {
		t.Fatalf("%+v", q)
	}
}
