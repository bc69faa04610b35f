package suite

import (
	"encoding/json"
	"slices"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Signatures of the guests.
func echoOf(v any) windrow.Canvas {
	return windrow.Sig(windrow.Call{Task: "suite-echo.main", Input: windrow.JSON(v)})
}

var (
	echoes = windrow.S("suite-echo.main")
	fails  = windrow.Si("suite-fail.main")
)

// play runs a canvas to its end.
func (s *suite) play(c windrow.Canvas) *windrow.CanvasRun {
	t := s.T
	t.Helper()
	return must[*windrow.CanvasRun](t)(s.c.CanvasWait(bounded(t), c))
}

// results are what every kind of canvas gives.
func (s *suite) results() {
	one, two := echoOf(1), echoOf(2)
	for _, c := range []struct {
		name   string
		canvas windrow.Canvas
		want   string
	}{
		{"task", one, `1`},
		{"chain", windrow.Chain(one, echoes), `1`},
		{"first argument", windrow.Chain(one, windrow.S("suite-echo.main", 5)), `{"args":[1,5],"kwargs":{}}`},
		{"named args", windrow.Chain(one, windrow.Sig(windrow.Call{Task: "suite-echo.main", Args: windrow.Args()})), `{"args":[1],"kwargs":{}}`},
		{"immutable", windrow.Chain(one, windrow.Si("suite-echo.main", 5)), `{"args":[5],"kwargs":{}}`},
		{"group", windrow.Group(one, two), `[1,2]`},
		{"group of one", windrow.Chain(windrow.Group(one), echoes), `[1]`},
		{"group of none", windrow.Group(), `[]`},
		{"empty header", windrow.Chord(nil, echoes), `[]`},
		{"group in a group", windrow.Group(windrow.Group(one), windrow.Group()), `[[1],[]]`},
		{"chord", windrow.Chord([]windrow.Canvas{one, two}, echoes), `[1,2]`},
		{"chord in a chain", windrow.Chain(one, windrow.Group(echoes, echoes), echoes), `[1,1]`},
		{"chord of a chord", windrow.Chord([]windrow.Canvas{one}, windrow.Chord([]windrow.Canvas{echoes, two}, echoes)), `[[1],2]`},
		{"map", windrow.Map(echoes, []any{1, "a", nil}), `[1,"a",null]`},
		{"map of none", windrow.Map(echoes, []int{}), `[]`},
		{"starmap", windrow.Starmap(windrow.S("suite-echo.main", 9), [][]any{{1, 2}, {}}), `[{"args":[1,2,9],"kwargs":{}},{"args":[9],"kwargs":{}}]`},
		{"chunks", windrow.Chunks(echoes, [][]any{{1}, {2}, {3}}, 2), `[[{"args":[1],"kwargs":{}},{"args":[2],"kwargs":{}}],[{"args":[3],"kwargs":{}}]]`},
		{"map in a chain", windrow.Chain(one, windrow.Map(echoes, []int{7}), echoes), `[7]`},
		{"nested", windrow.Chain(windrow.Group(windrow.Chain(one, echoes), windrow.Map(echoes, []int{3})), echoes), `[1,[3]]`},
	} {
		s.Run(c.name, func(t *testing.T) {
			r := (&suite{T: t, c: s.c}).play(c.canvas)
			if r.State != wire.RunSuccess {
				t.Fatalf("%s: %+v", r.State, r.Error)
			}
			jsonEqual(t, string(r.Result), c.want)
		})
	}
}

// states insists on how tasks of a run have ended.
func (s *suite) states(r *windrow.CanvasRun, want map[string]string) {
	t := s.T
	t.Helper()
	for name, state := range want {
		if got := r.Tasks[name].State; got != state {
			t.Errorf("%s: %s, want %s", name, got, state)
		}
	}
	if len(r.Tasks) != len(want) {
		t.Errorf("%d tasks, want %d", len(r.Tasks), len(want))
	}
}

func (s *suite) failures() {
	t := s.T
	r := s.play(windrow.Chain(echoOf(1), windrow.Group(fails, echoes), echoes))
	s.states(r, map[string]string{"chain-0": wire.StateSuccess, "chain-1-group-0": wire.StateFailure, "chain-1-group-1": wire.StateSuccess, "chain-2": wire.StateUpstreamFailed})
	if r.State != wire.RunFailed || r.Error == nil || r.Cause != r.Tasks["chain-1-group-0"].TaskID || r.Result != nil {
		t.Errorf("%+v", r)
	}
	if _, err := windrow.RunResult[any](r); err == nil {
		t.Error("the result of a failed run was read")
	}
	r = s.play(windrow.Chord([]windrow.Canvas{fails, echoOf(1)}, echoes))
	s.states(r, map[string]string{"chord-header-0": wire.StateFailure, "chord-header-1": wire.StateSuccess, "chord-body": wire.StateUpstreamFailed})
}

func (s *suite) callbacks() {
	t := s.T
	good := s.play(windrow.Link(windrow.LinkError(windrow.Group(echoOf(1), echoOf(2)), echoes), echoes))
	s.states(good, map[string]string{"group-0": wire.StateSuccess, "group-1": wire.StateSuccess, "group-link-0": wire.StateSuccess, "group-link_error-0": wire.StateSkipped})
	jsonEqual(t, string(good.Tasks["group-link-0"].Result), `[1,2]`)
	bad := s.play(windrow.LinkError(windrow.Link(windrow.Chain(windrow.LinkError(fails, echoes), echoes), echoes), echoes))
	s.states(bad, map[string]string{"chain-0": wire.StateFailure, "chain-0-link_error-0": wire.StateSuccess, "chain-1": wire.StateUpstreamFailed,
		"chain-link-0": wire.StateUpstreamFailed, "chain-link_error-0": wire.StateSuccess})
	for _, name := range []string{"chain-0-link_error-0", "chain-link_error-0"} {
		var told struct {
			ID, Task string
			Error    wire.Error
		}
		if err := json.Unmarshal(bad.Tasks[name].Result, &told); err != nil || told.ID != bad.Tasks["chain-0"].TaskID || told.Task != "suite-fail.main" || told.Error.Type != "exit_code" {
			t.Errorf("%s was given %s", name, bad.Tasks[name].Result)
		}
	}
	if bad.State != wire.RunFailed || !bad.Tasks["chain-link_error-0"].Callback || good.State != wire.RunSuccess {
		t.Errorf("%s, %s", bad.State, good.State)
	}
	// A callback that fails does not fail the run.
	if r := s.play(windrow.Link(echoOf(1), fails)); r.State != wire.RunSuccess || r.Tasks["task-link-0"].State != wire.StateFailure {
		t.Errorf("%+v", r)
	}
}

func (s *suite) runs() {
	t := s.T
	long := windrow.Sig(windrow.Call{Task: "suite-sleep.main", Input: windrow.JSON(600_000)})
	started := must[*windrow.Started](t)(s.c.Canvas(bounded(t), windrow.Chain(long, echoes)))
	if started.Kind != "chain" || wire.RunFinal(started.State) {
		t.Errorf("%+v", started)
	}
	all := must[[]windrow.CanvasRun](t)(windrow.Collect(s.c.Runs(bounded(t), windrow.RunFilter{Kind: "chain", States: []string{wire.RunRunning}, PageSize: 1}), 0))
	if !slices.ContainsFunc(all, func(r windrow.CanvasRun) bool { return r.ID == started.ID }) {
		t.Errorf("%s is not listed", started.ID)
	}
	if got := must[*windrow.Started](t)(s.c.CancelRun(bounded(t), started.ID)); got.ID != started.ID {
		t.Errorf("%+v", got)
	}
	r := must[*windrow.CanvasRun](t)(s.c.WaitRun(bounded(t), started.ID))
	if r.State != wire.RunCancelled {
		t.Errorf("%+v", r)
	}
	s.states(r, map[string]string{"chain-0": wire.StateRevoked, "chain-1": wire.StateRevoked})
	tasks := must[[]windrow.RunTask](t)(windrow.Collect(s.c.RunTasks(bounded(t), started.ID), 0))
	if len(tasks) != 2 || tasks[0].Node != "chain-0" {
		t.Errorf("%+v", tasks)
	}
	_, err := s.c.PauseRun(bounded(t), started.ID)
	refused(t, err, 409, wire.CodeAlreadyEnded)
	_, err = s.c.GetRun(bounded(t), "01890a5d-ac96-774b-bcce-b30200000000")
	refused(t, err, 404, wire.CodeNotFound)
	key := windrow.IdempotencyKey(windrow.NewIdempotencyKey())
	first := must[*windrow.Started](t)(s.c.Canvas(bounded(t), windrow.Group(echoOf(1)), key))
	if again := must[*windrow.Started](t)(s.c.Canvas(bounded(t), windrow.Group(echoOf(1)), key)); again.ID != first.ID {
		t.Errorf("%s, then %s", first.ID, again.ID)
	}
}

func (s *suite) badCanvases() {
	t := s.T
	_, err := s.c.Canvas(bounded(t), windrow.Chain())
	refused(t, err, 400, wire.CodeInvalidField)
	_, err = s.c.Canvas(bounded(t), windrow.Chain(echoOf(1), windrow.Group(windrow.S("suite-echo.nothing"))))
	refused(t, err, 404, wire.CodeTaskNotFound)
}
