package lead

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

// nowhere keeps nothing.
type nowhere struct{}

func (nowhere) Put(_, _ []byte)                           {}
func (nowhere) Delete([]byte)                             {}
func (nowhere) Expire(uint16, int64, queue.ID, uint32)    {}
func (nowhere) ExpireRun(uint16, int64, queue.ID, uint32) {}

// world is a machine, its clock, and what has been fired.
type world struct {
	t       *testing.T
	machine *state.Machine
	index   uint64
	now     int64
	ticker  *ticker
	ticks   map[string][]int64 // by schedule, from the runs' meta
	lost    int                // answers that did not arrive
	leaders int
	random  *rand.Rand
}

func newWorld(t *testing.T, at time.Time) *world {
	w := &world{t: t, machine: state.New(0, nowhere{}), now: at.UnixNano(), ticks: map[string][]int64{}, random: rand.New(rand.NewPCG(1, 2))}
	w.apply(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}})
	w.elect()
	return w
}

// elect lets another leader begin, which knows nothing.
func (w *world) elect() {
	w.leaders++
	w.ticker = &ticker{machine: w.machine, proposer: w, now: func() int64 { return w.now }, log: slog.New(slog.DiscardHandler), wake: make(chan struct{}, 1),
		changed: map[workflow.ScheduleName]bool{}, planned: map[workflow.ScheduleName]*planned{}}
	w.ticker.readAll()
}

func (w *world) apply(cmds ...command.Command) []command.Result {
	w.index++
	b := command.AppendBatch(nil, w.now, len(cmds))
	for _, c := range cmds {
		b = command.AppendCommand(b, command.Encode(0, c))
	}
	a := w.machine.Apply(w.index, b)
	for i, c := range cmds {
		if f, ok := c.(*command.Fire); ok && len(a.Results[i].IDs) > 0 {
			var m struct{ Schedule, Tick string }
			if err := json.Unmarshal(f.Meta, &m); err != nil {
				w.t.Fatal(err)
			}
			tick, err := time.Parse(time.RFC3339Nano, m.Tick)
			if err != nil || m.Schedule != f.Name {
				w.t.Fatalf("%s: %v", f.Meta, err)
			}
			w.ticks[f.Name] = append(w.ticks[f.Name], tick.UnixNano())
			w.apply(&command.SteerRun{Namespace: "default", ID: f.Run, Do: command.SteerCancel}) // nobody works here
		}
	}
	if w.ticker != nil {
		w.ticker.applied(a.Effects.Schedules)
	}
	return a.Results
}

// Propose implements Proposer. Some entries are applied and nobody hears of it,
// some never are.
func (w *world) Propose(_ context.Context, cmds ...command.Command) ([]command.Result, error) {
	switch w.random.IntN(50) {
	case 0:
		w.lost++
		return nil, errors.New("never applied")
	case 1:
		w.lost++
		w.apply(cmds...)
		return nil, errors.New("applied, but nobody heard of it")
	}
	return w.apply(cmds...), nil
}

func (w *world) put(name, body string, now time.Time) calendar.Schedule {
	var d calendar.Definition
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		w.t.Fatal(err)
	}
	rule, err := calendar.Parse(d.Rule)
	if err != nil {
		w.t.Fatal(err)
	}
	n := command.GraphNode{Call: command.Call{Payload: []byte{1, 0}}}
	n.Name, n.From = "task", workflow.NoNode
	run := command.NewRun{Kind: "task", TTL: 1e9, Meta: []byte("{}"), Part: command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, Nodes: []command.GraphNode{n}}}
	r := w.apply(&command.PutDocument{Kind: command.KindSchedule, Namespace: "default", Name: name, Body: []byte(body), Digest: body,
		Attributes: command.Attributes{Plan: run.Append(nil), Next: d.First(rule, now.UnixNano(), 0)}})
	if r[0].Code != command.OK {
		w.t.Fatalf("%+v", r[0])
	}
	return rule
}

