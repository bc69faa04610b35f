package lead_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

func TestTaskRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		pass(time.Second)
		id := c.submit(100, nil)
		start := time.Now()
		v, result := c.await(id)
		if v.State != queue.Success || result != "100" || v.Worker != "w" {
			t.Fatalf("ended as %+v with %q", v, result)
		}
		if took := time.Since(start); took > 3*time.Millisecond {
			t.Errorf("an idle cluster took %s", took)
		}
	})
}

func TestIdleClusterWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		c.await(c.submit(100, nil))
		pass(5 * time.Second)
		before := len(c.log())
		pass(time.Hour)
		if after := c.log(); len(after) != before {
			t.Fatalf("an idle hour wrote %v", after[before:])
		}
	})
}

func TestTimersRunTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		begin := time.Now()
		id := c.submit(100, func(_ *queue.Spec, call *command.Call) { call.Countdown = 90e9 })
		c.await(id)
		if took := time.Since(begin); took < 90*time.Second || took > 90*time.Second+10*time.Millisecond {
			t.Fatalf("ended after %s", took)
		}
	})
}

// hand is a worker whose every word the test says.
type hand struct {
	t *testing.T
	c *cluster
	link.Conn
	hello link.Hello
	seq   uint64
}

func attachHand(t *testing.T, c *cluster, name string, running uint32) *hand {
	h := &hand{t: t, c: c, hello: link.Hello{Worker: name, Incarnation: 1}}
	h.attach()
	h.limit(1, running)
	return h
}

func (h *hand) attach() {
	h.t.Helper()
	conn, err := h.c.Attach(h.t.Context(), &h.hello)
	for ; errors.Is(err, link.ErrNotLeader); pass(time.Microsecond) { // it is about to
		conn, err = h.c.Attach(h.t.Context(), &h.hello)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.Conn, h.hello.Session, h.seq = conn, conn.Attached().Session, 0
}

func (h *hand) limit(seq uint64, running uint32) {
	h.t.Helper()
	if _, err := h.Report(h.t.Context(), &link.Report{Limit: link.Limit{Seq: seq, Running: running}}); err != nil {
		h.t.Fatal(err)
	}
}

// take gives the next push and takes hold of what it brings.
func (h *hand) take() link.Push {
	h.t.Helper()
	p, err := h.Recv(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.seq = p.Seq
	for _, a := range p.Assignments {
		h.hello.Held = append(h.hello.Held, link.Held{ID: a.ID, Fence: a.Fence})
	}
	return p
}

// nothing looks that no push waits.
func (h *hand) nothing() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Millisecond)
	defer cancel()
	if p, err := h.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
		h.t.Fatalf("got %+v %v, wanted nothing", p, err)
	}
}

// beatFor beats for a while, saying that the last push has arrived.
func (h *hand) beatFor(d time.Duration, begun ...link.Begun) {
	h.t.Helper()
	for end := time.Now().Add(d); ; pass(500 * time.Millisecond) {
		if err := h.Beat(h.t.Context(), link.Beat{Seq: h.seq, Begun: begun}); err != nil {
			h.t.Fatal(err)
		}
		if !time.Now().Before(end) {
			return
		}
	}
}

func (h *hand) view() (queue.WorkerView, bool) {
	for _, v := range h.c.machine.Workers() {
		if v.Session == h.hello.Session {
			return v, true
		}
	}
	return queue.WorkerView{}, false
}

// until polls for a state of the session and gives how long it took.
func (h *hand) until(what string, ok func(v queue.WorkerView, open bool) bool) time.Duration {
	h.t.Helper()
	start := time.Now()
	for !ok(h.view()) {
		if pass(time.Millisecond); time.Since(start) > time.Minute {
			h.t.Fatalf("not %s after a minute", what)
		}
	}
	return time.Since(start)
}

func isHeld(v queue.WorkerView, open bool) bool   { return open && v.Held }
func isFree(v queue.WorkerView, open bool) bool   { return open && !v.Held }
func hasEnded(_ queue.WorkerView, open bool) bool { return !open }

// about reports whether d is what was wanted, but for a few commits.
func about(d, want time.Duration) bool { return d >= want && d < want+10*time.Millisecond }

