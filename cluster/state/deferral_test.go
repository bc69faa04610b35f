package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

func childID(n byte) queue.ID { return queue.ID{0, 0, 0, 0, 0, 2, 0x70, 0, 0x80, 11: n} }

// childRun is a run of so many tasks side by side.
func childRun(n byte, tasks int, module string) command.NewRun {
	p := command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", module, "main")}}
	for i := range tasks {
		p.Nodes = append(p.Nodes, command.GraphNode{Node: workflow.Node{Name: fmt.Sprint("n", i), Kind: workflow.Task, From: workflow.NoNode}})
	}
	return command.NewRun{ID: childID(n), Kind: "group", TTL: 3600e9, Part: p}
}

// defers ends an attempt that asks for runs and lets its task wait for them.
func (r *rig) defers(s queue.Fence, a Assigned, d queue.Deferral, runs ...command.NewRun) Applied {
	r.t.Helper()
	for _, x := range runs {
		d.Wait = append(d.Wait, x.ID)
	}
	return r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Runs: runs,
		Outcome: queue.Outcome{OK: true, Started: 1, Finished: 2, Defer: &d}}}})
}

// resumePoint is what a task goes on with.
func (r *rig) resumePoint(n byte) (string, []queue.ID) {
	r.t.Helper()
	raw, ok := r.sink[string(ResumeKey(0, id(n)))]
	if !ok {
		return "none", nil
	}
	state, wait, err := DecodeResume(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(state), wait
}

func done(result string) queue.Outcome {
	return queue.Outcome{OK: true, Result: []byte(result), Started: 3, Finished: 4}
}

// A task that waits leaves its slot to its children, and goes on when all of
// them have ended: also in a machine that was loaded in between.
func TestDeferredTaskHoldsNoSlot(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{State: []byte(`{"n":1}`)}, childRun(1, 1, "mod"), childRun(2, 1, "mod"))
	if v := r.state(1); v.State != queue.Deferred || v.WaitsFor != "runs" || v.Resumes != 1 || v.Attempt != 1 {
		t.Fatalf("%+v", v)
	}
	for n := byte(1); n <= 2; n++ {
		if len(x.Effects.Assigned) != 1 || x.Effects.Assigned[0].ID != childID(n).Plus(1) {
			t.Fatalf("child %d: %+v", n, x.Effects.Assigned)
		}
		r.reload()
		x = r.complete(s, x.Effects.Assigned[0], done("1"))
	}
	if len(x.Effects.Assigned) != 1 || x.Effects.Assigned[0].ID != id(1) || x.Effects.Assigned[0].Attempt != 2 || !r.m.Resumed(id(1)) {
		t.Fatalf("%+v", x.Effects)
	}
	if state, wait := r.resumePoint(1); state != `{"n":1}` || len(wait) != 2 {
		t.Errorf("%s, %v", state, wait)
	}
	r.complete(s, x.Effects.Assigned[0], done("2"))
	if v := r.state(1); v.State != queue.Success || v.Resumes != 1 || v.Attempt != 2 {
		t.Errorf("%+v", v)
	}
	if state, _ := r.resumePoint(1); state != "none" {
		t.Errorf("kept beyond the end: %s", state)
	}
}

// All children begin with the attempt's acceptance, or none.
func TestChildrenAreAcceptedAllOrNone(t *testing.T) {
	for name, second := range map[string]command.NewRun{"no module": childRun(2, 1, "none"), "taken": childRun(9, 1, "mod"), "twice": childRun(1, 1, "mod")} {
		r := newRig(t)
		s := r.worker("w", 2)
		r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{childRun(9, 1, "mod")}})
		a := r.submit(1, nil).Effects.Assigned[0]
		before := len(r.m.Runs())
		r.defers(s, a, queue.Deferral{}, childRun(1, 1, "mod"), second)
		v := r.state(1)
		if v.State != queue.Failure || !strings.HasPrefix(v.Error.Message, "a child was refused: ") || len(r.m.Runs()) != before {
			t.Errorf("%s: %+v, %d runs", name, v, len(r.m.Runs()))
		}
		if _, ok := r.sink[string(GraphKey(0, childID(1), 0))]; ok {
			t.Errorf("%s: the first child's graph is stored", name)
		}
	}
}

