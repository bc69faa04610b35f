package replica

import (
	"slices"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// TestReadsWhileARunEnds: it is gone from memory and not on the disk yet for as
// long as an entry is in hand. Readers wait for that.
func TestReadsWhileARunEnds(t *testing.T) {
	g := newGraphRig(t)
	run := g.begin(task(workflow.NoNode, 0))
	v, _ := g.Machine().Task(run.Plus(1))
	entry := command.AppendCommand(command.AppendBatch(nil, 1e18, 1), command.Encode(0, &command.Complete{Session: g.session,
		Results: []command.TaskResult{{ID: v.ID, Fence: v.Fence, Outcome: queue.Outcome{OK: true, Result: []byte("7")}}}}))
	var listed []workflow.View
	var tasks []workflow.NodeView
	var result workflow.Result
	now := g.now.Load()
	g.gate.Lock()
	now.store.Begin()
	g.index++
	now.machine.Apply(g.index, entry)
	done := make(chan error, 3)
	go func() {
		var err error
		listed, _, err = g.Runs(t.Context(), workflow.Filter{Namespace: "default", Limit: 10})
		done <- err
	}()
	go func() { var err error; tasks, _, err = g.RunTasks("default", run, 0, 10); done <- err }()
	go func() { var err error; result, err = g.RunResult("default", run); done <- err }()
	select {
	case err := <-done:
		t.Errorf("a reader did not wait for the entry in hand: %v", err)
		done <- err
	case <-time.After(100 * time.Millisecond): // all have come to the gate
	}
	now.store.Publish(g.index, 1, now.machine.Now())
	g.gate.Unlock()
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(listed) != 1 || listed[0].ID != run || len(tasks) != 1 || tasks[0].Task.State != queue.Success || string(result.JSON) != "7" {
		t.Errorf("listed %+v, tasks %+v, result %s", listed, tasks, result.JSON)
	}
}

// TestPagesOfRuns: pages hold all runs that are asked for, each once, however
// many others are in memory.
func TestPagesOfRuns(t *testing.T) {
	g := newGraphRig(t)
	g.do(&command.PutDocument{Kind: command.KindModule, Namespace: "other", Name: "mod", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}})
	var want []queue.ID
	for n := range 40 {
		r := asked(queue.ID{4: byte(n), 6: 0x70, 8: 0x80}, 1, "")
		namespace := "default"
		if n%4 == 1 {
			namespace = "other"
			r.Part.Specs[0] = queue.DefaultSpec(namespace, "mod", "main")
		} else {
			want = append(want, r.ID)
		}
		g.do(&command.Submit{Namespace: namespace, Runs: []command.NewRun{r}})
		if n%3 == 0 {
			g.end(r.ID.Plus(1), queue.Outcome{OK: true})
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 29, 30, 31, 100} {
		var got []queue.ID
		f := workflow.Filter{Namespace: "default", Limit: limit}
		for pages := 0; ; pages++ {
			items, next, err := g.Runs(t.Context(), f)
			if err != nil || len(items) > limit || pages > 100 {
				t.Fatalf("%d items, %v", len(items), err)
			}
			for i := range items {
				got = append(got, items[i].ID)
			}
			if f.Before = next; next.IsZero() {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %d runs of %d", limit, len(got), len(want))
		}
	}
	if live := g.Machine().NewestRuns(5, func(v *workflow.View) bool { return v.Namespace == "other" }); len(live) != 5 || live[0].ID.Compare(live[4].ID) <= 0 {
		t.Errorf("%d newest runs", len(live))
	}
}
