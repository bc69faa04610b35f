package state

import (
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

func failed(kind string) queue.Outcome {
	return queue.Outcome{Error: &queue.Error{Type: kind}, Started: 1, Finished: 2}
}

// state of a task, wherever it is.
func (r *rig) state(n byte) queue.View {
	r.t.Helper()
	if v, ok := r.m.Task(id(n)); ok {
		return v
	}
	raw, ok := r.sink[string(FinishedKey(0, id(n)))]
	if !ok {
		r.t.Fatalf("task %d is nowhere", n)
	}
	v, _, err := DecodeTask(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func TestRetryWaitsAndEnds(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) {
		q.Retry = queue.Retry{Given: true, Max: 2, Backoff: 1e9, FactorMil: 2000, MaxBackoff: 60e9, Jitter: queue.JitterNone}
	}).Effects.Assigned[0]
	for n, delay := range []int64{1e9, 2e9} {
		if x := r.complete(s, a, failed(queue.ErrTrap)); len(x.Effects.Assigned) != 0 {
			t.Fatal("the retry did not wait")
		}
		if v := r.state(1); v.State != queue.Retrying || v.ReadyAt != r.now+delay {
			t.Fatalf("retry %d: %+v", n+1, v)
		}
		r.now += delay - 1
		if x := r.entry(&command.Continue{}); len(x.Effects.Assigned) != 0 {
			t.Fatal("the retry came early")
		}
		r.now++
		a = r.entry(&command.Continue{}).Effects.Assigned[0]
		if a.Attempt != uint32(n+2) {
			t.Fatalf("attempt %d", a.Attempt)
		}
	}
	r.complete(s, a, failed(queue.ErrTrap))
	if v := r.state(1); v.State != queue.Failure || v.Attempt != 3 || v.Error.Type != queue.ErrTrap {
		t.Fatalf("%+v", v)
	}
}

func TestLostWorkerCostsADelivery(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	r.submit(1, func(q *queue.Spec, _ *command.Call) { q.MaxDeliveries = 2 })
	r.do(&command.EndSession{Session: s})
	if v := r.state(1); v.State != queue.Pending || v.Delivery != 0 {
		t.Fatalf("unreported counts as not begun: %+v", v)
	}
	for n := range 2 {
		s = r.do(&command.OpenSession{Worker: "w"}).Results[0].Session
		a := r.do(&command.SetLimit{Session: s, Seq: 1, Running: 1}).Effects.Assigned[0]
		r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
		if v := r.state(1); v.Delivery != uint32(n+1) || v.Attempt != 0 {
			t.Fatalf("%+v", v)
		}
	}
	v := r.state(1)
	if v.State != queue.Failure || !v.Dead || v.Error.Type != queue.ErrWorkerLost {
		t.Fatalf("after two lost workers: %+v", v)
	}
	if q, _ := r.m.Queue("default", "default"); q.Dead != 1 || q.Pending != 0 {
		t.Fatalf("%+v", q)
	}
	r.submit(2, func(_ *queue.Spec, c *command.Call) { c.Replays = id(1) })
	if v := r.state(1); v.ReplayedAs != id(2) || v.State != queue.Failure {
		t.Fatalf("%+v", v)
	}
	if x := r.submit(3, func(_ *queue.Spec, c *command.Call) { c.Replays = id(1) }); x.Results[0].Code != command.CodeConflict {
		t.Fatal("replayed twice")
	}
}

func TestAckEarlyFailsWithItsWorker(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	r.submit(1, func(q *queue.Spec, _ *command.Call) { q.AckEarly = true })
	r.do(&command.EndSession{Session: s})
	if v := r.state(1); v.State != queue.Failure || v.Error.Type != queue.ErrWorkerLost {
		t.Fatalf("%+v", v)
	}
}

func TestNewIncarnationEndsTheOldSession(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned[0]
	r.worker("w", 1)
	late := r.entry(&command.Complete{Session: s, Results: []command.TaskResult{{ID: a.ID, Fence: a.Fence, Outcome: queue.Outcome{OK: true}}}})
	if len(late.Results[0].Refused) != 1 {
		t.Fatal("the old session's completion was accepted")
	}
	if v := r.state(1); v.State != queue.Received || v.Fence == a.Fence {
		t.Fatalf("%+v", v)
	}
}

func TestHandBackCostsNothing(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned[0]
	x := r.do(&command.HandBack{Session: s, Items: []command.Held{{ID: a.ID, Fence: a.Fence}}})
	if len(x.Effects.Assigned) != 1 {
		t.Fatal("not assigned anew")
	}
	if v := r.state(1); v.Delivery != 0 || v.Attempt != 1 {
		t.Fatalf("%+v", v)
	}
}

func TestExpires(t *testing.T) {
	r := newRig(t)
	r.submit(1, func(_ *queue.Spec, c *command.Call) { c.ExpiresIn = 5e9 })
	r.now += 5e9
	r.entry(&command.Continue{})
	if v := r.state(1); v.State != queue.Revoked || v.Error.Type != queue.ErrExpired {
		t.Fatalf("%+v", v)
	}
}

func TestExpiresBeforeItsTime(t *testing.T) {
	r := newRig(t)
	r.submit(1, func(_ *queue.Spec, c *command.Call) { c.Countdown, c.ExpiresIn = 3600e9, 5e9 })
	if q, _ := r.m.Queue("default", "default"); q.Scheduled != 1 || q.Pending != 0 {
		t.Fatalf("%+v", q)
	}
	r.now += 5e9
	r.entry(&command.Continue{})
	if v := r.state(1); v.State != queue.Revoked || v.Error.Type != queue.ErrExpired {
		t.Fatalf("%+v", v)
	}
}

func TestRevoke(t *testing.T) {
	r := newRig(t)
	r.submit(1, nil)
	r.do(&command.Revoke{Namespace: "default", ID: id(1)})
	if v := r.state(1); v.State != queue.Revoked {
		t.Fatalf("waiting: %+v", v)
	}
	s := r.worker("w", 1)
	a := r.submit(2, nil).Effects.Assigned[0]
	x := r.do(&command.Revoke{Namespace: "default", ID: id(2), Terminate: true})
	if len(x.Effects.Kills) != 1 || !x.Effects.Kills[0].Terminate || x.Effects.Kills[0].Fence != a.Fence {
		t.Fatalf("%+v", x.Effects)
	}
	r.complete(s, a, failed(queue.ErrRevoked))
	if v := r.state(2); v.State != queue.Revoked {
		t.Fatalf("running: %+v", v)
	}
	if x := r.entry(&command.Revoke{Namespace: "default", ID: id(2)}); x.Results[0].Code != command.CodeNotFound {
		t.Fatal("an ended task was revoked")
	}
	if x := r.entry(&command.Revoke{Namespace: "other", ID: id(2)}); x.Results[0].Code != command.CodeNotFound {
		t.Fatal("another namespace's task was found")
	}
}

func TestUniqueKey(t *testing.T) {
	r := newRig(t)
	unique := func(_ *queue.Spec, c *command.Call) { c.UniqueKey = "u" }
	r.submit(1, unique)
	if x := r.submit(2, unique).Results[0]; x.Code != command.CodeDuplicate || x.IDs[0] != id(1) {
		t.Fatalf("%+v", x)
	}
	r.do(&command.Revoke{Namespace: "default", ID: id(1)})
	if x := r.submit(3, unique).Results[0]; x.Code != command.OK {
		t.Fatalf("after its end: %+v", x)
	}
}

func TestIdempotencyKey(t *testing.T) {
	r := newRig(t)
	submit := func(n byte, body byte) command.Result {
		c := &command.Submit{Namespace: "default", Idem: &command.Idempotency{Route: "r", Key: "k", Body: [16]byte{body}},
			Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{{ID: id(n), Payload: []byte{1, 0}}}}}
		return r.entry(c).Results[0]
	}
	submit(1, 1)
	if x := submit(2, 1); !x.Replayed || x.IDs[0] != id(1) {
		t.Fatalf("%+v", x)
	}
	if x := submit(3, 2); x.Code != command.CodeIdempotency {
		t.Fatalf("%+v", x)
	}
	r.now += idemTTL
	r.entry(&command.Continue{})
	if x := submit(4, 2); x.Code != command.OK || x.Replayed {
		t.Fatalf("a day later: %+v", x)
	}
}