// The first event lets a task go on, and later ones mean nothing to it.
func TestFirstEventWins(t *testing.T) {
	t.Run("run", func(t *testing.T) {
		r := newRig(t)
		s := r.worker("w", 1)
		x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{After: 60e9}, childRun(1, 1, "mod"))
		x = r.complete(s, x.Effects.Assigned[0], done("1"))
		a := x.Effects.Assigned[0]
		if a.ID != id(1) {
			t.Fatalf("%+v", a)
		}
		r.now += 61e9
		r.entry(&command.Continue{})
		if v := r.state(1); v.State != queue.Received || v.Fence != a.Fence {
			t.Errorf("%+v", v)
		}
	})
	t.Run("time", func(t *testing.T) {
		r := newRig(t)
		s := r.worker("w", 2)
		x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{After: 60e9}, childRun(1, 1, "mod"))
		child := x.Effects.Assigned[0]
		r.reload()
		r.now += 60e9
		x = r.entry(&command.Continue{})
		if len(x.Effects.Assigned) != 1 || x.Effects.Assigned[0].ID != id(1) {
			t.Fatalf("%+v", x.Effects)
		}
		if v, alive := r.m.Run(childID(1)); !alive || v.State != workflow.Running {
			t.Errorf("the run that it no longer waits for: %+v", v)
		}
		if y := r.complete(s, child, done("1")); len(y.Effects.Assigned) != 0 {
			t.Errorf("the late run: %+v", y.Effects)
		}
		if v := r.state(1); v.State != queue.Received || v.Fence != x.Effects.Assigned[0].Fence {
			t.Errorf("%+v", v)
		}
	})
}

func TestWaitForNothingGoesOnAtOnce(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned[0]
	x := r.defers(s, a, queue.Deferral{Wait: []queue.ID{childID(7)}}) // nobody knows it
	if len(x.Effects.Assigned) != 1 || x.Effects.Assigned[0].ID != id(1) || x.Effects.Assigned[0].Fence == a.Fence {
		t.Errorf("%+v", x.Effects)
	}
}

// Revoking a task that waits cancels what it waits for.
func TestRevokeOfADeferredTask(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{After: 60e9}, childRun(1, 3, "mod"))
	child := x.Effects.Assigned[0]
	r.do(&command.Revoke{Namespace: "default", ID: id(1)})
	r.settle()
	if v := r.state(1); v.State != queue.Revoked {
		t.Fatalf("%+v", v)
	}
	if x = r.complete(s, child, failed(queue.ErrRevoked)); len(x.Effects.Assigned) != 0 {
		t.Errorf("a task of a cancelled run began: %+v", x.Effects.Assigned)
	}
	r.settle()
	raw, ok := r.sink[string(EndedRunKey(0, childID(1)))]
	if v, err := DecodeRun(raw); !ok || err != nil || v.State != workflow.Cancelled {
		t.Errorf("the run: %+v, %v", v, err)
	}
	if state, _ := r.resumePoint(1); state != "none" {
		t.Error("the resume point is kept")
	}
	r.now += 61e9
	if x = r.entry(&command.Continue{}); len(x.Effects.Assigned) != 0 {
		t.Errorf("it went on: %+v", x.Effects.Assigned)
	}
}

// A task that was revoked while its attempt ran does not wait, and asks for
// nothing.
func TestRevokedAttemptAsksInVain(t *testing.T) {
	for name, wait := range map[string]*queue.Deferral{"waits": {After: 1e9}, "spawns": nil} {
		r := newRig(t)
		s := r.worker("w", 1)
		a := r.submit(1, nil).Effects.Assigned[0]
		r.do(&command.Revoke{Namespace: "default", ID: id(1)})
		r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Runs: []command.NewRun{childRun(1, 1, "mod")},
			Outcome: queue.Outcome{OK: true, Started: 1, Defer: wait}}}})
		if v := r.state(1); v.State != queue.Revoked || v.Error == nil || len(r.m.Runs()) != 0 {
			t.Errorf("%s: %+v, %d runs", name, v, len(r.m.Runs()))
		}
	}
}

// A run's result replaces a task once.
func TestReplacementIsDecidedOnce(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	x := r.defers(s, r.submit(1, nil).Effects.Assigned[0], queue.Deferral{Replace: true}, childRun(1, 1, "mod"))
	if early := r.entry(&command.Decide{ID: id(1), Resumes: 1, Outcome: done("0")}).Results[0]; early.Code != command.CodeEnded {
		t.Fatalf("decided while the run was under way: %+v", early)
	}
	x = r.complete(s, x.Effects.Assigned[0], done("1"))
	if v := r.state(1); !x.Effects.Decide || len(x.Effects.Assigned) != 0 || v.State != queue.Deferred || v.WaitsFor != "runs" {
		t.Fatalf("%+v, %+v", x.Effects, v)
	}
	r.reload()
	if left := r.m.Deciding(); len(left) != 1 || left[0].ID != id(1) || left[0].Resumes != 1 {
		t.Fatalf("%+v", left)
	}
	if stale := r.entry(&command.Decide{ID: id(1), Resumes: 2, Outcome: done("0")}).Results[0]; stale.Code != command.CodeEnded {
		t.Fatalf("decided for another wait: %+v", stale)
	}
	r.do(&command.Decide{ID: id(1), Resumes: 1, Outcome: done("42")})
	if twice := r.entry(&command.Decide{ID: id(1), Resumes: 1, Outcome: done("43")}).Results[0]; twice.Code != command.CodeEnded {
		t.Fatalf("decided twice: %+v", twice)
	}
	v, result, err := DecodeTask(r.sink[string(FinishedKey(0, id(1)))])
	if err != nil || v.State != queue.Success || string(result) != "42" || v.StartedAt != 1 || v.Worker != "w" || len(r.m.Deciding()) != 0 {
		t.Errorf("%+v %s, %v", v, result, err)
	}
}

