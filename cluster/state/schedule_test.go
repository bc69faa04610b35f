package state

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// scheduleCommand puts, fires, steers or removes a schedule.
func (g *generator) scheduleCommand() command.Command {
	all := g.schedules()
	verb := g.pick("schedule", "put", "fire", "fire", "fire", "hand", "steer", "ask", "ask", "set", "delete")
	if verb == "put" || len(all) == 0 {
		ns := g.namespace()
		plan := g.newRun(ns)
		g.runs = g.runs[:len(g.runs)-1]
		plan.ID = queue.ID{}
		c := &command.PutDocument{Kind: command.KindSchedule, Namespace: ns, Name: g.pick("name", "s", "t"), Body: []byte("{}"),
			Digest: g.pick("digest", "1", "2", "3"), Attributes: command.Attributes{Plan: plan.Append(nil)}}
		c.Attributes.Overlap = command.Overlap(rapid.IntRange(0, 3).Draw(g.t, "overlap"))
		c.Attributes.Next = rapid.Int64Range(0, 20).Draw(g.t, "next")
		if ns == "default" && g.pick("ask", "no", "yes") == "yes" {
			c.Attributes.Next, c.Attributes.Ask = 0, planOf("mod")
		}
		return c
	}
	v := rapid.SampledFrom(all).Draw(g.t, "which")
	switch verb {
	case "steer":
		return &command.SteerSchedule{Namespace: v.Namespace, Name: v.Name, Pause: g.pick("pause", "no", "yes") == "yes", Next: v.LastTick + 1, Keep: g.pick("keep", "no", "yes") == "yes"}
	case "ask":
		c := &command.AskTick{Namespace: v.Namespace, Name: v.Name, Version: v.Version, Run: g.runID(), Payload: []byte{1, 0}}
		g.runs = append(g.runs, c.Run)
		return c
	case "set":
		c := &command.SetTick{Namespace: v.Namespace, Name: v.Name, Run: v.Asked, Next: v.LastTick + rapid.Int64Range(0, 3).Draw(g.t, "set")}
		if g.pick("fault", "no", "no", "yes") == "yes" {
			c.Fault = "no time"
		}
		return c
	case "delete":
		return &command.DeleteDocument{Kind: command.KindSchedule, Namespace: v.Namespace, Name: v.Name}
	}
	c := &command.Fire{Namespace: v.Namespace, Name: v.Name, Version: v.Version, Expected: v.Next, Tick: v.Next, Next: v.Next + 1,
		Run: g.runID(), Meta: []byte(`{"tick":1}`), Manual: verb == "hand"}
	switch g.pick("tick", "next", "next", "next", "later", "none", "stale") {
	case "later":
		c.Tick, c.Missed, c.Next = c.Tick+2, 2, c.Next+2
	case "none":
		c.Tick, c.Missed = 0, 1
	case "stale":
		c.Expected--
	}
	g.runs = append(g.runs, c.Run)
	for i := range 6 {
		g.ids = append(g.ids, c.Run.Plus(uint32(i+1)))
	}
	return c
}

// schedulesOf shows what a machine knows of its schedules.
func schedulesOf(m *Machine, b *strings.Builder) {
	for _, v := range m.Schedules("") {
		fmt.Fprintf(b, "schedule %+v\n", v)
	}
	fmt.Fprintf(b, "plans %d buffered %d asked %d\n", m.planBytes, len(m.buffered), len(m.asked))
}

// planOf is a run of one task.
func planOf(module string) []byte {
	spec := queue.DefaultSpec("default", module, "main")
	n := command.GraphNode{Call: command.Call{Payload: []byte{1, 0}}}
	n.Name, n.From = "task", workflow.NoNode
	run := command.NewRun{Kind: "task", TTL: 60e9, Part: command.GraphPart{Specs: []queue.Spec{spec}, Nodes: []command.GraphNode{n}}}
	return run.Append(nil)
}

type scheduleRig struct {
	*rig
	runs byte
}

