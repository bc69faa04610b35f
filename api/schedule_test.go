package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// fakeClock is a real machine for schedules alone.
type fakeClock struct{ machine *state.Machine }

type nowhere struct{}

func (nowhere) Put(_, _ []byte)                           {}
func (nowhere) Delete([]byte)                             {}
func (nowhere) Expire(uint16, int64, queue.ID, uint32)    {}
func (nowhere) ExpireRun(uint16, int64, queue.ID, uint32) {}

func (k *fakeClock) apply(index uint64, now int64, c command.Command) (command.Result, bool) {
	switch c := c.(type) {
	case *command.Fire, *command.SteerSchedule, *command.PingWebhook, *command.Delivered:
	case *command.PutDocument:
		if c.Kind != command.KindSchedule && c.Kind != command.KindModule && c.Kind != command.KindWebhook {
			return command.Result{}, false
		}
	case *command.DeleteDocument:
		if c.Kind != command.KindSchedule && c.Kind != command.KindWebhook {
			return command.Result{}, false
		}
	default:
		return command.Result{}, false
	}
	if k.machine == nil {
		k.machine = state.New(0, nowhere{})
		k.apply(1, now, &command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "etl", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"load", "main"}}})
	}
	b := command.AppendCommand(command.AppendBatch(nil, now, 1), command.Encode(0, c))
	r := k.machine.Apply(index, b).Results[0]
	put, ok := c.(*command.PutDocument)
	return r, !ok || put.Kind != command.KindModule
}

func (f *fake) Schedules(namespace string) []workflow.ScheduleView {
	if f.clock.machine == nil {
		return nil
	}
	return f.clock.machine.Schedules(namespace)
}

func (f *fake) Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool) {
	if f.clock.machine == nil {
		return workflow.ScheduleView{}, false
	}
	return f.clock.machine.Schedule(name)
}

func TestSchedules(t *testing.T) {
	b := start(t)
	const path = "/v1/schedules/nightly"
	b.do("GET", path, "").problem(404, "not_found")
	b.do("GET", "/v1/schedules/a%20b", "").problem(400, "bad_request")
	var s wire.Schedule
	b.do("PUT", path+"?dry_run=true", `{"cron":"0 2 * * *","timezone":"Europe/Berlin","task":"etl.load","args":[1]}`).ok(200, &s)
	if s.Version != 0 || len(s.NextFires) != 5 {
		t.Fatalf("%+v", s)
	}
	b.do("GET", path, "").problem(404, "not_found")
	b.do("PUT", path, `{"cron":"0 2 * * *","timezone":"Europe/Berlin","task":"etl.load","args":[1],"priority":7}`).ok(201, &s)
	if s.Version != 1 || len(s.NextFires) != 5 || s.Paused || s.Name != "nightly" || !s.NextFires[0].After(time.Now()) {
		t.Fatalf("%+v", s)
	}
	var d wire.ScheduleDefinition
	if err := json.Unmarshal(s.Definition, &d); err != nil || d.Call == nil || d.Task != "etl.load" || *d.Priority != 7 || d.Cron != "0 2 * * *" {
		t.Fatalf("%s %v", s.Definition, err)
	}
	b.do("PUT", path, string(s.Definition)).ok(200, &s)
	if s.Version != 1 {
		t.Fatalf("the same definition is version %d", s.Version)
	}
	b.do("PUT", path, `{"every":"1m","canvas":{"chain":[{"task":"etl.load"},{"task":"etl.main"}]},"labels":{"team":"a"},"overlap":"buffer"}`).ok(200, &s)
	if s.Version != 2 {
		t.Fatalf("%+v", s)
	}
	var list wire.List[wire.Schedule]
	b.do("GET", "/v1/schedules", "").ok(200, &list)
	if len(list.Items) != 1 || list.Items[0].Version != 2 {
		t.Fatalf("%+v", list)
	}
	b.do("GET", "/v1/schedules", "", "X-Windrow-Namespace: other").ok(200, &list)
	if len(list.Items) != 0 {
		t.Fatalf("%+v", list)
	}
	b.do("POST", path+"/pause", "").ok(200, &s)
	if !s.Paused || len(s.NextFires) != 0 {
		t.Fatalf("%+v", s)
	}
	b.do("POST", path+"/resume", "").ok(200, &s)
	if s.Paused || len(s.NextFires) != 5 {
		t.Fatalf("%+v", s)
	}
	b.do("DELETE", path, "").ok(204, nil)
	b.do("DELETE", path, "").problem(404, "not_found")
	b.do("POST", path+"/pause", "").problem(404, "not_found")
	b.do("POST", path+"/trigger", "").problem(404, "not_found")
}

