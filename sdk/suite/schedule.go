package suite

import (
	"strings"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *suite) schedules() {
	t := s.T
	name := "suite-" + strings.ToLower(windrow.NewIdempotencyKey())
	hour := windrow.Duration(time.Hour)
	d := windrow.ScheduleDefinition{Every: &hour, Call: &windrow.Call{Task: "suite-echo.main", Input: windrow.JSON(7)}}
	_, err := s.c.Schedule(bounded(t), name)
	refused(t, err, 404, "")
	if dry := must[*windrow.Schedule](t)(s.c.CheckSchedule(bounded(t), name, d)); dry.Version != 0 {
		t.Errorf("a dry run made version %d", dry.Version)
	}
	_, err = s.c.Schedule(bounded(t), name)
	refused(t, err, 404, "")
	for range 2 { // the second time changes nothing
		if made := must[*windrow.Schedule](t)(s.c.PutSchedule(bounded(t), name, d)); made.Version != 1 || made.Paused || made.Name != name {
			t.Fatalf("%+v", made)
		}
	}
	started := must[*windrow.Started](t)(s.c.TriggerSchedule(bounded(t), name))
	r := must[*windrow.CanvasRun](t)(s.c.WaitRun(bounded(t), started.ID))
	if r.State != wire.RunSuccess || string(r.Result) != "7" || r.Schedule != name || r.Kind != "task" {
		t.Errorf("%+v", r)
	}
	if x := must[*windrow.Schedule](t)(s.c.PauseSchedule(bounded(t), name)); !x.Paused {
		t.Errorf("%+v", x)
	}
	canvas := windrow.Chain(echoOf(1), echoes)
	d.Call, d.Canvas, d.Overlap = nil, &canvas, "skip"
	if x := must[*windrow.Schedule](t)(s.c.PutSchedule(bounded(t), name, d)); x.Version != 2 || !x.Paused || x.LastRun != started.ID || x.Fired != 1 {
		t.Errorf("%+v", x)
	}
	if x := must[*windrow.Schedule](t)(s.c.ResumeSchedule(bounded(t), name)); x.Paused {
		t.Errorf("%+v", x)
	}
	found := false
	for x, err := range s.c.Schedules(bounded(t)) {
		if err != nil {
			t.Fatal(err)
		}
		found = found || x.Name == name && x.Version == 2
	}
	if !found {
		t.Error("the list lacks the schedule")
	}
	d.Canvas, d.Call = nil, &windrow.Call{Task: "suite-nothing.main"}
	_, err = s.c.PutSchedule(bounded(t), name, d)
	refused(t, err, 404, wire.CodeModuleNotFound)
	if err := s.c.RemoveSchedule(bounded(t), name); err != nil {
		t.Fatal(err)
	}
	_, err = s.c.TriggerSchedule(bounded(t), name)
	refused(t, err, 404, "")
}
