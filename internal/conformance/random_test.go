package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// drawing makes random canvases of a bounded number of tasks.
type drawing struct {
	t    *rapid.T
	left int
}

func drawCanvas(t *rapid.T, tasks int) windrow.Canvas {
	d := &drawing{t: t, left: tasks}
	return d.canvas(4)
}

func (d *drawing) pick(label string, options ...string) string {
	return rapid.SampledFrom(options).Draw(d.t, label)
}

func (d *drawing) canvas(depth int) windrow.Canvas {
	kind := "task"
	if depth > 0 && d.left > 2 {
		kind = d.pick("kind", "task", "task", "chain", "chain", "group", "group", "chord", "map", "starmap", "chunks")
	}
	var c windrow.Canvas
	switch kind {
	case "task":
		c = windrow.Sig(d.call())
	case "chain":
		c = windrow.Chain(d.list(1, depth)...)
	case "group":
		c = windrow.Group(d.list(0, depth)...)
	case "chord":
		c = windrow.Chord(d.list(0, depth), d.canvas(depth-1))
	default:
		c = d.mapped(kind)
	}
	if depth > 0 && d.left > 0 && d.pick("linked", "no", "no", "no", "yes") == "yes" {
		c = windrow.Link(c, d.canvas(depth-2))
	}
	if depth > 0 && d.left > 0 && d.pick("error linked", "no", "no", "yes") == "yes" {
		c = windrow.LinkError(c, d.canvas(depth-2))
	}
	return c
}

func (d *drawing) list(least, depth int) []windrow.Canvas {
	var of []windrow.Canvas
	for range rapid.IntRange(least, 4).Draw(d.t, "length") {
		if d.left > 0 || len(of) < least {
			of = append(of, d.canvas(depth-1))
		}
	}
	return of
}

func (d *drawing) mapped(kind string) windrow.Canvas {
	n := rapid.IntRange(0, min(4, d.left)).Draw(d.t, "items")
	d.left -= n
	call := d.plainCall(d.pick("mapped task", "echo", "echo", "echo", "trap", "noop"))
	if kind != "map" {
		call.Input = nil // is refused
	}
	s := windrow.Sig(call)
	if kind == "map" {
		items := make([]any, n)
		for i := range items {
			items[i] = []any{i, "x", nil, []any{i}}[i]
		}
		return windrow.Map(s, items)
	}
	items := make([][]any, n)
	for i := range items {
		items[i] = [][]any{{i}, {}, {"x", nil}, {[]any{}}}[i]
	}
	if kind == "starmap" {
		return windrow.Starmap(s, items)
	}
	return windrow.Chunks(s, items, rapid.IntRange(1, 5).Draw(d.t, "size"))
}

// call is a task that does something or suffers it.
func (d *drawing) call() windrow.Call {
	d.left--
	switch d.pick("task", "echo", "echo", "echo", "echo", "echo", "noop", "trap", "trap", "fail", "flaky", "flaky", "expires") {
	case "noop":
		return d.plainCall("noop")
	case "trap":
		return d.plainCall("trap")
	case "fail":
		return failing
	case "flaky":
		return flaky(rapid.IntRange(1, 3).Draw(d.t, "fails"), 2)
	case "expires":
		return expiring
	}
	return d.plainCall("echo")
}

// plainCall gives its task arguments in one of the ways there are.
func (d *drawing) plainCall(module string) windrow.Call {
	c := windrow.Call{Task: module + ".main"}
	switch d.pick("given", "nothing", "nothing", "nothing", "no args", "args", "kwargs", "input", "immutable") {
	case "no args":
		c.Args = windrow.Args()
	case "args":
		c.Args = windrow.Args("own", d.left)
	case "kwargs":
		c.Kwargs = windrow.JSON(map[string]int{"left": d.left})
	case "input":
		c.Input = windrow.JSON(d.left)
	case "immutable":
		c.Immutable = true
	}
	return c
}

var (
	failing  = windrow.Call{Task: "fail.main", Args: windrow.Args(3), Immutable: true}
	expiring = windrow.Call{Task: "echo.main", Countdown: duration(time.Hour), Expires: &wire.Expires{In: wire.Duration(time.Millisecond)}}
)

func duration(d time.Duration) *wire.Duration { return (*wire.Duration)(&d) }

// flaky fails so many times and is retried so many.
func flaky(fails, retries int) windrow.Call {
	return windrow.Call{Task: "flaky.main", Args: windrow.Args(fails), Immutable: true,
		Retry: &wire.Retry{Max: retries, Backoff: duration(time.Millisecond), Jitter: "none"}}
}

// TestRandomCanvases plays random canvases on a machine, several at once, their
// tasks ending in any order, and stores and loads the machine in between.
func TestRandomCanvases(t *testing.T) {
	r := newRoom(t, t.TempDir())
	defer func() { r.close() }()
	r.serve()
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var canvases []windrow.Canvas
		var ids []string
		for range rapid.IntRange(1, 12).Draw(rt, "canvases") {
			c := drawCanvas(rt, 40)
			s, err := r.client.Canvas(ctx, c)
			if err != nil {
				rt.Fatalf("%s: %v", show(c), err)
			}
			canvases, ids = append(canvases, c), append(ids, s.ID)
		}
		reload := rapid.IntRange(0, 400).Draw(rt, "reload")
		for n := 0; r.step(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "next") }); n++ {
			if n == reload {
				r.reload()
			}
		}
		for i := range canvases {
			if err := checkRun(ctx, r.client, ids[i], &canvases[i]); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// checkRun compares a run that has ended with what the model says.
func checkRun(ctx context.Context, c *windrow.Client, id string, of *windrow.Canvas, revoked ...string) error {
	want := play(of, revoked...)
	run, err := c.GetRun(ctx, id)
	if err != nil {
		return err
	}
	tasks, err := windrow.Collect(c.RunTasks(ctx, id), 0)
	if err != nil {
		return err
	}
	if d := want.differences(run, tasks); len(d) > 0 {
		text := show(of) + "\n"
		for _, x := range d {
			text += "\n" + x
		}
		return fmt.Errorf("%s", text)
	}
	return nil
}
