package guesttest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/canvas"
	"github.com/windrow-dev/windrow/sdk/guest"
	"github.com/windrow-dev/windrow/sdk/guest/guesttest"
	"github.com/windrow-dev/windrow/sdk/wire"
)

type progress struct {
	Round int `json:"round"`
}

var _ = guest.Handle("sum_of_halves", func(ctx *guest.Context, in []int) (int, error) {
	var p progress
	if r := ctx.Resume(); r != nil {
		if err := r.Load(&p); err != nil {
			return 0, err
		}
		halves, err := guest.ResultOf[[]int](r.Runs[0])
		var failed *guest.RunError
		if errors.As(err, &failed) && failed.Type == "odd" && p.Round < 2 {
			return 0, guest.Await(progress{p.Round + 1}, guest.After(time.Minute))
		}
		sum := 0
		for _, n := range halves {
			sum += n
		}
		return sum, err
	}
	run, err := ctx.Spawn(canvas.Map(canvas.S(".half"), in))
	if err != nil {
		return 0, err
	}
	return 0, guest.Await(progress{1}, guest.Runs(run), guest.After(time.Hour))
})

var _ = guest.Handle("half_of_it", func(ctx *guest.Context, how string) (int, error) {
	switch how {
	case "large":
		return 0, guest.Replace(canvas.S(".half", strings.Repeat("x", 300<<10)))
	case "wrong":
		return 0, guest.Replace(wire.Canvas{Chain: []wire.Canvas{{Map: &wire.Mapped{Size: 3}}}})
	case "empty":
		return 0, guest.Await(nil)
	case "twice":
		_, err := ctx.Spawn(canvas.Group())
		return 1, err
	}
	return 0, guest.Replace(canvas.S(".half", 8))
})

func TestWaiting(t *testing.T) {
	a := guesttest.Run(t, "sum_of_halves", []int{2, 4})
	if a.Failure != nil || a.Output != nil || len(a.Spawned) != 1 || a.Spawned[0].Canvas.Map == nil || string(a.Spawned[0].Canvas.Map.Items[1]) != "4" {
		t.Fatalf("%+v", a)
	}
	w := a.Waiting
	if w == nil || w.Replaced || string(w.State) != `{"round":1}` || len(w.Runs) != 1 || w.Runs[0] != a.Spawned[0].ID || w.After != time.Hour {
		t.Fatalf("%+v", w)
	}
	a = guesttest.Run(t, "sum_of_halves", []int{2, 4}, guesttest.Resumed(w.State, guesttest.Success(w.Runs[0], []int{1, 2})))
	if got := guesttest.Output[int](t, a); got != 3 || a.Waiting != nil {
		t.Errorf("%d, %+v", got, a)
	}
	a = guesttest.Run(t, "sum_of_halves", []int{3}, guesttest.Resumed(w.State, guesttest.Failed(w.Runs[0], "odd", "3 is odd")))
	if a.Failure != nil || a.Waiting == nil || string(a.Waiting.State) != `{"round":2}` {
		t.Errorf("%+v", a)
	}
	a = guesttest.Run(t, "sum_of_halves", []int{3}, guesttest.Resumed(progress{2}, guesttest.Failed(w.Runs[0], "odd", "3 is odd")))
	if !a.FailedWith("error") || !strings.Contains(a.Failure.Message, "odd: 3 is odd") {
		t.Errorf("%+v", a.Failure)
	}
	a = guesttest.Run(t, "sum_of_halves", []int{3}, guesttest.Resumed(nil, guest.Run{ID: "r", State: "unknown"}))
	if a.Failure == nil || !strings.Contains(a.Failure.Message, "run r is unknown") {
		t.Errorf("%+v", a.Failure)
	}
}

func TestReplace(t *testing.T) {
	a := guesttest.Run(t, "half_of_it", "")
	if a.Failure != nil || a.Waiting == nil || !a.Waiting.Replaced || a.Waiting.Runs[0] != a.Spawned[0].ID || a.Spawned[0].Canvas.Call.Task != ".half" {
		t.Errorf("%+v", a)
	}
	for how, want := range map[string]string{"large": "invalid_canvas", "wrong": "invalid_canvas", "empty": "invalid_wait"} {
		if a := guesttest.Run(t, "half_of_it", how); !a.FailedWith(want) || a.Waiting != nil || a.Spawned != nil {
			t.Errorf("%s: %+v, %+v", how, a, a.Failure)
		}
	}
	if a := guesttest.Run(t, "half_of_it", "twice"); len(a.Spawned) != 1 || guesttest.Output[int](t, a) != 1 {
		t.Errorf("%+v", a)
	}
}
