package state

import (
	"encoding/binary"
	"maps"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// memory is a Sink that keeps records in a map, and gives them back for Load.
// What is to expire stands under a key of its own, behind those of all shards.
type memory map[string][]byte

const memoryExpiry = "\xff\xffexpiry"

func (s memory) Put(k, v []byte) { s[string(k)] = v }
func (s memory) Delete(k []byte) { delete(s, string(k)) }

func (s memory) Expire(_ uint16, at int64, id queue.ID, attempts uint32) {
	s.expire(at, id, attempts, 0)
}

func (s memory) ExpireRun(_ uint16, at int64, id queue.ID, tasks uint32) {
	s.expire(at, id, tasks, 1)
}

// expiryNote is the length of one: when, what, how many attempts, a run or not.
const expiryNote = 8 + 16 + 4 + 1

func (s memory) expire(at int64, id queue.ID, n uint32, run byte) {
	b := binary.BigEndian.AppendUint64(s[memoryExpiry], uint64(at))
	b = binary.BigEndian.AppendUint32(append(b, id[:]...), n)
	s[memoryExpiry] = append(b, run)
}

// sweep deletes what was to go by then.
func (s memory) sweep(now int64) {
	var rest []byte
	for b := s[memoryExpiry]; len(b) > 0; b = b[expiryNote:] {
		if int64(binary.BigEndian.Uint64(b)) > now {
			rest = append(rest, b[:expiryNote]...)
			continue
		}
		id := queue.ID(b[8:])
		if b[expiryNote-1] == 0 {
			for _, k := range TaskKeys(0, id, binary.BigEndian.Uint32(b[24:])) {
				delete(s, string(k))
			}
			continue
		}
		for _, prefix := range RunKeys(0, id) {
			maps.DeleteFunc(s, func(k string, _ []byte) bool { return strings.HasPrefix(k, string(prefix)) })
		}
	}
	if s[memoryExpiry] = rest; rest == nil {
		delete(s, memoryExpiry)
	}
}

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
	r.sink.sweep(r.m.now) // of the entry before
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
