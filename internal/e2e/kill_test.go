package e2e

import (
	"context"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestKillUnderLoad kills a lone node at random moments while 20 clients
// submit: every acknowledged task ends, with one result for good, and no
// sandbox outlives its node.
func TestKillUnderLoad(t *testing.T) {
	n := testnode.Start(t)
	testnode.Push(t, n.Client(), guests.Noop, guests.Echo)
	rounds, tasks, kills := size(2, 10), size(2000, 50_000), 3
	sandboxes := 0
	for round := range rounds {
		l := testnode.NewLoad(t, 20, tasks, testnode.Odd(
			func(int) *windrow.Client { return n.Client() },
			func(int) *windrow.Client { return n.Impatient() }))
		l.Others = round > 0
		l.Start()
		for _, at := range moments(tasks, kills) {
			l.WaitAcked(at)
			sandboxes += len(n.Children())
			n.Kill()
			testnode.NoOrphans(t, n)
			began := time.Now()
			n.Launch()
			promised(t, "start to first acknowledgement", n.FirstAck(began), 2*time.Second)
		}
		l.Wait()
		n.Kill()
		n.Start()
		began := time.Now()
		l.Check(n.Client())
		t.Logf("round %d: %d tasks acknowledged and ended, %d outcomes were unknown, all read in %v", round, tasks, l.Unknown(), time.Since(began).Round(time.Millisecond))
	}
	if sandboxes == 0 {
		t.Error("no sandbox was there at any kill: the search for orphans finds nothing")
	}
	if code := n.Stop(); code != 0 {
		t.Errorf("SIGTERM ended with exit code %d", code)
	}
	testnode.NoOrphans(t, n)
}

// TestKillLeaderUnderLoad does the same to the leader of three servers, which
// comes back each time. The clients use different servers.
func TestKillLeaderUnderLoad(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	testnode.Push(t, c.Client(), guests.Noop, guests.Echo)
	rounds, tasks, kills := size(1, 10), size(1500, 50_000), 3
	for round := range rounds {
		l := testnode.NewLoad(t, 20, tasks, testnode.Odd(
			func(i int) *windrow.Client { return c.ClientFrom(i / 2) },
			func(i int) *windrow.Client { return c.Nodes[i/2%len(c.Nodes)].Impatient() }))
		l.Others = round > 0
		l.Start()
		for _, at := range moments(tasks, kills) {
			l.WaitAcked(at)
			leader := c.Leader()
			rest := c.Others(leader)
			began := time.Now()
			leader.Kill()
			testnode.NoOrphans(t, leader)
			promised(t, "leader killed to first acknowledgement by another", rest[0].FirstAck(began), 2*time.Second)
			leader.Start()
		}
		l.Wait()
		l.Check(c.Nodes[0].Client(), c.Nodes[1].Client(), c.Nodes[2].Client())
		t.Logf("round %d: %d tasks acknowledged and ended, %d outcomes were unknown", round, tasks, l.Unknown())
	}
	for _, n := range c.Nodes {
		if code := n.Stop(); code != 0 {
			t.Errorf("SIGTERM ended with exit code %d:\n%s", code, n.Log())
		}
	}
	testnode.NoOrphans(t, c.Nodes...)
}

// TestKillEveryServer kills all three at once while clients submit, then leaves
// a minority alone: it takes no writes and still answers from what it has.
func TestKillEveryServer(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	testnode.Push(t, c.Client(), guests.Noop, guests.Echo)
	l := testnode.NewLoad(t, 12, size(900, 20_000), c.ClientFrom)
	l.Start()
	for _, at := range moments(l.Total, size(2, 10)) {
		l.WaitAcked(at)
		c.Kill()
		testnode.NoOrphans(t, c.Nodes...)
		began := time.Now()
		c.Start()
		t.Logf("all three killed and started: first acknowledgement after %v", c.Nodes[0].FirstAck(began).Round(time.Millisecond))
	}
	l.Wait()
	l.Check(c.Nodes[0].Client(), c.Nodes[1].Client(), c.Nodes[2].Client())

	known, err := c.Client().Submit(t.Context(), windrow.Call{Task: "noop.main", Countdown: windrow.After(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	left := c.Nodes[0]
	c.WaitCaughtUp(left)
	c.Nodes[1].Kill()
	c.Nodes[2].Kill()
	if a := left.Do("GET", "/v1/tasks/"+known.ID+"?consistency=stale", nil); a.Status != 200 {
		t.Errorf("a minority answers %d to who wants what it has: %s", a.Status, a.Body)
	}
	alone, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if s, err := left.Impatient().Submit(alone, windrow.Call{Task: "noop.main"}); err == nil {
		t.Errorf("a minority acknowledged %+v", s)
	}
	began := time.Now()
	c.Nodes[1].Start()
	t.Logf("one came back: first acknowledgement after %v", left.FirstAck(began).Round(time.Millisecond))
	if task, err := left.Client().Task(t.Context(), known.ID); err != nil || task.State != "pending" {
		t.Errorf("it has %+v, %v", task, err)
	}
}
