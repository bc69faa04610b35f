package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestLeaderChangeInFlight hands the lead over and then kills the leader while
// a worker is at work: its session is kept, nothing runs twice, and what ends
// while nobody leads is not lost.
func TestLeaderChangeInFlight(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	c := testnode.NewCluster(t, 3, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Sleep)
	c.AddWorker("--concurrency", "8")
	for _, change := range []struct {
		name string
		do   func()
	}{
		{"handed over", func() {
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
		}},
		{"killed", func() { c.Leader().Kill() }},
	} {
		session := sessions(t, cl)["w1"]
		leader := c.Leader().Client() // which alone knows what has begun
		// The first end while there is no leader, the last long after.
		crew := enlist(t, leader, 4, sleepFor(1500))
		late := enlist(t, leader, 4, sleepFor(3000))
		crew.ids = append(crew.ids, late.ids...)
		crew.until("all to be started", started)
		crew.c = cl
		changed := time.Now()
		change.do()
		for id, task := range crew.until("all to end", succeeded) {
			// A sandbox may have been on its way when the change came.
			if task.Delivery != 1 || task.Attempt != 1 || task.StartedAt.Sub(changed) > time.Second {
				t.Errorf("%s: task %s had %d deliveries, %d attempts, and began %v after the change", change.name, id, task.Delivery, task.Attempt, task.StartedAt.Sub(changed))
			}
		}
		if now := sessions(t, cl)["w1"]; now != session {
			t.Errorf("%s: the session was %s and is %s", change.name, session, now)
		}
		t.Logf("%s: all done %v after the change", change.name, time.Since(changed).Round(time.Millisecond))
	}
}

// TestLeaderChangesUnderLoad hands the lead over again and again while short
// tasks flow: each runs once.
func TestLeaderChangesUnderLoad(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	cl := c.Client()
	testnode.Push(t, cl, guests.Echo)
	tasks := size(1200, 50_000)
	l := testnode.NewLoad(t, 16, tasks, c.ClientFrom)
	l.Start()
	changes := size(4, 40)
	for _, at := range moments(tasks, changes) {
		l.WaitAcked(at)
		before := c.Leader()
		if err := cl.TransferLeader(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		testnode.Poll(t, "another leader", func() error {
			if c.Leader() == before {
				return errors.New("it leads still")
			}
			return nil
		})
		t.Logf("another leader is there after %v", time.Since(began).Round(time.Millisecond))
	}
	l.Wait()
	l.Check(cl)
	l.Each(func(n int, task *windrow.Task) {
		if task.Delivery != 1 || task.Attempt != 1 {
			t.Errorf("task %d ran %d times in %d attempts, though no worker was lost", n, task.Delivery, task.Attempt)
		}
	})
}

// TestRollingRestart restarts three servers one after the other by SIGTERM
// while clients submit: nobody sees an error, nothing is lost, each node ends
// with 0.
func TestRollingRestart(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	testnode.Push(t, c.Client(), guests.Echo, guests.Sleep)
	tasks := size(1500, 50_000)
	l := testnode.NewLoad(t, 16, tasks, c.ClientFrom)
	slow := enlist(t, c.Client(), 12, sleepFor(1500))
	l.Start()
	for i, n := range c.Nodes {
		l.WaitAcked(tasks * i / 3)
		began := time.Now()
		if code := n.Stop(); code != 0 {
			t.Errorf("%s ended with exit code %d:\n%s", c.ID(n), code, n.Log())
		}
		stopped := time.Since(began)
		testnode.NoOrphans(t, n)
		n.Start()
		c.WaitCaughtUp(n)
		t.Logf("%s: stopped after %v, was back after %v", c.ID(n), stopped.Round(time.Millisecond), (time.Since(began) - stopped).Round(time.Millisecond))
	}
	l.Wait()
	if n := l.Unknown(); n > 0 {
		t.Errorf("%d outcomes were unknown to a client that repeats by itself", n)
	}
	l.Check(c.Client())
	l.Each(func(n int, task *windrow.Task) {
		if task.Attempt != 1 || task.Delivery != 1 {
			t.Errorf("task %d ran %d times in %d attempts: a drain hands back, it does not lose", n, task.Delivery, task.Attempt)
		}
	})
	for id, task := range slow.until("the slow ones to end", succeeded) {
		if task.Delivery != 1 {
			t.Errorf("task %s of 1.5 s ran %d times", id, task.Delivery)
		}
	}
}

// TestFollowerFarBehind writes more than the log keeps while a follower is
// down: it comes back by a snapshot and then has the same state.
func TestFollowerFarBehind(t *testing.T) {
	c := testnode.NewCluster(t, 3, "--role", "server")
	cl := c.Client()
	testnode.Push(t, cl, guests.Echo)
	before := enlist(t, cl, 10, windrow.Call{Task: "echo.main", Input: json.RawMessage(`"before"`)})
	behind := c.Follower()
	if code := behind.Stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	// A snapshot is taken every 16 MiB of log, of which 64 MiB stay.
	value, _ := json.Marshal(string(make([]byte, 7<<10))) // 42 KiB, escaped
	var written int
	var ids []string
	for written < 130<<20 {
		calls := make([]windrow.Call, 250)
		for i := range calls {
			calls[i] = windrow.Call{Task: "echo.main", Input: value}
			written += len(value)
		}
		more, err := cl.SubmitBatch(t.Context(), calls)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, more...)
	}
	for _, id := range before.ids {
		if _, err := cl.Revoke(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	behind.Start()
	c.WaitCaughtUp(behind)
	t.Logf("%d MiB behind, caught up after %v", written>>20, time.Since(began).Round(time.Millisecond))
	if !slices.ContainsFunc(c.Nodes, func(n *testnode.Node) bool { return strings.Contains(n.Log(), "send a snapshot") }) {
		t.Error("no server sent a snapshot")
	}
	sameState(t, c, append(before.ids, ids[:50]...))
	// It carries the state on, also as one of two.
	c.Others(behind)[0].Kill()
	if _, err := behind.Client().Submit(t.Context(), windrow.Call{Task: "echo.main", Input: json.RawMessage(`1`)}); err != nil {
		t.Fatal(err)
	}
	behind.Kill()
	behind.Start()
	if task, err := behind.Client().Task(context.Background(), ids[0]); err != nil || string(task.Input) != string(value) {
		t.Errorf("after a kill it has %+v, %v", task, err)
	}
}

// sameState wants all servers to give the same bytes for each task, from what
// they have themselves.
func sameState(t *testing.T, c *testnode.Cluster, ids []string) {
	t.Helper()
	for _, n := range c.Nodes {
		c.WaitCaughtUp(n)
	}
	for _, id := range ids {
		first := ""
		for _, n := range c.Nodes {
			a := n.Do("GET", "/v1/tasks/"+id+"?consistency=stale", nil)
			if a.Status != 200 {
				t.Fatalf("%s does not have task %s: %s", c.ID(n), id, a.Body)
			}
			if first == "" {
				first = string(a.Body)
			}
			if string(a.Body) != first {
				t.Errorf("task %s is\n%.400s\nat n1 and\n%.400s\nat %s", id, first, a.Body, c.ID(n))
			}
		}
	}
	var lists []string
	for _, n := range c.Nodes {
		a := n.Do("GET", "/v1/tasks?limit=1000", nil)
		lists = append(lists, string(a.Body))
		if a.Status != 200 || lists[0] != lists[len(lists)-1] {
			t.Errorf("%s has another list: %.200s", c.ID(n), a.Body)
		}
	}
}
