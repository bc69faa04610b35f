package state

import (
	"fmt"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// keyed submits task n under a key.
func (r *rig) keyed(n byte, key string) command.Result {
	return r.entry(&command.Submit{Namespace: "default", Idem: &command.Idempotency{Route: "tasks", Key: key}, Calls: command.Calls{
		Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")},
		List:  []command.Call{{ID: id(n), Payload: []byte{1, 0}}}}}).Results[0]
}

// TestKeysOfWhatMakesNoTasks does what a key stands for and ties the key in one
// step: a repeat does nothing, a refusal leaves the key free.
func TestKeysOfWhatMakesNoTasks(t *testing.T) {
	r := newRig(t)
	key := func(k string) *command.Idempotency { return &command.Idempotency{Route: "r", Key: k} }
	paused := func(p bool, k string) command.Result {
		return r.entry(&command.PutDocument{Kind: command.KindQueue, Namespace: "default", Name: "default",
			Attributes: command.Attributes{Paused: p}, Idem: key(k)}).Results[0]
	}
	purge := &command.Purge{Namespace: "default", Queue: "default", Idem: key("purge")}
	if x := paused(true, "pause"); x.Code != command.OK || x.Replayed {
		t.Fatalf("%+v", x)
	}
	if x := paused(false, "resume"); x.Code != command.OK {
		t.Fatalf("%+v", x)
	}
	if x := paused(true, "pause"); !x.Replayed {
		t.Fatalf("%+v", x)
	}
	if q, _ := r.m.Queue("default", "default"); q.Paused {
		t.Error("a late repeat paused the queue again")
	}
	r.submit(1, nil)
	r.do(purge)
	r.submit(2, nil)
	if x := r.do(purge).Results[0]; !x.Replayed || r.state(2).State != queue.Pending || r.state(1).State != queue.Revoked {
		t.Errorf("a purge and its repeat: %+v, then %s and %s", x, r.state(1).State, r.state(2).State)
	}
	revoke := &command.Revoke{Namespace: "default", ID: id(3), Idem: key("revoke")}
	if x := r.entry(revoke).Results[0]; x.Code != command.CodeNotFound {
		t.Fatalf("%+v", x)
	}
	r.submit(3, nil)
	if x := r.do(revoke).Results[0]; x.Replayed || r.state(3).State != queue.Revoked {
		t.Errorf("after a refusal: %+v, %s", x, r.state(3).State)
	}
	if x := r.do(revoke).Results[0]; !x.Replayed {
		t.Errorf("a repeat: %+v", x)
	}
	if _, known := r.m.Answered("default", key("revoke")); !known {
		t.Error("the key is not known to readers")
	}
}

// TestKeysAreBounded refuses one key too many, on a reloaded machine too: no
// key is forgotten before its day is over.
func TestKeysAreBounded(t *testing.T) {
	r := newRig(t)
	r.m.idem.most = 3
	for n := range byte(3) {
		if x := r.keyed(n+1, fmt.Sprint(n)); x.Code != command.OK {
			t.Fatalf("key %d: %+v", n, x)
		}
		r.now++
	}
	r.m.Cut()
	loaded := New(0, r.sink)
	loaded.idem.most = 3
	if err := loaded.Load(scanOf(r.sink)); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Machine{r.m, loaded} {
		r := *r
		r.m = m
		if x := r.keyed(9, "9"); x.Code != command.CodeIdempotencyFull {
			t.Fatalf("one key too many: %+v", x)
		}
		if _, made := r.m.Task(id(9)); made {
			t.Fatal("a refused submission made a task")
		}
		if x := r.entry(&command.Stage{Namespace: "default", Stage: id(1), Idem: &command.Idempotency{Key: "9"}}).Results[0]; x.Code != command.CodeIdempotencyFull {
			t.Fatalf("a batch with one key too many: %+v", x)
		}
		if x := r.keyed(1, "0"); !x.Replayed || x.IDs[0] != id(1) {
			t.Fatalf("a known key: %+v", x)
		}
		if x := r.submit(8, nil); x.Results[0].Code != command.OK {
			t.Fatalf("without a key: %+v", x.Results[0])
		}
		r.now += idemTTL - 3 // the first key's day is over, the second's is not
		if x := r.keyed(9, "9"); x.Code != command.OK {
			t.Fatalf("after a day: %+v", x)
		}
		if x := r.keyed(2, "1"); !x.Replayed {
			t.Fatalf("the second key was forgotten too early: %+v", x)
		}
		if m.idem.size != 3 || len(m.idem.known) != 3 {
			t.Fatalf("%d keys, size %d", len(m.idem.known), m.idem.size)
		}
	}
}