func TestTrigger(t *testing.T) {
	b := start(t)
	var s wire.Schedule
	b.do("PUT", "/v1/schedules/s", `{"every":"1h","task":"etl.load","overlap":"skip"}`).ok(201, &s)
	var first, again wire.Started
	b.do("POST", "/v1/schedules/s/trigger", "", "Idempotency-Key: k").ok(202, &first)
	a := b.do("POST", "/v1/schedules/s/trigger", "", "Idempotency-Key: k").ok(202, &again)
	if first.ID != again.ID || a.header.Get(wire.HeaderReplayed) != "true" || first.Kind != "task" {
		t.Fatalf("%+v %+v", first, again)
	}
	if p := b.do("POST", "/v1/schedules/s/trigger", "").problem(409, "running"); p.ID != first.ID {
		t.Fatalf("%+v", p)
	}
	b.do("GET", "/v1/schedules/s", "").ok(200, &s)
	if s.LastRun != first.ID || s.Fired != 1 {
		t.Fatalf("%+v", s)
	}
	r, _ := b.node.clock.machine.Run(mustID(t, first.ID))
	if out := runOf(&r); out.Schedule != "s" || !out.Tick.IsZero() || out.Calls[0] != "etl.load" {
		t.Fatalf("%+v", out)
	}
}

