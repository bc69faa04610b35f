package lead_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// compiler makes runs of canvases that are numbers: so many tasks at once. Other
// texts are what goes wrong.
type compiler struct {
	parents []queue.ID
}

func (k *compiler) Compile(_ context.Context, parent *queue.View, c *queue.Child) (command.NewRun, *queue.Error, error) {
	k.parents = append(k.parents, parent.ID)
	var n int
	switch text := string(c.Canvas); {
	case text == "broken":
		return command.NewRun{}, nil, errors.New("the edge is not there")
	case !strings.HasPrefix(text, "{"):
		return command.NewRun{}, &queue.Error{Type: "invalid_canvas", Message: "chain[0].task: " + text}, nil
	default:
		_, _ = fmt.Sscanf(text, "{%d}", &n)
	}
	part := command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}
	for i := range n {
		part.Nodes = append(part.Nodes, command.GraphNode{Node: workflow.Node{Name: fmt.Sprint("n", i), Kind: workflow.Task, From: workflow.NoNode}})
	}
	return command.NewRun{ID: c.ID, Kind: "group", TTL: 3600e9, Part: part}, nil, nil
}

// runs reads what the machine has put into records. A run's result is that of
// its first task.
type runs struct {
	*records
	mu     sync.Mutex
	faults int    // so many reads fail
	large  string // what was to be kept last
}

func (r *runs) fault() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.faults > 0 {
		r.faults--
		return errors.New("the disk is slow")
	}
	return nil
}

func (r *runs) Awaits(task queue.ID) ([]queue.ID, error) {
	raw, ok := r.get(state.ResumeKey(0, task))
	if !ok {
		return nil, errors.New("no resume point")
	}
	_, wait, err := state.DecodeResume(raw)
	return wait, errors.Join(err, r.fault())
}

func (r *runs) Run(_ string, id queue.ID) (workflow.View, bool, error) {
	raw, ok := r.get(state.EndedRunKey(0, id))
	if !ok {
		return workflow.View{}, false, nil
	}
	v, err := state.DecodeRun(raw)
	if !v.Cause.IsZero() {
		if raw, ok := r.get(state.FinishedKey(0, v.Cause)); ok {
			t, _, _ := state.DecodeTask(raw)
			v.Error = t.Error
		}
	}
	return v, true, err
}

func (r *runs) RunResult(_ string, id queue.ID) (workflow.Result, error) {
	raw, _ := r.get(state.FinishedKey(0, id.Plus(1)))
	_, result, err := state.DecodeTask(raw)
	if result == nil {
		result, _ = r.get(state.ResultKey(0, id.Plus(1)))
	}
	switch {
	case bytes.HasPrefix(result, []byte(`"xxx`)): // as if it were put together of two
		return workflow.Result{Blob: "sha256:large"}, err
	case string(result) == `"huge"`:
		return workflow.Result{TooLarge: true}, err
	}
	return workflow.Result{JSON: result}, err
}

func (r *runs) Ensure(_ context.Context, digest string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.large = digest
	return nil
}

func runNo(n int) queue.ID {
	return queue.ID{0, 0, 0, 0, 0, 2, 0x70, 0, 0x80, 10: byte(n >> 8), 11: byte(n)}
}

// hands is a hand that answers for what it is given.
func (h *hand) answer(a *link.Assignment, o queue.Outcome) link.Answer {
	h.t.Helper()
	answer, err := h.Report(h.t.Context(), &link.Report{Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Outcome: o}}})
	if err != nil {
		h.t.Fatal(err)
	}
	return answer
}

func replaced(run queue.ID, canvas string) queue.Outcome {
	return queue.Outcome{OK: true, Started: 1, Finished: 2, Children: []queue.Child{{ID: run, Canvas: []byte(canvas)}},
		Defer: &queue.Deferral{Wait: []queue.ID{run}, Replace: true}}
}