func newScheduleRig(t *testing.T, overlap command.Overlap) *scheduleRig {
	r := &scheduleRig{rig: newRig(t)}
	r.put("1", 10, overlap)
	return r
}

func (r *scheduleRig) put(digest string, next int64, overlap command.Overlap) Applied {
	return r.entry(&command.PutDocument{Kind: command.KindSchedule, Namespace: "default", Name: "s", Digest: digest, Body: []byte("{}"),
		Attributes: command.Attributes{Next: next, Overlap: overlap, Plan: planOf("mod")}})
}

func (r *scheduleRig) view() workflow.ScheduleView {
	r.t.Helper()
	v, ok := r.m.Schedule(workflow.ScheduleName{Namespace: "default", Name: "s"})
	if !ok {
		r.t.Fatal("no schedule")
	}
	return v
}

// fire proposes the expected tick; the next is ten later.
func (r *scheduleRig) fire(change func(*command.Fire)) (command.Result, queue.ID) {
	v := r.view()
	r.runs++
	c := &command.Fire{Namespace: "default", Name: "s", Version: v.Version, Expected: v.Next, Tick: v.Next, Next: v.Next + 10,
		Run: queue.ID{0, 0, 0, 0, 0, 2, 0x70, 0, 0x80, 0, 0, r.runs}, Meta: []byte(`{}`)}
	if change != nil {
		change(c)
	}
	return r.entry(c).Results[0], c.Run
}

func (r *scheduleRig) alive(run queue.ID) bool {
	_, ok := r.m.Run(run)
	return ok
}

// finish lets the task of a run succeed.
func (r *scheduleRig) finish(s queue.Fence, run queue.ID) {
	r.t.Helper()
	given, _ := r.m.Outstanding(s)
	for _, a := range given {
		if a.ID.Run() == run {
			r.complete(s, a, queue.Outcome{OK: true, Result: []byte("1"), Started: 1, Finished: 2})
			return
		}
	}
	r.t.Fatalf("run %s has no task at the worker", run)
}

func TestTickFiresOnce(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	res, run := r.fire(nil)
	if res.Code != command.OK || !r.alive(run) {
		t.Fatalf("%+v", res)
	}
	again, other := r.fire(func(c *command.Fire) { c.Expected, c.Tick, c.Next = 10, 10, 20 })
	if again.Code != command.CodeConflict || r.alive(other) {
		t.Fatalf("the tick fired twice: %+v", again)
	}
	if v := r.view(); v.Next != 20 || v.LastTick != 10 || v.LastRun != run || v.Fired != 1 {
		t.Fatalf("%+v", v)
	}
	stale, _ := r.fire(func(c *command.Fire) { c.Version++ })
	back, _ := r.fire(func(c *command.Fire) { c.Next = c.Expected })
	if stale.Code != command.CodeConflict || back.Code != command.CodeConflict {
		t.Fatalf("%+v %+v", stale, back)
	}
	if res, _ := r.fire(func(c *command.Fire) { c.Next = 0 }); res.Code != command.OK {
		t.Fatalf("%+v", res)
	}
	if res, _ := r.fire(nil); res.Code != command.CodeConflict {
		t.Fatal("it fired after its last tick")
	}
}

func TestMissedTicksCount(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	if res, run := r.fire(func(c *command.Fire) { c.Tick, c.Missed, c.Next = 40, 3, 50 }); res.Code != command.OK || !r.alive(run) {
		t.Fatalf("%+v", res)
	}
	if res, run := r.fire(func(c *command.Fire) { c.Tick, c.Missed, c.Next = 0, 2, 70 }); res.Code != command.OK || r.alive(run) {
		t.Fatalf("%+v", res)
	}
	if v := r.view(); v.Missed != 5 || v.Fired != 1 || v.Next != 70 || v.LastTick != 50 {
		t.Fatalf("%+v", v)
	}
}

