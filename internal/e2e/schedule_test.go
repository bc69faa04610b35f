package e2e

import (
	"fmt"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// every is how often the schedules of these tests are due.
const every = 200 * time.Millisecond

// TestScheduleOutlivesKills kills a lone node again and again while a schedule
// is due five times a second: each of its ticks has one run, and none lacks.
func TestScheduleOutlivesKills(t *testing.T) {
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, guests.Noop)
	first := putEvery(t, c)
	kills := size(3, 20)
	for range kills {
		waitFired(t, c, 4)
		n.Kill()
		<-time.After(3 * every) // some are missed
		n.Start()
	}
	waitFired(t, c, 4)
	ticks := checkTicks(t, c, first)
	t.Logf("%d kills of the node: %d ticks, each with one run", kills, ticks)
}

// TestScheduleOutlivesLeaders does the same to the leader of three servers.
func TestScheduleOutlivesLeaders(t *testing.T) {
	cluster := testnode.NewCluster(t, 3)
	c := cluster.Client()
	testnode.Push(t, c, guests.Noop)
	first := putEvery(t, c)
	kills := size(3, 20)
	for range kills {
		waitFired(t, c, 4)
		leader := cluster.Leader()
		leader.Kill()
		waitFired(t, c, 4)
		leader.Start()
	}
	ticks := checkTicks(t, c, first)
	t.Logf("%d kills of the leader: %d ticks, each with one run", kills, ticks)
}

// putEvery makes the schedule and gives its first tick.
func putEvery(t *testing.T, c *windrow.Client) time.Time {
	t.Helper()
	d := windrow.Duration(every)
	s, err := c.PutSchedule(t.Context(), "often", windrow.ScheduleDefinition{Every: &d, Catchup: true, Call: &windrow.Call{Task: "noop.main"}})
	if err != nil || len(s.NextFires) == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	return s.NextFires[0].Time
}

// waitFired waits for some more runs.
func waitFired(t *testing.T, c *windrow.Client, more uint64) {
	t.Helper()
	var from uint64
	testnode.Poll(t, "the schedule to fire", func() error {
		s, err := c.Schedule(t.Context(), "often")
		if err != nil {
			return err
		}
		if from == 0 {
			from = s.Fired
		}
		if s.Fired < from+more {
			return fmt.Errorf("it has fired %d times since %d", s.Fired, from)
		}
		return nil
	})
}

// checkTicks holds that every tick from the first to the last has one run, and
// that all of them succeed.
func checkTicks(t *testing.T, c *windrow.Client, first time.Time) int {
	t.Helper()
	s, err := c.PauseSchedule(t.Context(), "often")
	if err != nil {
		t.Fatal(err)
	}
	ticks := map[time.Time]string{}
	for r, err := range c.Runs(t.Context(), windrow.RunFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Schedule != "often" {
			t.Errorf("run %s is of schedule %q", r.ID, r.Schedule)
		}
		if other := ticks[r.Tick.UTC()]; other != "" {
			t.Errorf("tick %s has the runs %s and %s", r.Tick, r.ID, other)
		}
		ticks[r.Tick.UTC()] = r.ID
		if ended, err := c.WaitRun(t.Context(), r.ID); err != nil || ended.State != wire.RunSuccess {
			t.Errorf("run %s: %+v, %v", r.ID, ended, err)
		}
	}
	want := 0
	for tick := first.UTC(); !tick.After(s.LastTick.Time); tick = tick.Add(every) {
		want++
		if ticks[tick] == "" {
			t.Errorf("tick %s has no run", tick)
		}
	}
	if len(ticks) != want || s.Fired != uint64(want) || s.Missed+s.Skipped+s.Failed != 0 {
		t.Errorf("%d ticks, %d runs, %+v", want, len(ticks), s)
	}
	return want
}