// TestStagedBatch: nothing is there before the batch is submitted, everything
// is from then on, and no entry makes more than its share ready.
func TestStagedBatch(t *testing.T) {
	r := newRig(t)
	stageID := queue.ID{9}
	first := queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}
	for part := range uint32(20) {
		c := &command.Stage{Namespace: "default", Stage: stageID, Part: part,
			Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}}
		for n := range uint32(500) {
			c.Calls.List = append(c.Calls.List, command.Call{ID: first.Plus(part*500 + n), Payload: []byte{1, 0}})
		}
		r.do(c)
	}
	if _, ok := r.m.Task(first); ok {
		t.Fatal("a task answers before its batch is accepted")
	}
	r.do(&command.SubmitStaged{Namespace: "default", Stage: stageID, Parts: 20})
	for _, n := range []uint32{0, 4999, 9999} {
		if v, ok := r.m.Task(first.Plus(n)); !ok || v.State != queue.Pending {
			t.Fatalf("task %d of an accepted batch: %v %+v", n, ok, v)
		}
	}
	entries := 1
	for {
		due, ok := r.m.Due()
		if !ok || due > r.now {
			break
		}
		if moves := len(r.entry(&command.Continue{}).Effects.Moves); moves > maxTransitions {
			t.Fatalf("one entry made %d transitions", moves)
		}
		entries++
	}
	if q, _ := r.m.Queue("default", "default"); q.Pending != 10_000 || entries < 5 {
		t.Fatalf("%+v after %d entries", q, entries)
	}
}