func TestOverlapSkip(t *testing.T) {
	r := newScheduleRig(t, command.OverlapSkip)
	s := r.worker("w", 4)
	_, first := r.fire(nil)
	if _, second := r.fire(nil); r.alive(second) {
		t.Fatal("it overlaps")
	}
	if res, _ := r.fire(func(c *command.Fire) { c.Manual = true }); res.Code != command.CodeRunning || res.IDs[0] != first {
		t.Fatalf("%+v", res)
	}
	r.finish(s, first)
	if _, third := r.fire(nil); !r.alive(third) {
		t.Fatal("it does not go on")
	}
	if v := r.view(); v.Fired != 2 || v.Skipped != 1 {
		t.Fatalf("%+v", v)
	}
}

func TestOverlapBuffer(t *testing.T) {
	r := newScheduleRig(t, command.OverlapBuffer)
	s := r.worker("w", 4)
	_, first := r.fire(nil)
	_, second := r.fire(nil)
	_, third := r.fire(nil)
	if r.alive(second) || r.view().Buffered != 20 {
		t.Fatalf("%+v", r.view())
	}
	r.finish(s, first)
	if !r.alive(second) || r.alive(third) || r.view().Buffered != 0 {
		t.Fatalf("%+v", r.view())
	}
	if v := r.view(); v.Fired != 2 || v.Skipped != 1 || v.LastRun != second {
		t.Fatalf("%+v", v)
	}
	r.fire(nil)
	r.put("2", 90, command.OverlapAllow)
	if v := r.view(); v.Buffered != 0 || v.Skipped != 2 || v.Next != 90 {
		t.Fatalf("%+v", v)
	}
}

func TestOverlapCancel(t *testing.T) {
	r := newScheduleRig(t, command.OverlapCancel)
	_, first := r.fire(nil)
	_, second := r.fire(nil)
	if r.alive(first) || !r.alive(second) {
		t.Fatal("the earlier run goes on, or the later one did not begin")
	}
}

