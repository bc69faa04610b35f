package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// lost is how long until the tasks of a lost worker are another's.
const lost = 7 * time.Second

// TestDeadWorker kills a worker node: its tasks are assigned anew, which costs
// each a delivery and no retry. Those that may run only once fail instead.
func TestDeadWorker(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	c := testnode.NewCluster(t, 1, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Sleep)
	dead := c.AddWorker("--concurrency", "8")
	c.AddWorker("--concurrency", "8")
	once := sleepFor(3000)
	once.Ack = "early"
	all, early := enlist(t, cl, 12, sleepFor(3000)), enlist(t, cl, 4, once)
	all.until("all to be started", started)
	early.until("all to be started", started)
	orphaned, given := all.of("w1"), early.of("w1")
	if n := len(orphaned.ids); n == 0 || n == 12 || len(given.ids) == 0 {
		t.Fatalf("%d of 12 and %d of 4 tasks are at the first worker", n, len(given.ids))
	}
	for id, task := range given.now() {
		if task.State != "started" {
			t.Fatalf("task %s is %s", id, task.State)
		}
	}
	if len(dead.Children()) == 0 {
		t.Fatal("the worker has no sandboxes")
	}
	dead.Kill()
	began := time.Now()
	testnode.NoOrphans(t, dead)
	orphaned.until("the dead worker's tasks to be another's", func(task *windrow.Task) bool { return task.Worker == "w2" && started(task) })
	promised(t, "worker killed to its tasks started elsewhere", time.Since(began), lost)
	for id, task := range given.until("what may run once to fail", func(task *windrow.Task) bool { return task.State == "failure" }) {
		if task.Error.Type != "worker_lost" || task.Worker != "w1" || task.Delivery > 1 {
			t.Errorf("task %s, which may run once, ended with %+v at %s, %d deliveries", id, task.Error, task.Worker, task.Delivery)
		}
	}
	for id, task := range all.until("all to end", succeeded) {
		want := uint32(1)
		if slices.Contains(orphaned.ids, id) {
			want = 2
		}
		if task.Delivery != want || task.Attempt != 1 || task.Worker != "w2" && want == 2 || string(task.Result) != "3000" {
			t.Errorf("task %s: %d deliveries, %d attempts, last at %s, result %s; want %d deliveries", id, task.Delivery, task.Attempt, task.Worker, task.Result, want)
		}
	}
}

// TestStoppedWorker stops a worker node until its session is over and lets it
// go on: its sandboxes are killed, and what they came to is refused.
func TestStoppedWorker(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	c := testnode.NewCluster(t, 1, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Sleep)
	zombie := c.AddWorker("--concurrency", "4")
	// Some end while the worker is stopped, so that it has results to report
	// when it wakes; the others still run then.
	quick := enlist(t, cl, 2, sleepFor(4500))
	slow := enlist(t, cl, 2, sleepFor(20_000))
	quick.until("all to be started", started)
	slow.until("all to be started", started)
	var sandboxes []int
	testnode.Poll(t, "a sandbox for each task", func() error {
		if sandboxes = zombie.Children(); len(sandboxes) < 4 {
			return fmt.Errorf("%d are there", len(sandboxes))
		}
		return nil
	})
	session := sessions(t, cl)["w1"]
	zombie.Pause()
	began := time.Now()
	c.AddWorker("--concurrency", "4")
	isElsewhere := func(task *windrow.Task) bool { return task.Worker == "w2" && started(task) }
	quick.until("the stopped worker's tasks to be another's", isElsewhere)
	slow.until("the stopped worker's tasks to be another's", isElsewhere)
	promised(t, "worker stopped to its tasks started elsewhere", time.Since(began), lost)
	zombie.Resume()
	woke := time.Now()
	// What had ended while the worker was stopped leaves an idle sandbox behind,
	// which may stay; what still ran may not.
	testnode.Poll(t, "the sandboxes that still ran to be killed", func() error {
		left := 0
		for _, pid := range zombie.Children() {
			if slices.Contains(sandboxes, pid) {
				left++
			}
		}
		if left > len(quick.ids) {
			return fmt.Errorf("%d of before are there", left)
		}
		return nil
	})
	t.Logf("sandboxes were gone %v after the worker woke", time.Since(woke).Round(time.Millisecond))
	testnode.Poll(t, "another session", func() error {
		if now := sessions(t, cl)["w1"]; now == "" || now == session {
			return fmt.Errorf("it is %q, was %q", now, session)
		}
		return nil
	})
	for id, task := range quick.now() {
		if task.Worker != "w2" || task.Delivery > 1 && task.State == "started" && task.Delivery != 2 {
			t.Errorf("task %s is %s at %s after the worker woke, %d deliveries", id, task.State, task.Worker, task.Delivery)
		}
	}
	for id, task := range quick.until("all to end", succeeded) {
		if task.Worker != "w2" || task.Delivery != 2 || task.Attempt != 1 || task.StartedAt.Before(began) {
			t.Errorf("task %s ended at %s, started %v, %d deliveries, %d attempts; want it from the second worker", id, task.Worker, task.StartedAt, task.Delivery, task.Attempt)
		}
	}
	for _, id := range slow.ids {
		if _, err := cl.Revoke(t.Context(), id, true); err != nil {
			t.Error(err)
		}
	}
	slow.until("the rest to be revoked", func(task *windrow.Task) bool { return task.State == "revoked" })
}