func TestForgottenStageGoes(t *testing.T) {
	r := newRig(t)
	c := &command.Stage{Namespace: "default", Stage: queue.ID{9}, Calls: command.Calls{
		Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{{ID: id(1), Payload: []byte{1, 0}, UniqueKey: "u"}}}}
	r.do(c)
	r.now += command.StageTTL
	r.entry(&command.Continue{})
	r.entry(&command.Continue{})
	if len(r.m.tasks) != 0 || len(r.m.stages) != 0 || len(r.m.unique) != 0 {
		t.Fatal("something of it is left")
	}
	if x := r.entry(&command.SubmitStaged{Namespace: "default", Stage: queue.ID{9}, Parts: 1}); x.Results[0].Code != command.CodeStage {
		t.Fatalf("%+v", x.Results[0])
	}
}

func TestModuleInUseStays(t *testing.T) {
	r := newRig(t)
	r.submit(1, nil)
	remove := &command.DeleteDocument{Kind: command.KindModule, Namespace: "default", Name: "mod"}
	if x := r.entry(remove).Results[0]; x.Code != command.CodeInUse {
		t.Fatalf("%+v", x)
	}
	r.do(&command.Revoke{Namespace: "default", ID: id(1)})
	r.do(remove)
	if x := r.submit(2, nil).Results[0]; x.Code != command.CodeModuleNotFound {
		t.Fatalf("%+v", x)
	}
	x := r.do(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:01"})
	if x.Results[0].Version != 2 {
		t.Fatalf("a version number was given twice: %+v", x.Results[0])
	}
}

func TestPurge(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, nil).Effects.Assigned[0]
	r.submit(2, nil)
	r.submit(3, func(_ *queue.Spec, c *command.Call) { c.Countdown = 1e9 })
	r.do(&command.Purge{Namespace: "default", Queue: "default"})
	r.submit(4, nil)
	for n, want := range map[byte]queue.State{1: queue.Received, 2: queue.Revoked, 3: queue.Revoked, 4: queue.Pending} {
		if v := r.state(n); v.State != want {
			t.Errorf("task %d: %s, want %s", n, v.State, want)
		}
	}
	r.complete(s, a, queue.Outcome{OK: true})
}

func TestHeldSessionGetsNothing(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 5)
	r.do(&command.HoldSession{Session: s, Hold: true})
	if x := r.submit(1, nil); len(x.Effects.Assigned) != 0 {
		t.Fatal("a silent worker was given work")
	}
	if x := r.do(&command.HoldSession{Session: s}); len(x.Effects.Assigned) != 1 {
		t.Fatal("a worker that spoke again was given none")
	}
}

func TestRateIsKept(t *testing.T) {
	r := newRig(t)
	r.worker("w", 100)
	for n := byte(1); n <= 5; n++ {
		r.submit(n, func(q *queue.Spec, _ *command.Call) { q.Rate = queue.Rate{N: 2, Per: 1e9} })
	}
	starts := 1
	for range 4 {
		due, ok := r.m.Due()
		if !ok {
			t.Fatal("no timer for the rate")
		}
		if due > r.now+5e8 {
			t.Fatalf("the next start comes %d ns late", due-r.now-5e8)
		}
		r.now = max(r.now, due)
		starts += len(r.entry(&command.Continue{}).Effects.Assigned)
	}
	if starts < 4 || r.now-1e18 < int64(starts-2)*5e8 {
		t.Fatalf("%d starts in %d ns", starts, r.now-1e18)
	}
}

func TestReplayOfTheSameTwiceIsRefused(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) { q.MaxDeliveries = 1 }).Effects.Assigned[0]
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	twice := command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{
		{ID: id(2), Replays: id(1), Payload: []byte{1, 0}}, {ID: id(3), Replays: id(1), Payload: []byte{1, 0}}}}
	if x := r.entry(&command.Submit{Namespace: "default", Calls: twice}).Results[0]; x.Code != command.CodeConflict {
		t.Fatalf("%+v", x)
	}
	same := command.Calls{Specs: twice.Specs, List: []command.Call{{ID: id(4), Payload: []byte{1, 0}}, {ID: id(4), Payload: []byte{1, 0}}}}
	if x := r.entry(&command.Submit{Namespace: "default", Calls: same}).Results[0]; x.Code != command.CodeExists {
		t.Fatalf("the same id twice: %+v", x)
	}
	if v := r.state(1); !v.Dead || !v.ReplayedAs.IsZero() {
		t.Fatalf("%+v", v)
	}
}