func TestReplacedTaskEndsAsItsRun(t *testing.T) {
	long := `"` + strings.Repeat("x", queue.MaxInline) + `"`
	for name, c := range map[string]struct {
		of    queue.Outcome
		state queue.State
		want  string
	}{
		"success": {queue.Outcome{OK: true, Result: []byte("42")}, queue.Success, "42"},
		"large":   {queue.Outcome{OK: true, Result: []byte(long)}, queue.Success, ""},
		"huge":    {queue.Outcome{OK: true, Result: []byte(`"huge"`)}, queue.Failure, ""},
		"failure": {queue.Outcome{Error: &queue.Error{Type: "no_stock", Message: "sold out"}}, queue.Failure, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl := newCluster(t)
				cl.lead()
				defer cl.depose()
				h := attachHand(t, cl, "w", 4)
				defer h.Close()
				id := cl.submit(1, nil)
				parent := h.take().Assignments[0]
				h.answer(&parent, replaced(runNo(1), "{1}"))
				child := h.take().Assignments[0]
				if v, _ := cl.machine.Task(id); v.State != queue.Deferred || child.ID != runNo(1).Plus(1) {
					t.Fatalf("%+v, %+v", v, child)
				}
				cl.runs.mu.Lock()
				cl.runs.faults = 3
				cl.runs.mu.Unlock()
				c.of.Started, c.of.Finished = 3, 4
				h.answer(&child, c.of)
				v, result := cl.await(id)
				if v.State != c.state || result != c.want {
					t.Fatalf("%+v with %q", v, result)
				}
				if name == "large" && (v.ResultBlob != "sha256:large" || cl.runs.large != v.ResultBlob) {
					t.Errorf("the large result is %q", v.ResultBlob)
				}
				if name == "huge" && v.Error.Type != queue.ErrOutputTooLarge {
					t.Errorf("%+v", v.Error)
				}
				if e := v.Error; name == "failure" && (e.Type != queue.ErrDependency || !strings.HasSuffix(e.Message, "failed: no_stock: sold out")) {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// A leader that goes before it has decided leaves the decision to the next.
func TestNextLeaderDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 4)
		var ids []queue.ID
		for n := range 2 {
			ids = append(ids, c.submit(n+1, nil))
			parent := h.take().Assignments[0]
			h.answer(&parent, replaced(runNo(n), "{1}"))
			child := h.take().Assignments[0]
			c.runs.mu.Lock()
			c.runs.faults = 1 << 20 // nothing can be read
			c.runs.mu.Unlock()
			h.answer(&child, queue.Outcome{OK: true, Result: fmt.Appendf(nil, "%d", n), Started: 3})
		}
		pass(time.Minute)
		if left := c.machine.Deciding(); len(left) != 2 {
			t.Fatalf("%d wait for a decision", len(left))
		}
		c.depose()
		c.runs.mu.Lock()
		c.runs.faults = 0
		c.runs.mu.Unlock()
		c.lead()
		for n, id := range ids {
			if v, result := c.await(id); v.State != queue.Success || result != fmt.Sprint(n) {
				t.Errorf("%+v with %q", v, result)
			}
		}
	})
}

func TestChildrenThatCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 1)
		defer h.Close()
		ask := func(n int, canvases ...string) (queue.View, error) {
			id := c.submit(n, nil)
			a := h.take().Assignments[0]
			o := queue.Outcome{OK: true, Result: []byte("1"), Started: 1}
			for i, text := range canvases {
				o.Children = append(o.Children, queue.Child{ID: runNo(100*n + i), Canvas: []byte(text)})
			}
			r := &link.Report{Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Outcome: o}}}
			_, err := h.Report(t.Context(), r)
			if len(r.Results[0].Outcome.Children) != len(canvases) {
				t.Error("the worker's own report was changed")
			}
			v, _, _ := c.ended(id)
			return v, err
		}
		for n, x := range []struct {
			canvases []string
			want     string
		}{
			{[]string{"{1}", "m.none is no task"}, "invalid_canvas: chain[0].task: m.none is no task"},
			{[]string{"{300}", "{201}"}, "canvas_too_large: "},
		} {
			v, err := ask(n+1, x.canvases...)
			if err != nil || v.State != queue.Failure || !strings.HasPrefix(v.Error.Type+": "+v.Error.Message, x.want) {
				t.Errorf("%v: %+v, %v", x.canvases, v, err)
			}
		}
		if all := c.machine.Runs(); len(all) != 0 {
			t.Errorf("%d runs began", len(all))
		}
		if v, err := ask(3, "broken"); err != nil || v.State != 0 {
			t.Errorf("a fault of the leader's is the task's: %+v", v)
		}
	})
}

// What several attempts ask for is more than one command holds.
func TestManyChildrenAreCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 3)
		defer h.Close()
		var ids []queue.ID
		r := &link.Report{}
		for n := range 3 {
			ids = append(ids, c.submit(n+1, nil))
			a := h.take().Assignments[0]
			r.Results = append(r.Results, command.TaskResult{ID: a.ID, Fence: a.Fence, Outcome: queue.Outcome{OK: true, Started: 1,
				Children: []queue.Child{{ID: runNo(n), Canvas: []byte("{400}")}}}})
		}
		r.Results[2].Fence.Index++ // somebody else's by now
		before := len(c.log())
		a, err := h.Report(t.Context(), r)
		if err != nil || len(a.Refused) != 1 || a.Refused[0] != r.Results[2].Fence {
			t.Fatalf("%+v, %v", a, err)
		}
		completes := strings.Count(strings.Join(c.log()[before:], " "), "*command.Complete")
		if all := c.machine.Runs(); completes != 2 || len(all) != 2 {
			t.Errorf("%d commands, %d runs", completes, len(all))
		}
		if v, _, ok := c.ended(ids[1]); !ok || v.State != queue.Success {
			t.Errorf("%+v", v)
		}
		if len(c.kids.parents) != 2 {
			t.Errorf("compiled for %v", c.kids.parents)
		}
	})
}