// turn lets the leader do what is due, and says when something will be.
func (w *world) turn() int64 {
	w.ticker.readChanged()
	fires, due := w.ticker.round(w.now)
	if len(fires) == 0 {
		return due
	}
	results, err := w.Propose(context.Background(), fires...)
	for _, c := range fires {
		w.ticker.applied([]workflow.ScheduleName{nameOf(c)})
	}
	for _, r := range results {
		if err == nil && r.Code != command.OK {
			w.t.Fatalf("a tick of the present leader was refused: %+v", r)
		}
	}
	return w.now
}

// TestEveryTickOfAYear lets a year pass in several zones, with leaders that
// change at random and clocks that jump by an hour either way. Every tick fires
// once where all are made up for, and otherwise is fired or counted.
func TestEveryTickOfAYear(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(1, 0, 0)
	w := newWorld(t, begin)
	rules := map[string]calendar.Schedule{}
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago"} {
		for i, cron := range []string{"30 2 * * *", "*/30 * * * *", "0 1,2,3 * * *", "15 9 * * mon-fri"} {
			for _, policy := range []string{`"catchup": true`, `"misfire": "once"`, `"misfire": "skip", "jitter": "5m"`} {
				if i == 1 && policy != `"catchup": true` { // the most ticks
					continue
				}
				name := fmt.Sprintf("%s-%d-%s", zone, i, policy)
				rules[name] = w.put(name, fmt.Sprintf(`{"cron": %q, "timezone": %q, %s}`, cron, zone, policy), begin)
			}
		}
	}
	rules["every"] = w.put("every", `{"every": "7m", "catchup": true, "jitter": "1m"}`, begin)
	jumps := 0
	for w.now < end.UnixNano() {
		due := w.turn()
		switch w.random.IntN(2000) {
		case 0: // forward: the machine's time follows at once
			w.now += int64(time.Hour)
			jumps++
			continue
		case 1: // back: it goes at half speed until the clock has caught up, and ticks come late
			w.now += int64(time.Duration(w.random.IntN(3600)) * time.Second / 2)
			jumps++
		case 2, 3, 4: // a change, and nobody leads for a while
			w.now += int64(time.Duration(w.random.IntN(7200)) * time.Second)
			w.elect()
			continue
		case 5:
			w.elect()
		}
		if due > w.now && due != math.MaxInt64 {
			w.now = min(due+w.random.Int64N(1e9), end.UnixNano())
		}
	}
	for w.turn() <= w.now { // what is due at the end
	}
	fired, missed := 0, uint64(0)
	for name, rule := range rules {
		v, _ := w.machine.Schedule(workflow.ScheduleName{Namespace: "default", Name: name})
		due := map[int64]bool{}
		for tick := begin; ; {
			next, ok := rule.Next(tick)
			if !ok || next.UnixNano() >= v.Next {
				break
			}
			due[next.UnixNano()] = true
			tick = next
		}
		if v.Next < end.Add(-6*time.Minute).UnixNano() {
			t.Errorf("%s stands at %s", name, time.Unix(0, v.Next).UTC())
		}
		seen := map[int64]bool{}
		for _, tick := range w.ticks[name] {
			if seen[tick] {
				t.Errorf("%s: %s fired twice", name, time.Unix(0, tick).UTC())
			}
			if !due[tick] {
				t.Errorf("%s: %s is no tick", name, time.Unix(0, tick).UTC())
			}
			seen[tick] = true
		}
		if uint64(len(seen))+v.Missed != uint64(len(due)) || v.Fired != uint64(len(seen)) || v.Failed+v.Skipped != 0 {
			t.Errorf("%s: %d ticks, %d fired, %+v", name, len(due), len(seen), v)
		}
		if rulesAll(name) && v.Missed != 0 {
			t.Errorf("%s: %d were missed", name, v.Missed)
		}
		fired, missed = fired+len(seen), missed+v.Missed
	}
	if missed == 0 || jumps == 0 || w.leaders < 10 || w.lost == 0 {
		t.Errorf("nothing went wrong: %d missed, %d jumps, %d leaders, %d answers lost", missed, jumps, w.leaders, w.lost)
	}
	t.Logf("%d schedules in a year: %d ticks fired, each once; %d counted as missed, none of a schedule that makes up for all; %d leaders, %d jumps of the clock by an hour, %d entries without an answer",
		len(rules), fired, missed, w.leaders, jumps, w.lost)
}