// rigged runs a test with a cluster that has a leader.
func rigged(t *testing.T, test func(t *testing.T, c *cluster)) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		test(t, c)
	})
}

func TestSilentWorkerIsHeldThenEnded(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 2)
		h.beatFor(3 * time.Second)
		if took := h.until("held", isHeld); !about(took, time.Second) {
			t.Errorf("held after %s of silence", took)
		}
		h.beatFor(0)
		if took := h.until("let go of", isFree); took > 10*time.Millisecond {
			t.Errorf("let go of %s after it was back", took)
		}
		first := c.submit(1, nil)
		h.take()
		h.beatFor(time.Second)
		if took := h.until("ended", hasEnded); !about(took, 5*time.Second) {
			t.Errorf("ended after %s of silence", took)
		}
		if err := h.Beat(t.Context(), link.Beat{}); !errors.Is(err, link.ErrEnded) {
			t.Errorf("a beat of an ended session: %v", err)
		}
		other := attachHand(t, c, "other", 1)
		if p := other.take(); len(p.Assignments) != 1 || p.Assignments[0].ID != first {
			t.Errorf("the other worker got %+v", p)
		}
	})
}

func TestUnansweredPushes(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 2)
		c.submit(1, nil)
		h.take()
		h.seq = 0 // it did not arrive
		pushed := time.Now()
		var heldAfter time.Duration
		var err error
		for err == nil {
			if v, open := h.view(); heldAfter == 0 && isHeld(v, open) {
				heldAfter = time.Since(pushed)
			}
			pass(time.Millisecond)
			err = h.Beat(t.Context(), link.Beat{})
		}
		if took := time.Since(pushed); !errors.Is(err, link.ErrSilent) || !about(took, 5*time.Second) {
			t.Errorf("the link ended %s after the push: %v", took, err)
		}
		if !about(heldAfter, time.Second) {
			t.Errorf("held %s after the push", heldAfter)
		}
		if _, open := h.view(); !open {
			t.Error("the session of a worker that beats has ended")
		}
		h.attach()
		h.nothing() // it holds everything
		if took := h.until("let go of", isFree); took > 10*time.Millisecond {
			t.Errorf("let go of %s after it attached anew", took)
		}
	})
}

func TestNewLeaderGivesTime(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 2)
		h.beatFor(time.Second)
		pass(3 * time.Second)
		if v, open := h.view(); !isHeld(v, open) {
			t.Fatal("the old leader did not hold the session")
		}
		before := len(c.log())
		c.lead()
		if took := h.until("ended", hasEnded); !about(took, 5*time.Second) {
			t.Errorf("the new leader ended the session after %s", took)
		}
		if wrote := c.log()[before:]; len(wrote) != 1 {
			t.Errorf("it wrote %v", wrote)
		}
		if _, err := h.Recv(t.Context()); !errors.Is(err, link.ErrNotLeader) {
			t.Errorf("the old leader's link ended with %v", err)
		}
	})
}

func TestReconnectBringsWhatIsMissing(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 8)
		for n := range 2 {
			c.submit(n, nil)
			h.take()
		}
		lost := c.submit(2, nil)
		if _, err := h.Recv(t.Context()); err != nil { // and never arrives
			t.Fatal(err)
		}
		for _, takeover := range []bool{false, true} {
			if takeover {
				c.lead()
			}
			old := h.Conn
			h.attach()
			if !h.Attached().Resumed {
				t.Fatal("the session was not resumed")
			}
			if p := h.take(); p.Seq != 1 || len(p.Assignments) != 1 || p.Assignments[0].ID != lost {
				t.Fatalf("after the takeover (%v) came %+v", takeover, p)
			}
			h.nothing()
			h.hello.Held = h.hello.Held[:2] // lost again
			if _, err := old.Recv(t.Context()); err == nil {
				t.Error("the older link still works")
			}
		}
		late := c.submit(3, nil)
		if p := h.take(); p.Seq != 2 || p.Assignments[0].ID != late {
			t.Errorf("then came %+v", p)
		}
	})
}

