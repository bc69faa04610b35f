package state

import (
	"fmt"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// mapRun is a run of a map of so many tasks, none of which is tried twice.
func mapRun(n byte, size uint32) command.NewRun {
	s := queue.DefaultSpec("default", "mod", "main")
	s.MaxDeliveries, s.ResultTTL = 1, 1e9
	p := command.GraphPart{Specs: []queue.Spec{s}}
	p.Nodes = append(p.Nodes, command.GraphNode{Node: workflow.Node{Name: "map", Kind: workflow.Map, From: workflow.NoNode, Size: size}})
	p.Items = []command.GraphItems{{Values: make([][]byte, size)}}
	return command.NewRun{ID: childID(n), Kind: "map", TTL: 60e9, Part: p}
}

// lose loses the worker of an attempt that has begun, and gives the next
// worker's session and what it holds.
func (r *rig) lose(s queue.Fence, a Assigned) (queue.Fence, []Assigned) {
	r.t.Helper()
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	s = r.do(&command.OpenSession{Worker: "w"}).Results[0].Session
	return s, r.do(&command.SetLimit{Session: s, Seq: 1, Running: 1}).Effects.Assigned
}

func (r *rig) stored(key []byte) bool {
	r.sink.sweep(r.now)
	_, ok := r.sink[string(key)]
	return ok
}

// A dead letter's record tells its run, after a restart, what has been: it stays
// though it was replayed, or its time is over.
func TestDeadLetterStaysWithItsRun(t *testing.T) {
	for name, leave := range map[string]func(*rig, queue.ID){
		"replayed": func(r *rig, dead queue.ID) {
			r.submit(9, func(_ *queue.Spec, c *command.Call) { c.Replays, c.Countdown = dead, 1e18 })
		},
		"lapsed": func(r *rig, _ queue.ID) { r.now += queue.DefaultDeadTTL },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s := r.worker("w", 1)
			first := r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{mapRun(1, 3)}}).Effects.Assigned[0]
			s, held := r.lose(s, first)
			held = r.complete(s, held[0], done("2")).Effects.Assigned
			leave(r, first.ID)
			r.entry(&command.Continue{})
			if _, ok := r.m.Task(first.ID); ok {
				t.Fatal("still a dead letter")
			}
			r.now += 3600e9
			r.entry(&command.Continue{})
			r.sink.sweep(r.now)
			r.reload()
			x := r.complete(s, held[0], done("3"))
			if len(x.Effects.Assigned) != 0 {
				t.Errorf("after a restart %s runs", x.Effects.Assigned[0].ID)
			}
			raw := r.sink[string(EndedRunKey(0, childID(1)))]
			if v, err := DecodeRun(raw); err != nil || v.State != workflow.Failed || v.Cause != first.ID {
				t.Errorf("the run: %+v, %v", v, err)
			}
		})
	}
}

// What a replay of a dead letter needs, its run's graph and results, stays until
// it has lapsed, and is gone soon after.
func TestRunOutlastsItsDeadLetters(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	first := r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{mapRun(1, 2)}}).Effects.Assigned[0]
	s, held := r.lose(s, first)
	r.complete(s, held[0], done("2"))
	if _, alive := r.m.Run(childID(1)); alive {
		t.Fatal("the run goes on")
	}
	keys := [][]byte{GraphKey(0, childID(1), 0), FinishedKey(0, held[0].ID), EndedRunKey(0, childID(1))}
	r.now += queue.DefaultDeadTTL - 1
	r.reload()
	r.entry(&command.Continue{})
	for _, k := range keys {
		if _, dead := r.m.Task(first.ID); !dead || !r.stored(k) {
			t.Errorf("%q went before the dead letter lapsed (%v)", k, dead)
		}
	}
	r.now++
	r.entry(&command.Continue{})
	if _, dead := r.m.Task(first.ID); dead || !r.stored(FinishedKey(0, first.ID)) {
		t.Errorf("lapsed, its record: dead %v", dead)
	}
	r.now += 3600e9
	r.entry(&command.Continue{})
	for _, k := range append(keys, FinishedKey(0, first.ID)) {
		if r.stored(k) {
			t.Errorf("%q stays for ever", k)
		}
	}
}

