package lead_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
)

// How workers behave towards a real machine; what they do by themselves is
// tested in their own package.

// ready waits until a worker has asked for work.
func (c *cluster) ready(n int) {
	c.t.Helper()
	for range 1000 {
		open := c.machine.Workers()
		if len(open) == n && !slices.ContainsFunc(open, func(v queue.WorkerView) bool { return v.Running == 0 }) {
			return
		}
		pass(time.Millisecond)
	}
	c.t.Fatalf("workers are not ready: %+v", c.machine.Workers())
}

// lasts is a task of so many microseconds.
func lasts(d time.Duration) func(*queue.Spec, *command.Call) {
	return func(_ *queue.Spec, call *command.Call) {
		call.Payload = (&queue.Payload{Input: fmt.Appendf(nil, "%d", d.Microseconds())}).Append(nil)
	}
}

func (c *cluster) count(verb string) int {
	n := 0
	for _, x := range c.log() {
		if x == "*command."+verb {
			n++
		}
	}
	return n
}

func TestDrain(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		w := startWorker(t, "w", 1, c, newSandboxes(1))
		c.ready(1)
		for n := range 40 { // until the worker fetches ahead
			c.await(c.submit(n, lasts(time.Millisecond)))
		}
		running := c.submit(50, lasts(100*time.Millisecond))
		waiting := c.submit(51, lasts(time.Millisecond))
		pass(2 * time.Millisecond)
		if v, _ := c.machine.Task(waiting); v.State != queue.Received {
			t.Fatalf("the second task is %s, it should wait at the worker", v.State)
		}
		start := time.Now()
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-w.done
		if took := time.Since(start); took > 110*time.Millisecond {
			t.Errorf("the drain took %s", took)
		}
		if v, _, ok := c.ended(running); !ok || v.State != queue.Success {
			t.Errorf("what ran has not ended well: %+v", v)
		}
		v, _ := c.machine.Task(waiting)
		if v.State != queue.Pending || v.Delivery != 0 {
			t.Errorf("what waited is %s after %d deliveries", v.State, v.Delivery)
		}
		if n := c.count("EndSession"); n != 1 || len(c.machine.Workers()) != 0 {
			t.Errorf("%d ends of sessions, open: %+v", n, c.machine.Workers())
		}
	})
}

func TestDrainPastItsGrace(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		c.ready(1)
		long := c.submit(1, lasts(time.Hour))
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if err := w.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drain: %v", err)
		}
		<-w.done
		w.host.work.Wait()
		if took := time.Since(start); took > 2100*time.Millisecond {
			t.Errorf("the drain took %s", took)
		}
		if v, _ := c.machine.Task(long); v.State != queue.Pending || v.Delivery != 1 {
			t.Errorf("the killed task is %s after %d deliveries", v.State, v.Delivery)
		}
	})
}

// TestLongHeads: what waits behind long attempts goes back once, and the
// worker does not ask for it again and again.
func TestLongHeads(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		c.ready(1)
		for n := range 100 {
			c.submit(n, lasts(50*time.Microsecond))
		}
		for n := range 100 {
			c.await(taskID(n))
		}
		ahead := c.machine.Workers()[0].Prefetch
		if ahead < 64 {
			t.Fatalf("the worker fetches %d ahead of tasks of 50 µs", ahead)
		}
		before := len(c.log())
		for n := 100; n < 150; n++ {
			c.submit(n, lasts(2*time.Second))
		}
		pass(time.Second)
		if v := c.machine.Workers()[0]; v.Prefetch != 0 || v.Outstanding != 2 {
			t.Errorf("behind long tasks the worker has %+v", v)
		}
		for n := 100; n < 150; n++ {
			c.await(taskID(n))
		}
		if wrote := len(c.log()) - before - 50; wrote > 70 {
			t.Errorf("50 long tasks took %d commands", wrote)
		}
	})
}

// TestHostWithoutRoom: a host that can begin less than was configured is not
// offered more all the time.
func TestHostWithoutRoom(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := newSandboxes(8)
		w := startWorker(t, "w", 1, c, h)
		defer w.crash()
		c.ready(1)
		h.mu.Lock()
		h.concurrency = 3
		h.mu.Unlock()
		for n := range 60 {
			c.submit(n, lasts(500*time.Millisecond))
		}
		for n := range 60 {
			c.await(taskID(n))
		}
		if n := c.count("HandBack"); n > 15 {
			t.Errorf("%d hand-backs in ten seconds", n)
		}
		h.mu.Lock()
		h.concurrency = 8
		h.mu.Unlock()
		pass(time.Minute)
		if v := c.machine.Workers()[0]; v.Running != 8 {
			t.Errorf("a minute later the worker asks for %d", v.Running)
		}
	})
}

