package state

import (
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// memory is a Sink that keeps records in a map, and gives them back for Load.
type memory map[string][]byte

func (s memory) Put(k, v []byte)                        { s[string(k)] = v }
func (s memory) Delete(k []byte)                        { delete(s, string(k)) }
func (s memory) Expire(uint16, int64, queue.ID, uint32) {}

func (s memory) ExpireRun(uint16, int64, queue.ID, uint32) {}

// rig drives a machine entry by entry.
type rig struct {
	t     *testing.T
	sink  memory
	m     *Machine
	index uint64
	now   int64
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, sink: memory{}, now: 1e18}
	r.m = New(0, r.sink)
	r.do(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:00",
		Attributes: command.Attributes{Tasks: []string{"main"}}})
	return r
}

func (r *rig) entry(cmds ...command.Command) Applied {
	r.index++
	b := command.AppendBatch(nil, r.now, len(cmds))
	for _, c := range cmds {
		b = command.AppendCommand(b, command.Encode(0, c))
	}
	return r.m.Apply(r.index, b)
}

// do applies one command that must be accepted.
func (r *rig) do(c command.Command) Applied {
	r.t.Helper()
	a := r.entry(c)
	if a.Results[0].Code != command.OK {
		r.t.Fatalf("%T refused: %+v", c, a.Results[0])
	}
	return a
}

func id(n byte) queue.ID { return queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80, 15: n} }

func (r *rig) submit(n byte, change func(*queue.Spec, *command.Call)) Applied {
	spec := queue.DefaultSpec("default", "mod", "main")
	call := command.Call{ID: id(n), Payload: (&queue.Payload{}).Append(nil)}
	if change != nil {
		change(&spec, &call)
	}
	return r.entry(&command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{spec}, List: []command.Call{call}}})
}

func (r *rig) worker(name string, running uint32) queue.Fence {
	s := r.do(&command.OpenSession{Worker: name}).Results[0].Session
	r.do(&command.SetLimit{Session: s, Seq: 1, Running: running})
	return s
}

func (r *rig) complete(s queue.Fence, a Assigned, o queue.Outcome) Applied {
	return r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Outcome: o}}})
}

func TestSubmitRunsToSuccess(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil)
	if len(a.Effects.Assigned) != 1 {
		t.Fatalf("assigned %d tasks, want 1: %+v", len(a.Effects.Assigned), a)
	}
	b := r.submit(2, nil)
	if len(b.Effects.Assigned) != 0 {
		t.Fatal("a second task was assigned beyond the credit")
	}
	c := r.complete(s, a.Effects.Assigned[0], queue.Outcome{OK: true, Result: []byte("1"), Started: 5, Finished: 6})
	if len(c.Effects.Assigned) != 1 || c.Effects.Assigned[0].ID != id(2) {
		t.Fatalf("the freed slot went to %+v", c.Effects.Assigned)
	}
	v, result, err := DecodeTask(r.sink[string(FinishedKey(0, id(1)))])
	if err != nil || v.State != queue.Success || string(result) != "1" || v.Attempt != 1 || v.Delivery != 1 {
		t.Fatalf("stored %+v %q %v", v, result, err)
	}
	again := r.complete(s, a.Effects.Assigned[0], queue.Outcome{OK: true})
	if len(again.Results[0].Refused) != 1 {
		t.Fatal("a second completion of the same fence was accepted")
	}
}

func TestLoadGoesOn(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned[0]
	r.submit(2, func(q *queue.Spec, c *command.Call) { c.Countdown = 5e9 })
	r.submit(3, nil)
	r.m.Cut()
	m := New(0, r.sink)
	if err := m.Load(scanOf(r.sink)); err != nil {
		t.Fatal(err)
	}
	r.m = m
	c := r.complete(s, a, queue.Outcome{OK: true})
	if len(c.Effects.Assigned) != 1 || c.Effects.Assigned[0].ID != id(3) {
		t.Fatalf("after the load: %+v", c.Effects)
	}
	if due, ok := m.Due(); !ok || due != 1e18+5e9 {
		t.Fatalf("due %d %v", due, ok)
	}
	r.now += 6e9
	c = r.complete(s, c.Effects.Assigned[0], queue.Outcome{OK: true})
	if len(c.Effects.Assigned) != 1 || c.Effects.Assigned[0].ID != id(2) {
		t.Fatalf("after its time: %+v", c.Effects)
	}
}
