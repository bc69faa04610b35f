package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestCancelledCanvases cancels random canvases at any time. Celery: revoking a
// result revokes what has not ended; what has keeps its state. Here nothing of
// it begins any more, either, callbacks included.
func TestCancelledCanvases(t *testing.T) {
	r := newRoom(t, t.TempDir())
	defer func() { r.close() }()
	r.steered = true
	r.serve()
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := drawCanvas(rt, 40)
		started, err := r.client.Canvas(ctx, c)
		if err != nil {
			rt.Fatalf("%s: %v", show(c), err)
		}
		next := func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "next") }
		for range rapid.IntRange(0, 20).Draw(rt, "steps") {
			r.step(next)
		}
		paused := rapid.IntRange(0, 3).Draw(rt, "pause") == 0
		if paused {
			_, err = r.client.PauseRun(ctx, started.ID)
		}
		ended := isRefused(err)
		if _, err := r.client.CancelRun(ctx, started.ID); isRefused(err) {
			ended = true
		} else if err != nil {
			rt.Fatal(err)
		}
		if rapid.IntRange(0, 20).Draw(rt, "reload") == 0 {
			r.reload()
		}
		for r.step(next) {
		}
		if ended {
			if err := checkRun(ctx, r.client, started.ID, &c); err != nil {
				rt.Fatal(err)
			}
			return
		}
		if err := checkCancelled(ctx, r.client, started.ID, &c); err != nil {
			rt.Fatal(err)
		}
	})
}

func isRefused(err error) bool {
	var e *windrow.APIError
	return errors.As(err, &e) && e.Code == wire.CodeAlreadyEnded
}

// checkCancelled compares what a cancelled run has done with what the model
// would have had it do.
func checkCancelled(ctx context.Context, c *windrow.Client, id string, of *windrow.Canvas) error {
	want := play(of)
	run, err := c.GetRun(ctx, id)
	if err != nil {
		return err
	}
	if run.State != "cancelled" {
		return fmt.Errorf("%s\nthe run: %s", show(of), run.State)
	}
	tasks, err := windrow.Collect(c.RunTasks(ctx, id), 0)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, t := range tasks {
		names[t.TaskID] = t.Node
	}
	for _, t := range tasks {
		e := want.Elements[t.Node]
		switch {
		case t.State == "revoked":
		case t.State != e.State:
			return fmt.Errorf("%s\n%s: %s, want %s or revoked", show(of), t.Node, t.State, e.State)
		case t.State == "success" && !reflect.DeepEqual(plain(names, t.Result), e.Result):
			return fmt.Errorf("%s\n%s gave %s, want %s", show(of), t.Node, t.Result, show(e.Result))
		}
	}
	if len(tasks) != len(want.order) {
		return fmt.Errorf("%s\n%d tasks, want %d", show(of), len(tasks), len(want.order))
	}
	return nil
}

// TestLabels: stamps reach all that is inside, callbacks included, and a task's
// own come first.
func TestLabels(t *testing.T) {
	r := newRoom(t, t.TempDir())
	defer func() { r.close() }()
	r.serve()
	own := windrow.Sig(windrow.Call{Task: "echo.main", Labels: map[string]string{"a": "own", "b": "2"}, Link: []windrow.Canvas{echo}})
	c := link(chain(group(own, windrow.Map(echo, []int{1})), echo), echo)
	c.Labels = map[string]string{"a": "1"}
	started, err := r.client.Canvas(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for r.step(func(int) int { return 0 }) {
	}
	outer, inner := map[string]string{"a": "1"}, map[string]string{"a": "own", "b": "2"}
	want := map[string]map[string]string{"chain-0-group-0": inner, "chain-0-group-0-link-0": inner, "chain-0-group-1-map-0": outer, "chain-1": outer, "chain-link-0": outer}
	for x, err := range r.client.RunTasks(t.Context(), started.ID) {
		if err != nil {
			t.Fatal(err)
		}
		task, err := r.client.Task(t.Context(), x.TaskID)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(task.Labels, want[x.Node]) {
			t.Errorf("%s has %v, want %v", x.Node, task.Labels, want[x.Node])
		}
		delete(want, x.Node)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// TestRefusals are canvases that mean nothing.
func TestRefusals(t *testing.T) {
	r := newRoom(t, t.TempDir())
	defer func() { r.close() }()
	r.serve()
	deep := one
	for range 70 {
		deep = group(deep)
	}
	for name, c := range map[string]windrow.Canvas{
		"an empty chain":           chain(),
		"an empty chain inside":    group(one, chain()),
		"an unknown task":          chain(one, windrow.S("echo.other")),
		"a starmap with an input":  windrow.Starmap(one, [][]any{{1}}),
		"a starmap of no lists":    {Starmap: windrow.Map(echo, []int{1}).Map},
		"chunks of nothing":        windrow.Chunks(echo, [][]any{{1}}, 0),
		"callbacks of a map's own": windrow.Map(link(echo, echo), []int{1}),
		"too deep a nesting":       deep,
	} {
		_, err := r.client.Canvas(t.Context(), c)
		var e *windrow.APIError
		if !errors.As(err, &e) || e.Status/100 != 4 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