// TestRevoke: a task that waits at the worker is dropped, one that runs only
// if that was asked for.
func TestRevoke(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := newSandboxes(1)
		h.handBack = time.Hour
		w := startWorker(t, "w", 1, c, h)
		defer w.crash()
		c.ready(1)
		for n := range 40 {
			c.await(c.submit(n, lasts(time.Millisecond)))
		}
		runs, waits, after := c.submit(50, lasts(time.Minute)), c.submit(51, lasts(time.Millisecond)), c.submit(52, lasts(time.Millisecond))
		pass(100 * time.Millisecond)
		revoke := func(id queue.ID, terminate bool) {
			if _, err := c.Propose(t.Context(), &command.Revoke{Namespace: "default", ID: id, Terminate: terminate}); err != nil {
				t.Fatal(err)
			}
			pass(10 * time.Millisecond)
		}
		revoke(waits, false)
		if v, _, ok := c.ended(waits); !ok || v.State != queue.Revoked {
			t.Errorf("what waited: %v %+v", ok, v)
		}
		revoke(runs, false)
		if h.alive() != 1 {
			t.Error("what runs was stopped though nobody asked for it")
		}
		revoke(runs, true)
		if v, _, ok := c.ended(runs); !ok || v.State != queue.Revoked || v.Error.Type != queue.ErrRevoked {
			t.Errorf("what ran: %v %+v", ok, v)
		}
		if v, _ := c.await(after); v.State != queue.Success {
			t.Errorf("the neighbour ended as %+v", v)
		}
	})
}

// muffled loses the answers to beats, or the beats themselves.
type muffled struct {
	link.Attacher
	answers, everything atomic.Bool
}

func (m *muffled) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	if m.answers.Load() || m.everything.Load() {
		return nil, errWeather
	}
	c, err := m.Attacher.Attach(ctx, h)
	return &muffledConn{c, m}, err
}

type muffledConn struct {
	link.Conn
	m *muffled
}

func (c *muffledConn) Beat(ctx context.Context, b link.Beat) error {
	if c.m.everything.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	err := c.Conn.Beat(ctx, b)
	if c.m.answers.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// TestFencing: a worker that gets no answer stops its sandboxes before the
// leader gives its tasks to others, reports what had ended, and comes back
// with another session.
func TestFencing(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		m := &muffled{Attacher: c}
		h := newSandboxes(2)
		w := startWorker(t, "w", 1, m, h)
		defer w.crash()
		c.ready(1)
		long := c.submit(1, lasts(time.Hour))
		pass(5*time.Second + 250*time.Millisecond) // no beat is under way just then
		begin := time.Now()
		m.everything.Store(true)
		for h.alive() > 0 {
			pass(time.Millisecond)
		}
		if took := time.Since(begin); took > 4*time.Second || took < 3*time.Second {
			t.Errorf("stopped %s after the last answer", took)
		}
		if v, _ := c.machine.Task(long); v.State != queue.Received {
			t.Errorf("when the sandbox stopped, its task was %s", v.State)
		}
		m.everything.Store(false)
		pass(time.Second)
		if v, _ := c.machine.Task(long); v.State != queue.Received || v.Delivery != 1 {
			t.Errorf("the task is %s after %d deliveries; it should run anew", v.State, v.Delivery)
		}
		if h.alive() != 1 || len(c.machine.Workers()) != 1 {
			t.Errorf("%d run in %d sessions", h.alive(), len(c.machine.Workers()))
		}
	})
}

// TestFencedWorkerReportsWhatHadEnded before it asks for another session.
func TestFencedWorkerReportsWhatHadEnded(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		m := &muffled{Attacher: c}
		w := startWorker(t, "w", 1, m, newSandboxes(2))
		defer w.crash()
		c.ready(1)
		early := func(d time.Duration) func(*queue.Spec, *command.Call) {
			return func(s *queue.Spec, call *command.Call) { s.AckEarly = true; lasts(d)(s, call) }
		}
		ends, runs := c.submit(1, early(3*time.Second)), c.submit(2, early(time.Hour))
		pass(200 * time.Millisecond)
		m.answers.Store(true) // the link breaks within two seconds
		pass(4300 * time.Millisecond)
		m.answers.Store(false)
		if v, result := c.await(ends); v.State != queue.Success || result != "3000000" {
			t.Errorf("what had ended: %+v", v)
		}
		if v, _ := c.await(runs); v.State != queue.Failure || v.Error.Type != queue.ErrWorkerLost {
			t.Errorf("what was killed: %+v", v)
		}
		c.await(c.submit(3, lasts(time.Millisecond)))
	})
}

// TestLeaderChangeCostsNothing: what runs goes on, and no entry is written but
// those of the tasks.
func TestLeaderChangeCostsNothing(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		h := newSandboxes(2)
		w := startWorker(t, "w", 1, c, h)
		defer w.crash()
		c.ready(1)
		id := c.submit(1, lasts(10*time.Second))
		pass(time.Second)
		before := len(c.log())
		for range 3 {
			c.depose()
			pass(700 * time.Millisecond)
			c.lead()
			pass(time.Second)
		}
		if wrote := c.log()[before:]; len(wrote) != 0 {
			t.Errorf("three leaders wrote %v", wrote)
		}
		c.await(id)
		if h.begun[id] != 1 {
			t.Errorf("the task began %d times", h.begun[id])
		}
	})
}

// TestStartedIsToldSoon: the leader learns within a moment what runs.
func TestStartedIsToldSoon(t *testing.T) {
	rigged(t, func(t *testing.T, c *cluster) {
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		c.ready(1)
		pass(10*time.Second + 7*time.Millisecond)
		id := c.submit(1, lasts(10*time.Second))
		begun := time.Now()
		pass(100 * time.Millisecond)
		synctest.Wait()
		v, _ := c.machine.Task(id)
		b, ok := c.leader.Observed(id, v.Fence)
		if d := time.Duration(b.At - begun.UnixNano()); !ok || d < -time.Millisecond || d > time.Millisecond {
			t.Errorf("started at %d (%s off) %v", b.At, d, ok)
		}
	})
}