func TestReplayByStages(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) { q.MaxDeliveries = 1 }).Effects.Assigned[0]
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	calls := func(n byte) command.Calls {
		return command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{{ID: id(n), Replays: id(1), Payload: []byte{1, 0}}}}
	}
	for n := byte(2); n <= 3; n++ {
		r.do(&command.Stage{Namespace: "default", Stage: queue.ID{n}, Calls: calls(n)})
	}
	for n := byte(2); n <= 3; n++ {
		r.do(&command.SubmitStaged{Namespace: "default", Stage: queue.ID{n}, Parts: 1})
	}
	if v := r.state(1); v.ReplayedAs != id(2) {
		t.Fatalf("%+v", v)
	}
	if v := r.state(3); v.State != queue.Revoked {
		t.Fatalf("the slower replay ran too: %+v", v)
	}
}

func TestBatchSentAgain(t *testing.T) {
	r := newRig(t)
	idem := &command.Idempotency{Route: "r", Key: "k"}
	stage := func(g, n byte) command.Result {
		return r.entry(&command.Stage{Namespace: "default", Stage: queue.ID{g}, Idem: idem, Calls: command.Calls{
			Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{{ID: id(n), Payload: []byte{1, 0}, UniqueKey: "u"}}}}).Results[0]
	}
	stage(1, 1)
	if x := stage(2, 2); x.Code != command.OK {
		t.Fatalf("after a try that was left half sent: %+v", x)
	}
	r.do(&command.SubmitStaged{Namespace: "default", Stage: queue.ID{2}, Parts: 1, Idem: idem})
	if x := stage(3, 3); !x.Replayed || x.IDs[0] != id(2) {
		t.Fatalf("after it was accepted: %+v", x)
	}
	if _, ok := r.m.Task(id(1)); ok {
		t.Fatal("the first try is still there")
	}
}

// TestWakesAreBounded: one change that lets thousands go wakes no more than an
// entry may do.
func TestWakesAreBounded(t *testing.T) {
	r := newRig(t)
	pool := func(slots uint32) *command.PutDocument {
		return &command.PutDocument{Kind: command.KindPool, Namespace: "default", Name: "p", Attributes: command.Attributes{Slots: slots}}
	}
	r.do(pool(1))
	r.worker("w", 1)
	spec := queue.DefaultSpec("default", "mod", "main")
	spec.Pool = "p"
	first := queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}
	for part := range uint32(10) {
		c := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{spec}}}
		for n := range uint32(500) {
			c.Calls.List = append(c.Calls.List, command.Call{ID: first.Plus(part*500 + n), Payload: []byte{1, 0}})
		}
		r.do(c)
	}
	for due, ok := r.m.Due(); ok && due <= r.now; due, ok = r.m.Due() {
		r.entry(&command.Continue{})
	}
	r.do(&command.SetLimit{Session: r.m.workers["w"].id, Seq: 2, Running: 10_000})
	r.do(pool(5000))
	held := func() uint32 { return r.m.Workers()[0].Outstanding }
	if n := held(); n > maxTransitions {
		t.Fatalf("one entry assigned %d", n)
	}
	for due, ok := r.m.Due(); ok && due <= r.now; due, ok = r.m.Due() {
		before := held()
		r.entry(&command.Continue{})
		if held()-before > maxTransitions {
			t.Fatalf("one entry assigned %d", held()-before)
		}
	}
	if held() != 5000 {
		t.Fatalf("%d of 5,000 run", held())
	}
}

func TestRetriesAreNoLostWorkers(t *testing.T) {
	r := newRig(t)
	s := r.worker("w", 1)
	a := r.submit(1, func(q *queue.Spec, _ *command.Call) {
		q.MaxDeliveries = 2
		q.Retry = queue.Retry{Given: true, Max: 10, Jitter: queue.JitterNone}
	}).Effects.Assigned[0]
	for range 3 {
		a = r.complete(s, a, failed(queue.ErrTrap)).Effects.Assigned[0]
	}
	r.do(&command.EndSession{Session: s, Begun: []queue.Fence{a.Fence}})
	if v := r.state(1); v.Dead || v.Delivery != 4 {
		t.Fatalf("%+v", v)
	}
}

func TestRefusedSubmitLeavesNothing(t *testing.T) {
	r := newRig(t)
	r.submit(1, func(_ *queue.Spec, c *command.Call) { c.UniqueKey = "u" })
	r.submit(2, func(q *queue.Spec, c *command.Call) { c.UniqueKey, q.Timeout = "u", 12345 })
	if len(r.m.specs) != 1 {
		t.Fatalf("%d specs", len(r.m.specs))
	}
}
