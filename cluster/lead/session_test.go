package lead_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

func TestTaskRunsToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		w := startWorker(t, "w", 1, c, newSandboxes(2))
		defer w.crash()
		time.Sleep(time.Second)
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
		time.Sleep(5 * time.Second)
		before := len(c.log())
		time.Sleep(time.Hour)
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