func rulesAll(name string) bool {
	return name == "every" || len(name) > 15 && name[len(name)-15:] == `"catchup": true`
}

// TestTickerSleepsUntilATick has the loop itself run, with a schedule that
// changes.
func TestTickerSleepsUntilATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, time.Now())
		w.random = rand.New(rand.NewPCG(3, 3))
		w.ticker = nil
		l := New(Config{Machine: idleMachine{w.machine}, Proposer: w, Now: func() int64 { w.now = time.Now().UnixNano(); return w.now }, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = l.Run(ctx, 1) }()
		synctest.Wait()
		w.ticker = l.term.Load().ticker
		rule := w.put("s", `{"every": "1m", "misfire": "all"}`, time.Now())
		from := time.Now()
		<-time.After(time.Hour + time.Second)
		synctest.Wait()
		want, _ := rule.Missed(from, time.Now(), 1000)
		if len(w.ticks["s"]) != len(want) || len(want) < 60 {
			t.Fatalf("%d ticks in an hour, want %d", len(w.ticks["s"]), len(want))
		}
		w.apply(&command.DeleteDocument{Kind: command.KindSchedule, Namespace: "default", Name: "s"})
		<-time.After(time.Hour)
		synctest.Wait()
		if len(w.ticks["s"]) != len(want) {
			t.Fatal("a schedule that is gone fired")
		}
		cancel()
		<-done
	})
}

// idleMachine is one whose other timers do not matter.
type idleMachine struct{ *state.Machine }

func (idleMachine) Due() (int64, bool) { return 0, false }

func TestMisfires(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 30, 0, time.UTC)
	for _, x := range []struct {
		policy        string
		fired, missed uint64
	}{
		{`"misfire": "once"`, 1, 9}, {`"misfire": "skip"`, 0, 10}, {`"misfire": "all"`, 10, 0}, {`"catchup": true`, 10, 0},
		{`"misfire": "all", "misfire_grace": "3m30s"`, 3, 7}, {`"misfire": "once", "misfire_grace": "10s"`, 0, 10}, {`"misfire": "skip", "misfire_grace": "1m"`, 1, 9},
	} {
		w := newWorld(t, begin)
		w.random = rand.New(rand.NewPCG(7, 7))
		w.put("s", `{"every": "1m", `+x.policy+`}`, begin)
		w.now += int64(10*time.Minute + 15*time.Second)
		for w.turn() <= w.now {
		}
		v, _ := w.machine.Schedule(workflow.ScheduleName{Namespace: "default", Name: "s"})
		if v.Fired != x.fired || v.Missed != x.missed || v.Next != time.Date(2026, 1, 1, 0, 11, 0, 0, time.UTC).UnixNano() {
			t.Errorf("%s: %+v", x.policy, v)
		}
	}
}

// TestCatchupComesInParts holds that what was missed does not come all at once.
func TestCatchupComesInParts(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, begin)
	w.put("s", `{"every": "1s", "start": "2025-12-31T23:50:00Z", "catchup": true}`, begin)
	w.put("t", `{"every": "1h", "catchup": true}`, begin)
	rounds := 0
	for ; len(w.ticks["s"]) < 600; rounds++ {
		before := len(w.ticks["s"])
		due := w.turn()
		if n := len(w.ticks["s"]) - before; n > command.MaxFires {
			t.Fatalf("%d runs at once", n)
		}
		if due > w.now {
			w.now = due
		}
	}
	if passed := w.now - begin.UnixNano(); passed < 5*fullRest {
		t.Fatalf("600 ticks were made up for in %s", time.Duration(passed))
	}
}