func mustID(t *testing.T, text string) queue.ID {
	t.Helper()
	id, err := queue.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestScheduleRefused(t *testing.T) {
	b := start(t)
	for _, x := range []struct{ body, field, says string }{
		{`{"every":"15m"}`, "task", "missing"},
		{`{"task":"etl.load"}`, "", "says no time"},
		{`{"task":"etl.load","every":"15m","cron":"* * * * *"}`, "every", "stands beside cron"},
		{`{"task":"etl.load","every":"1ms"}`, "every", "out of bounds"},
		{`{"task":"etl.load","every":"often"}`, "every", "duration"},
		{`{"task":"etl.load","cron":"61 * * * *"}`, "cron", "61"},
		{`{"task":"etl.load","cron":"* * * * *","timezone":"Mars/Base"}`, "timezone", "IANA"},
		{`{"task":"etl.load","at":["2027-01-01T00:00:00Z","soon"]}`, "at", "RFC 3339"},
		{`{"task":"etl.load","solar":{"event":"noon","latitude":1,"longitude":2}}`, "solar.event", "noon"},
		{`{"task":"etl.load","solar":{"evnt":"noon"}}`, "solar.evnt", "event"},
		{`{"task":"etl.load","every":"1m","start":"2027-01-01T00:00:00Z","end":"2026-01-01T00:00:00Z"}`, "end", "before start"},
		{`{"task":"etl.load","every":"1m","overlap":"queue"}`, "overlap", "buffer"},
		{`{"task":"etl.load","every":"1m","misfire":"skip","catchup":true}`, "catchup", "misfire"},
		{`{"task":"etl.load","every":"1m","misfire_grace":-1}`, "misfire_grace", "negative"},
		{`{"task":"etl.load","every":"1m","evry":"1m"}`, "evry", "every"},
		{`{"task":"etl.load","every":"1m","every":"1m"}`, "every", "twice"},
		{`{"task":"etl.load","every":"1m","canvas":{"chain":[{"task":"etl.load"}]}}`, "task", "canvas"},
		{`{"every":"1m","workflow":"w"}`, "workflow", "later version"},
		{`{"task":"etl.load","next":{"task":"etl.load"},"every":"1m"}`, "every", "beside next"},
		{`{"task":"etl.load","next":{"task":"etl.load","input":1}}`, "next.input", "schedule gives"},
		{`{"task":"etl.load","next":{"task":"load"}}`, "next.task", "load"},
		{`{"task":"etl.load","next":{"task":"etl.load","tsk":1}}`, "next.tsk", "task"},
		{`{"every":"1m","canvas":{"chain":[{"task":"etl.load"},{"task":"load"}]}}`, "canvas.chain[1].task", "load"},
		{`{"every":"1m","task":"etl.load","idempotency_key":"k"}`, "idempotency_key", "each tick"},
		{`{"every":"1m","task":"etl.load","priority":11}`, "priority", "9"},
	} {
		p := b.do("PUT", "/v1/schedules/s", x.body).problem(400, "invalid_field")
		if p.Field != x.field || !strings.Contains(p.Detail, x.says) {
			t.Errorf("%s: %q: %s", x.body, p.Field, p.Detail)
		}
	}
	if p := b.do("PUT", "/v1/schedules/s", `{"every":"1m","task":"nothing.main"}`).problem(404, "module_not_found"); p.Field != "task" {
		t.Errorf("%+v", p)
	}
	if p := b.do("PUT", "/v1/schedules/s", `{"every":"1m","canvas":{"group":[{"task":"etl.nothing"}]}}`).problem(404, "task_not_found"); p.Field != "canvas" {
		t.Errorf("%+v", p)
	}
	b.do("PUT", "/v1/schedules/s", `{"every":"1m","task":"etl.load","pool":"p"}`).problem(404, "pool_not_found")
	b.do("PUT", "/v1/schedules/s", ``).problem(400, "invalid_json")
	b.do("PUT", "/v1/schedules/s", `{"every":"1m","task":"etl.load","input":"`+strings.Repeat("x", 300_000)+`"}`).problem(413, "too_large")
	b.do("PUT", "/v1/schedules/s", `{"every":"1m","canvas":{"map":{"task":{"task":"etl.load"},"items":[`+strings.Repeat("1,", 600)+`1]}}}`).problem(413, "too_large")
}

func TestCatchupBeginsAtStart(t *testing.T) {
	b := start(t)
	var s wire.Schedule
	begin := time.Now().Add(-3 * time.Hour).UTC().Truncate(time.Hour)
	b.do("PUT", "/v1/schedules/s", `{"every":"1h","task":"etl.load","catchup":true,"start":"`+begin.Format(time.RFC3339)+`"}`).ok(201, &s)
	if !s.NextFires[0].Equal(begin) {
		t.Fatalf("%s, want %s", s.NextFires[0], begin)
	}
	b.do("PUT", "/v1/schedules/t", `{"every":"1h","task":"etl.load","start":"`+begin.Format(time.RFC3339)+`"}`).ok(201, &s)
	if !s.NextFires[0].After(time.Now()) {
		t.Fatalf("%s", s.NextFires[0])
	}
}

func TestNextIsATask(t *testing.T) {
	b := start(t)
	var s wire.Schedule
	b.do("PUT", "/v1/schedules/s", `{"next":{"task":"etl.main","timeout":"10s"},"task":"etl.load"}`).ok(201, &s)
	if len(s.NextFires) != 0 {
		t.Fatalf("%+v", s)
	}
	v, _ := b.node.clock.machine.Schedule(workflow.ScheduleName{Namespace: "default", Name: "s"})
	if !v.Wants || len(v.Ask) == 0 {
		t.Fatalf("%+v", v)
	}
	if p := b.do("PUT", "/v1/schedules/s", `{"next":{"task":"nothing.main"},"task":"etl.load"}`).problem(404, "module_not_found"); p.Field != "next" {
		t.Fatalf("%+v", p)
	}
	b.do("POST", "/v1/schedules/s/pause", "").ok(200, &s)
	b.do("POST", "/v1/schedules/s/resume", "").ok(200, &s)
	if s.Paused {
		t.Fatalf("%+v", s)
	}
}