// A worker that is lost, and a failure, cost a delivery or a retry at the resume
// point, and not what came before it.
func TestResumedAttemptIsRepeated(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) {
		q.MaxDeliveries = 2
		q.Retry = queue.Retry{Given: true, Max: 2, Backoff: 1e9, FactorMil: 1000, MaxBackoff: 1e9, Jitter: queue.JitterNone}
	}).Effects.Assigned[0]
	x := r.defers(s, a, queue.Deferral{State: []byte("1")}, childRun(1, 1, "mod"))
	x = r.complete(s, x.Effects.Assigned[0], done("1"))
	r.defers(s, x.Effects.Assigned[0], queue.Deferral{State: []byte("2"), After: 1e9})
	r.now += 1e9
	a = r.entry(&command.Continue{}).Effects.Assigned[0]
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	if v := r.state(1); v.State != queue.Pending || v.Dead || v.Resumes != 2 {
		t.Fatalf("after a lost worker: %+v", v)
	}
	s = r.do(&command.OpenSession{Worker: "w"}).Results[0].Session
	a = r.do(&command.SetLimit{Session: s, Seq: 1, Running: 1}).Effects.Assigned[0]
	for range 2 {
		if state, _ := r.resumePoint(1); state != "2" || !r.m.Resumed(id(1)) {
			t.Fatalf("it goes on at %s", state)
		}
		r.complete(s, a, failed(queue.ErrTrap))
		r.now += 1e9
		a = r.entry(&command.Continue{}).Effects.Assigned[0]
	}
	r.complete(s, a, done("3"))
	if v := r.state(1); v.State != queue.Success || v.Attempt != 5 {
		t.Errorf("%+v", v)
	}
}

// A task that polls for months keeps a bounded history, and neither its waits
// nor their number cost it anything.
func TestManyDeferrals(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) { q.MaxDeliveries = 2 }).Effects.Assigned[0]
	for range 1<<16 + 10 {
		x := r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence,
			Outcome: queue.Outcome{OK: true, Started: 1, Log: []byte("x"), LogLen: 1, Defer: &queue.Deferral{Wait: []queue.ID{childID(1)}}}}}})
		if len(x.Effects.Assigned) == 0 {
			r.now += pauseUnit << maxDoublings
			x = r.do(&command.Continue{})
		}
		a = x.Effects.Assigned[0]
	}
	history := 0
	for k := range r.sink {
		if strings.HasPrefix(k, string(AttemptKey(0, id(1), 0))) {
			history++
		}
	}
	if history != keptAttempts {
		t.Errorf("%d attempts are kept", history)
	}
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	if v := r.state(1); v.State != queue.Pending || v.Dead {
		t.Errorf("after a lost worker: %+v", v)
	}
}

// So many tasks may wait for one run that one entry can let all of them go on.
func TestFewWaitForOneRun(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 2000)
	r.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{childRun(1, 1, "mod")}})
	child, _ := r.m.Task(childID(1).Plus(1))
	var last queue.ID
	for n := range maxAwaiting + 1 {
		last = queue.ID{5: 1, 6: 0x70, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
		a := r.do(&command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")},
			List: []command.Call{{ID: last, Payload: (&queue.Payload{}).Append(nil)}}}}).Effects.Assigned[0]
		r.defers(s, a, queue.Deferral{Wait: []queue.ID{childID(1)}})
	}
	v, _, err := DecodeTask(r.sink[string(FinishedKey(0, last))])
	if err != nil || v.State != queue.Failure || v.Error.Type != "conflict" {
		t.Fatalf("one too many: %+v, %v", v, err)
	}
	x := r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: child.ID, Fence: child.Fence, Outcome: done("1")}}})
	if n := len(x.Effects.Assigned); n < maxAwaiting/2 {
		t.Errorf("%d went on at once", n)
	}
	r.settle()
	if held := r.m.Workers()[0].Outstanding; held != maxAwaiting {
		t.Errorf("%d went on", held)
	}
}