func TestKillReachesTheWorker(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 8)
		id := c.submit(1, nil)
		h.take()
		if _, err := c.Propose(t.Context(), &command.Revoke{Namespace: "default", ID: id, Terminate: true}); err != nil {
			t.Fatal(err)
		}
		for _, again := range []bool{false, true} {
			p := h.take()
			if len(p.Kills) != 1 || p.Kills[0].ID != id || !p.Kills[0].Terminate || p.Kills[0].Fence != h.hello.Held[0].Fence {
				t.Fatalf("got %+v", p)
			}
			if !again {
				h.attach() // and hears of it anew
			}
		}
	})
}

func TestStartedIsAnObservation(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 8)
		id := c.submit(1, nil)
		a := h.take().Assignments[0]
		if _, ok := c.leader.Observed(id, a.Fence); ok {
			t.Error("started before anybody said so")
		}
		h.beatFor(0, link.Begun{ID: id, Fence: a.Fence, At: 42})
		if b, ok := c.leader.Observed(id, a.Fence); !ok || b.At != 42 {
			t.Errorf("observed %+v %v", b, ok)
		}
		if _, ok := c.leader.Observed(id, queue.Fence{Index: 1}); ok {
			t.Error("started under another assignment")
		}
		h.beatFor(0)
		if _, ok := c.leader.Observed(id, a.Fence); ok {
			t.Error("still started when the worker does not say so any more")
		}
	})
}

// TestProgressIsKept until another comes or the attempt is over, though a beat
// carries it only once.
func TestProgressIsKept(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 8)
		id := c.submit(1, nil)
		a := h.take().Assignments[0]
		for _, step := range []struct{ told, want string }{{"", ""}, {"1", "1"}, {"", "1"}, {`{"done":2}`, `{"done":2}`}, {"", `{"done":2}`}} {
			begun := link.Begun{ID: id, Fence: a.Fence, At: 42}
			if step.told != "" {
				begun.Progress = []byte(step.told)
			}
			h.beatFor(0, begun)
			if b, ok := c.leader.Observed(id, a.Fence); !ok || string(b.Progress) != step.want {
				t.Errorf("after %q: progress %q, want %q", step.told, b.Progress, step.want)
			}
		}
		h.beatFor(0, link.Begun{ID: id, Fence: queue.Fence{Index: a.Fence.Index + 1}, At: 43})
		if b, _ := c.leader.Observed(id, queue.Fence{Index: a.Fence.Index + 1}); b.Progress != nil {
			t.Errorf("another assignment has the progress %q", b.Progress)
		}
	})
}

// TestLostWorkerCostsADelivery: what had begun counts, what had not is free.
func TestLostWorkerCostsADelivery(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := attachHand(t, c, "w", 8)
		begun, waiting := c.submit(1, nil), c.submit(2, nil)
		a := h.take().Assignments[0]
		if h.beatFor(time.Second, link.Begun{ID: begun, Fence: a.Fence, At: 1}); a.ID != begun {
			t.Fatalf("%s came first", a.ID)
		}
		check := func(want uint32) {
			t.Helper()
			b, _ := c.machine.Task(begun)
			w, _ := c.machine.Task(waiting)
			if b.Delivery != want || w.Delivery != 0 {
				t.Fatalf("deliveries %d and %d, want %d and 0", b.Delivery, w.Delivery, want)
			}
		}
		h.until("ended", hasEnded)
		check(1)
		// The worker comes back as another process, and again as a third one.
		for i := range 2 {
			h.hello = link.Hello{Worker: "w", Incarnation: uint64(2 + i)}
			h.attach()
			h.limit(1, 8)
			check(uint32(1 + i))
			fence := h.take().Assignments[0].Fence
			h.beatFor(0, link.Begun{ID: begun, Fence: fence, At: 1})
		}
	})
}

func TestFollowerDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		l := lead.New(lead.Config{Machine: c.machine, Proposer: c, Payloads: c.records, Now: now, Logger: logger(t)})
		l.Applied(&state.Effects{Assigned: make([]state.Assigned, 1), Opened: make([]queue.Fence, 1)})
		l.ClockChanged()
		if _, err := l.Attach(t.Context(), &link.Hello{Worker: "w"}); !errors.Is(err, link.ErrNotLeader) {
			t.Errorf("attached to a follower: %v", err)
		}
		if _, ok := l.Observed(queue.ID{}, queue.Fence{}); ok {
			t.Error("a follower knows what has started")
		}
	})
}
