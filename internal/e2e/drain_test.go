package e2e

import (
	"fmt"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestDrainedWorker drains a worker, bounds it and lets it take part again, while
// tasks run: what runs goes on, what has not begun there is another's at no cost,
// and no task is run twice.
func TestDrainedWorker(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	c := testnode.NewCluster(t, 1, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Sleep)
	c.AddWorker("--concurrency", "4")
	first := enlist(t, cl, 20, sleepFor(1500))
	untilSome(first, "some to be started", 4, started)
	ctx := t.Context()
	w, err := cl.DrainWorker(ctx, "w1")
	if err != nil || !w.Drained || w.State != "draining" {
		t.Fatalf("drained: %+v, %v", w, err)
	}
	testnode.Poll(t, "the worker to be drained", func() error {
		w, err := cl.WorkerOf(ctx, "w1")
		if err == nil && w.State != "drained" {
			err = fmt.Errorf("it is %s", w.State)
		}
		return err
	})
	ended := 0
	for id, task := range first.now() {
		switch {
		case succeeded(task):
			ended++
		case task.State != "pending" || task.Delivery != 0 || task.Worker != "" && task.Attempt != 0:
			t.Errorf("task %s is %s after %d deliveries", id, task.State, task.Delivery)
		}
	}
	if ended < 4 || ended == 20 {
		t.Errorf("%d of 20 tasks have ended at the drained worker", ended)
	}
	if w, err = cl.LimitWorker(ctx, "w1", 1); err != nil || w.Limit != 1 || !w.Drained {
		t.Fatalf("bounded: %+v, %v", w, err)
	}
	if w, err = cl.ResumeWorker(ctx, "w1"); err != nil || w.Drained || w.Concurrency != 1 {
		t.Fatalf("resumed: %+v, %v", w, err)
	}
	untilSome(first, "one more to be started", ended+1, func(task *windrow.Task) bool { return started(task) || succeeded(task) })
	if w, err = cl.WorkerOf(ctx, "w1"); err != nil || w.Outstanding > 1 {
		t.Fatalf("bounded to one it has %+v, %v", w, err)
	}
	if w, err = cl.LimitWorker(ctx, "w1", 0); err != nil || w.Concurrency != 4 {
		t.Fatalf("free again: %+v, %v", w, err)
	}
	for id, task := range first.until("all to end", succeeded) {
		if task.Delivery != 1 || task.Attempt != 1 {
			t.Errorf("task %s: %d deliveries, %d attempts", id, task.Delivery, task.Attempt)
		}
	}
}

// untilSome polls until so many of the tasks are so.
func untilSome(w *crew, what string, count int, so func(*windrow.Task) bool) {
	w.t.Helper()
	testnode.Poll(w.t, what, func() error {
		n := 0
		for _, task := range w.now() {
			if so(task) {
				n++
			}
		}
		if n < count {
			return fmt.Errorf("%d of %d are", n, count)
		}
		return nil
	})
}
