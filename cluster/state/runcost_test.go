package state

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// A cancel goes on at its place in a machine that was loaded meanwhile, and has
// the same turns: the places of all later jobs hang on it.
func TestCancelGoesOnAtItsPlace(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 600)
	run := childRun(1, 600, "mod")
	a := r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{run}}).Effects.Assigned
	for len(a) < 600 {
		a = append(a, r.do(&command.Continue{}).Effects.Assigned...)
	}
	r.do(&command.SteerRun{Namespace: "default", ID: run.ID, Do: command.SteerCancel})
	r.settle()
	r.m.Cut()
	loaded := New(0, r.sink)
	if err := loaded.Load(scanOf(r.sink)); err != nil {
		t.Fatal(err)
	}
	for i := range a {
		e := entryOf(r.now, &command.Complete{Session: s, Results: []command.TaskResult{{ID: a[i].ID, Fence: a[i].Fence, Outcome: failed(queue.ErrRevoked)}}})
		r.index++
		r.m.Apply(r.index, bytes.Clone(e))
		loaded.Apply(r.index, bytes.Clone(e))
		if x, y := memoryOf(r.m), memoryOf(loaded); x != y {
			t.Fatalf("after %d ends: %s", i+1, firstDifference(x, y))
		}
	}
}

// many small things of a run.
const smallMany = 64_000

// wideRun is a run of a task, of many joins that wait for it or for nothing, and
// of a last task that only begins when they have ended.
func wideRun(ups []uint32) command.NewRun {
	run := childRun(1, 1, "mod")
	for range smallMany {
		run.Part.Nodes = append(run.Part.Nodes, command.GraphNode{Node: workflow.Node{Kind: workflow.Join, From: workflow.NoNode, Ups: ups}})
	}
	return run
}

// spent is how much of its budget an entry takes.
func (r *rig) spent(c command.Command) int {
	r.t.Helper()
	r.do(c)
	return maxTransitions - r.m.budget
}

// What a run looks at and counts is paid for, so that an entry's work is bounded.
func TestSmallThingsAreCharged(t *testing.T) {
	const atLeast = smallMany / smallThings
	t.Run("begin", func(t *testing.T) {
		r := newRig(t)
		if n := r.spent(&command.Submit{Namespace: "default", Runs: []command.NewRun{wideRun([]uint32{0})}}); n < atLeast {
			t.Errorf("it took %d", n)
		}
	})
	t.Run("cancel", func(t *testing.T) {
		r := newRig(t)
		run := wideRun(nil)
		r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{run}})
		r.settle()
		if v, _ := r.m.Run(run.ID); v.Open != 1 {
			t.Fatalf("%d nodes are open", v.Open)
		}
		r.do(&command.SteerRun{Namespace: "default", ID: run.ID, Do: command.SteerPause})
		if n := r.spent(&command.SteerRun{Namespace: "default", ID: run.ID, Do: command.SteerCancel}); n < atLeast/2 {
			t.Errorf("looking over the ended nodes took %d", n)
		}
	})
	t.Run("end", func(t *testing.T) {
		r := newRig(t)
		s := r.worker("w", 1)
		run := wideRun([]uint32{0})
		r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{run}})
		r.settle()
		task, _ := r.m.Task(run.ID.Plus(1))
		c := &command.Complete{Session: s, Results: []command.TaskResult{{ID: task.ID, Fence: task.Fence, Outcome: done("1")}}}
		before := r.m.Runs()[0].Open
		if r.do(c); int(before-r.m.Runs()[0].Open) > maxTransitions-atLeast+1 {
			t.Errorf("telling those behind was free: %d nodes ended in the same entry", before-r.m.Runs()[0].Open)
		}
	})
}

// The blobs of a large canvas are held in records of a bounded size, made by
// and by, and all go in the end.
func TestManyBlobsOfARun(t *testing.T) {
	const parts, each = 20, 9000
	const blobs = parts * each
	r := newRig(t)
	s := r.worker("w", 20)
	run := childRun(1, 1, "mod")
	var digests []string
	for part := range uint32(parts) {
		var some []string
		for range each {
			some = append(some, fmt.Sprintf("sha256:%064d", len(digests)+len(some)))
		}
		digests = append(digests, some...)
		p := childRun(1, 1, "mod")
		p.Part.Nodes[0].Call.Blobs = some
		r.do(&command.Stage{Namespace: "default", Stage: id(99), Part: part, Run: &p})
	}
	a := r.do(&command.SubmitStaged{Namespace: "default", Stage: id(99), Parts: parts}).Effects.Assigned
	for len(a) < parts {
		a = append(a, r.do(&command.Continue{}).Effects.Assigned...)
	}
	for i := range a {
		r.complete(s, a[i], done("1"))
	}
	entries := 0
	for ; len(r.m.Runs()) > 0; entries++ {
		r.reload()
		r.entry(&command.Continue{})
	}
	if entries == 0 {
		t.Error("all in one entry")
	}
	for k, v := range r.sink {
		if k[2] == kindBlob && len(v) > 64<<10 {
			t.Fatalf("a record of %d bytes", len(v))
		}
	}
	r.reload()
	if !r.m.Referenced(digests[0]) || !r.m.Referenced(digests[blobs-1]) || len(r.m.Blobs()) != blobs+1 {
		t.Fatalf("%d blobs are referred to", len(r.m.Blobs()))
	}
	r.now += run.TTL
	r.settle()
	for len(r.m.Blobs()) > 1 {
		r.entry(&command.Continue{})
		if entries++; entries > 1000 {
			t.Fatalf("%d blobs stay", len(r.m.Blobs()))
		}
	}
}
