package e2e

import (
	"errors"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestOutlastsEveryTimeout runs tasks for several times as long as a silent
// worker's session lasts, and hands the lead over and kills the leader
// meanwhile: nothing takes them for lost, and each is run once.
func TestOutlastsEveryTimeout(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	c := testnode.NewCluster(t, 3, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Sleep)
	c.AddWorker("--concurrency", "4")
	c.AddWorker("--concurrency", "4") // which is free to take what is given up
	call := sleepFor(size(20_000, 60_000))
	call.Timeout = windrow.After(5 * time.Minute)
	begun := enlist(t, c.Leader().Client(), 4, call)
	begun.until("all to be started", started)
	session := sessions(t, cl)
	before := c.Leader()
	if err := cl.TransferLeader(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	testnode.Poll(t, "another leader", func() error {
		if c.Leader() == before {
			return errors.New("it leads still")
		}
		return nil
	})
	c.Leader().Kill()
	changed := time.Now()
	begun.c = cl
	for id, task := range begun.until("all to end", succeeded) {
		if task.Delivery != 1 || task.Attempt != 1 || task.StartedAt.After(changed) {
			t.Errorf("task %s had %d deliveries, %d attempts, and began %v after the leader was killed", id, task.Delivery, task.Attempt, task.StartedAt.Sub(changed))
		}
	}
	for worker, is := range sessions(t, cl) {
		if is != session[worker] {
			t.Errorf("the session of %s was %s and is %s", worker, session[worker], is)
		}
	}
}