func TestFireWithoutItsModule(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	r.do(&command.DeleteDocument{Kind: command.KindModule, Namespace: "default", Name: "mod"})
	if res, run := r.fire(nil); res.Code != command.OK || r.alive(run) {
		t.Fatalf("%+v", res)
	}
	v := r.view()
	if v.Failed != 1 || v.Next != 20 || !strings.HasPrefix(v.LastError, "module_not_found: ") {
		t.Fatalf("%+v", v)
	}
	if x := r.put("2", 30, command.OverlapAllow); x.Results[0].Code != command.CodeModuleNotFound {
		t.Fatalf("a schedule of no module was taken: %+v", x.Results[0])
	}
	r.do(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:01", Attributes: command.Attributes{Tasks: []string{"main"}}})
	if _, run := r.fire(nil); !r.alive(run) || r.view().LastError != "" {
		t.Fatalf("it does not go on: %+v", r.view())
	}
}

func TestPauseAndResume(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	r.fire(nil)
	r.do(&command.SteerSchedule{Namespace: "default", Name: "s", Pause: true})
	if res, _ := r.fire(nil); res.Code != command.CodeConflict {
		t.Fatal("a paused schedule fired")
	}
	if res, run := r.fire(func(c *command.Fire) { c.Manual = true }); res.Code != command.OK || !r.alive(run) {
		t.Fatalf("a paused schedule cannot be triggered: %+v", res)
	}
	if x := r.entry(&command.SteerSchedule{Namespace: "default", Name: "s", Next: 10}); x.Results[0].Code != command.CodeConflict {
		t.Fatal("a tick that fired would fire again")
	}
	r.do(&command.SteerSchedule{Namespace: "default", Name: "s", Next: 50})
	if v := r.view(); v.Paused || v.Next != 50 {
		t.Fatalf("%+v", v)
	}
	r.do(&command.SteerSchedule{Namespace: "default", Name: "s", Pause: true})
	r.do(&command.SteerSchedule{Namespace: "default", Name: "s", Keep: true, Next: 90})
	if v := r.view(); v.Next != 50 {
		t.Fatalf("%+v", v)
	}
}

func TestPutAgainDisturbsNothing(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	r.fire(nil)
	if x := r.put("1", 99, command.OverlapAllow); x.Results[0].Version != 1 || r.view().Next != 20 {
		t.Fatalf("%+v %+v", x.Results[0], r.view())
	}
	if x := r.put("2", 10, command.OverlapAllow); x.Results[0].Code != command.CodeConflict {
		t.Fatal("a tick that fired would fire again")
	}
	if x := r.put("2", 99, command.OverlapAllow); x.Results[0].Version != 2 || r.view().Next != 99 || r.view().Fired != 1 {
		t.Fatalf("%+v %+v", x.Results[0], r.view())
	}
	r.do(&command.DeleteDocument{Kind: command.KindSchedule, Namespace: "default", Name: "s"})
	if len(r.m.Schedules("")) != 0 || r.m.planBytes != 0 {
		t.Fatal("it is still there")
	}
}

func TestTriggerOnceAKey(t *testing.T) {
	r := newScheduleRig(t, command.OverlapAllow)
	by := func(c *command.Fire) {
		c.Manual, c.Idem = true, &command.Idempotency{Route: "trigger", Key: "k"}
	}
	res, first := r.fire(by)
	again, second := r.fire(by)
	if res.IDs[0] != first || !again.Replayed || again.IDs[0] != first || r.alive(second) {
		t.Fatalf("%+v %+v", res, again)
	}
}

func TestATaskSaysWhenItIsDue(t *testing.T) {
	r := &scheduleRig{rig: newRig(t)}
	s := r.worker("w", 4)
	r.do(&command.PutDocument{Kind: command.KindSchedule, Namespace: "default", Name: "s", Digest: "1", Body: []byte("{}"),
		Attributes: command.Attributes{Plan: planOf("mod"), Ask: planOf("mod")}})
	ask := func() queue.ID {
		r.runs++
		c := &command.AskTick{Namespace: "default", Name: "s", Version: r.view().Version, Run: queue.ID{0, 0, 0, 0, 0, 2, 0x70, 0, 0x80, 0, 0, r.runs}, Payload: []byte{1, 0}}
		if x := r.entry(c).Results[0]; x.Code != command.OK {
			t.Fatalf("%+v", x)
		}
		return c.Run
	}
	set := func(run queue.ID, next int64, fault string) command.Code {
		return r.entry(&command.SetTick{Namespace: "default", Name: "s", Run: run, Next: next, Fault: fault}).Results[0].Code
	}
	if v := r.view(); !v.Wants || v.Next != 0 {
		t.Fatalf("%+v", v)
	}
	run := ask()
	if v := r.view(); v.Asked != run || !v.Asking {
		t.Fatalf("%+v", v)
	}
	if x := r.entry(&command.AskTick{Namespace: "default", Name: "s", Version: 1, Run: queue.ID{9}}); x.Results[0].Code != command.CodeConflict {
		t.Fatal("asked twice")
	}
	r.finish(s, run)
	if v := r.view(); v.Asking || v.Asked != run {
		t.Fatalf("%+v", v)
	}
	if set(run, 10, "") != command.OK || set(run, 20, "") != command.CodeConflict || r.view().Next != 10 || r.view().Wants {
		t.Fatalf("%+v", r.view())
	}
	if res, tick := r.fire(func(c *command.Fire) { c.Next = 0 }); res.Code != command.OK || !r.alive(tick) || !r.view().Wants {
		t.Fatalf("%+v %+v", res, r.view())
	}
	set(ask(), 0, "no time")
	if v := r.view(); v.Failed != 1 || v.LastError != "next_tick: no time" || !v.Wants {
		t.Fatalf("%+v", v)
	}
	set(ask(), 10, "")
	if v := r.view(); v.Failed != 2 || !v.Wants || v.Next != 0 {
		t.Fatalf("a tick came twice: %+v", v)
	}
	set(ask(), 0, "")
	if v := r.view(); v.Wants || v.Next != 0 {
		t.Fatalf("it goes on though it is over: %+v", v)
	}
	r.put("2", 90, command.OverlapAllow)
	if v := r.view(); v.Wants || v.Next != 90 {
		t.Fatalf("%+v", v)
	}
}