// TestBufferedTicksWait holds that a schedule that must lose none does not fire
// one that would be passed over.
func TestBufferedTicksWait(t *testing.T) {
	p := newPlanned(&workflow.ScheduleView{Body: []byte(`{"every": "1m", "catchup": true, "overlap": "buffer"}`), Plan: (&command.NewRun{}).Append(nil)})
	if p.fault != nil {
		t.Fatal(p.fault)
	}
	p.set(workflow.ScheduleView{Next: int64(time.Minute)})
	now := int64(10 * time.Minute)
	if got := p.fires(now, 100); len(got) != 1 {
		t.Fatalf("%d at once", len(got))
	}
	p.set(workflow.ScheduleView{Next: int64(2 * time.Minute), Buffered: int64(time.Minute)})
	if p.due(now) != math.MaxInt64 {
		t.Fatal("it would be passed over")
	}
}

// oracle is runs that have ended, and what they gave.
type oracle struct {
	Runs
	state  workflow.RunState
	result string
}

func (o *oracle) Run(string, queue.ID) (workflow.View, bool, error) {
	return workflow.View{State: o.state}, o.state != 0, nil
}

func (o *oracle) RunResult(string, queue.ID) (workflow.Result, error) {
	return workflow.Result{JSON: []byte(o.result)}, nil
}

// TestATaskSaysTheTicks has a schedule ask a task, which answers well and badly.
func TestATaskSaysTheTicks(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(t, begin)
	w.random = rand.New(rand.NewPCG(7, 7))
	o := &oracle{}
	w.ticker.runs = o
	n := command.GraphNode{Call: command.Call{Payload: (&queue.Payload{Args: []byte("[1]")}).Append(nil)}}
	n.Name, n.From = "task", workflow.NoNode
	run := command.NewRun{Kind: "task", TTL: 1e9, Meta: []byte("{}"), Part: command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, Nodes: []command.GraphNode{n}}}
	r := w.apply(&command.PutDocument{Kind: command.KindSchedule, Namespace: "default", Name: "s", Body: []byte(`{"next":{"task":"mod.main"}}`), Digest: "1",
		Attributes: command.Attributes{Plan: run.Append(nil), Ask: run.Append(nil)}})
	if r[0].Code != command.OK {
		t.Fatalf("%+v", r[0])
	}
	view := func() workflow.ScheduleView {
		v, _ := w.machine.Schedule(workflow.ScheduleName{Namespace: "default", Name: "s"})
		return v
	}
	// said lets the task be asked and answer.
	said := func(state workflow.RunState, result string) workflow.ScheduleView {
		t.Helper()
		o.state, o.result = state, result
		for view().Asked.IsZero() {
			w.now = max(w.now, w.turn())
		}
		w.apply(&command.SteerRun{Namespace: "default", ID: view().Asked, Do: command.SteerCancel}) // nobody works here
		for !view().Asked.IsZero() {
			w.now = max(w.now, w.turn())
		}
		return view()
	}
	tick := begin.Add(time.Hour)
	if v := said(workflow.Success, `"`+tick.Format(time.RFC3339)+`"`); v.Next != tick.UnixNano() || v.Wants {
		t.Fatalf("%+v", v)
	}
	for len(w.ticks["s"]) == 0 {
		w.now = max(w.now, w.turn())
	}
	if w.ticks["s"][0] != tick.UnixNano() || w.now < tick.UnixNano() {
		t.Fatalf("%v at %d", w.ticks, w.now)
	}
	before := w.now
	for i, bad := range []string{`7`, `"soon"`, `"` + tick.Format(time.RFC3339) + `"`, `{}`} {
		if v := said(workflow.Success, bad); v.Failed != uint64(i+1) || !v.Wants || v.LastError == "" {
			t.Fatalf("%s: %+v", bad, v)
		}
	}
	said(workflow.Failed, ``)
	if v := said(0, ``); v.Failed != 6 {
		t.Fatalf("%+v", v)
	}
	if w.now-before < 10*firstAsk {
		t.Fatalf("it asked 6 times in %s", time.Duration(w.now-before))
	}
	if v := said(workflow.Success, `null`); v.Wants || v.Next != 0 || w.turn() != math.MaxInt64 {
		t.Fatalf("%+v", v)
	}
}