// A dead letter whose lapse is noticed late leaves no record behind its run's.
func TestLateLapseLeavesNothing(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	first := r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{mapRun(1, 1)}}).Effects.Assigned[0]
	r.lose(s, first)
	r.now += queue.DefaultDeadTTL + 2*3600e9
	r.sink.sweep(r.now)
	r.entry(&command.Continue{})
	if _, dead := r.m.Task(first.ID); dead || r.stored(FinishedKey(0, first.ID)) {
		t.Errorf("dead %v, or its record stays", dead)
	}
}

// A pool stays while a task of a run may come to need it.
func TestPoolOfARunStays(t *testing.T) {
	r := newRig(t)
	r.do(&command.PutDocument{Kind: command.KindPool, Namespace: "default", Name: "p", Attributes: command.Attributes{Slots: 2}})
	s := r.worker("w", 1)
	run := childRun(1, 2, "mod")
	pooled := queue.DefaultSpec("default", "mod", "main")
	pooled.Pool, pooled.PoolSlots = "p", 1
	run.Part.Specs = append(run.Part.Specs, pooled)
	run.Part.Nodes[1].Call.Spec, run.Part.Nodes[1].Ups = 1, []uint32{0}
	a := r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{run}}).Effects.Assigned
	remove := func() command.Code {
		return r.entry(&command.DeleteDocument{Kind: command.KindPool, Namespace: "default", Name: "p"}).Results[0].Code
	}
	if code := remove(); code != command.CodeInUse {
		t.Fatalf("before its task is made: %q", code)
	}
	r.reload()
	for range 2 {
		if len(a) != 1 {
			t.Fatalf("assigned %v", a)
		}
		a = r.complete(s, a[0], done("1")).Effects.Assigned
	}
	if code := remove(); code != command.OK {
		t.Errorf("after the run: %q", code)
	}
}

// A run counts its queues from its acceptance on.
func TestRunsMindTheBoundOnQueues(t *testing.T) {
	r := newRig(t)
	canvas := func(n byte, from, to int) command.Result {
		run := childRun(n, 1, "mod")
		for i := from; i < to; i++ {
			s := queue.DefaultSpec("default", "mod", "main")
			s.Queue = fmt.Sprint("q", i)
			run.Part.Specs = append(run.Part.Specs, s)
		}
		return r.entry(&command.Submit{Namespace: "default", Runs: []command.NewRun{run}}).Results[0]
	}
	if res := canvas(1, 0, maxQueues); res.Code != command.CodeTooManyQueues {
		t.Fatalf("all in one: %+v", res.Code)
	}
	if res := canvas(2, 0, maxQueues-1); res.Code != command.OK {
		t.Fatalf("as many as there may be: %+v", res)
	}
	r.reload()
	if res := canvas(3, maxQueues-1, maxQueues); res.Code != command.CodeTooManyQueues {
		t.Errorf("one more: %q", res.Code)
	}
	if res := canvas(4, 5, 6); res.Code != command.OK {
		t.Errorf("one that is there: %+v", res)
	}
}

// Revoking a task that waits leaves alone what others have made.
func TestRevokeLeavesOthersRuns(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 3)
	r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{childRun(1, 1, "mod")}})
	a := r.submit(1, nil).Effects.Assigned[0]
	r.defers(s, a, queue.Deferral{Wait: []queue.ID{childID(1)}}, childRun(2, 1, "mod"))
	r.reload()
	r.do(&command.Revoke{Namespace: "default", ID: id(1)})
	if r.m.runs[childID(1)].progress.Cancelled() {
		t.Error("a run that somebody else submitted was cancelled")
	}
	if own := r.m.runs[childID(2)]; own != nil && !own.progress.Cancelled() {
		t.Error("its own run goes on")
	}
}

// The result of a run that replaces a task is there when a leader comes to read
// it, however short it is to be kept.
func TestResultWaitsForTheDecision(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	run := childRun(1, 1, "mod")
	run.TTL = 1e9
	x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{Replace: true}, run)
	r.reload()
	r.complete(s, x.Effects.Assigned[0], done("1"))
	r.now += 3600e9 - 1
	r.entry(&command.Continue{})
	if len(r.m.Deciding()) != 1 || !r.stored(FinishedKey(0, childID(1).Plus(1))) || !r.stored(EndedRunKey(0, childID(1))) {
		t.Error("the result is gone before it was read")
	}
	r.now++
	if r.stored(EndedRunKey(0, childID(1))) {
		t.Error("it stays for ever")
	}
}
