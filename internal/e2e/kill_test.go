package e2e

import (
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
