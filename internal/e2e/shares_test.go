package e2e

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestTenantsTakeTurns lets one tenant's tasks wait in great number, and looks
// at how many of them begin before a single task of another tenant does.
func TestTenantsTakeTurns(t *testing.T) {
	const concurrency = 8
	n := testnode.Start(t, "--concurrency", fmt.Sprint(concurrency))
	cl := n.Client()
	testnode.Push(t, cl, guests.Sleep)
	large, small := sleepFor(10), sleepFor(10)
	large.FairnessKey, small.FairnessKey = "large", "small"
	total := size(10_000, 100_000)
	for range total / 10_000 {
		enlist(t, cl, 10_000, large)
	}
	var singles []*windrow.Task
	for range size(20, 50) {
		task, err := cl.SubmitWait(t.Context(), small)
		if err != nil {
			t.Fatal(err)
		}
		singles = append(singles, task)
	}
	q, err := cl.Queue(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if q.Pending < total/4 {
		t.Fatalf("%d of %d tasks wait at the end: nobody had to share", q.Pending, total)
	}
	if _, err := cl.PurgeQueue(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	var begun []time.Time // of the other tenant
	for task, err := range cl.Tasks(t.Context(), windrow.TaskFilter{Task: "sleep.main", PageSize: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		if task.FairnessKey == "large" && !task.StartedAt.IsZero() {
			begun = append(begun, task.StartedAt.Time)
		}
	}
	slices.SortFunc(begun, time.Time.Compare)
	before := func(at time.Time) int {
		i, _ := slices.BinarySearchFunc(begun, at, time.Time.Compare)
		return i
	}
	var ahead []int
	for _, s := range singles {
		ahead = append(ahead, before(s.StartedAt.Time)-before(s.CreatedAt.Time))
	}
	slices.Sort(ahead)
	median, most := ahead[len(ahead)/2], ahead[len(ahead)-1]
	t.Logf("of %d waiting tasks %d began before a single one (median), %d at the most", total, median, most)
	if median > 4*concurrency || most > 20*concurrency {
		t.Errorf("with %d slots %d tasks of the other tenant (median), %d at the most, began before a single one", concurrency, median, most)
	}
}

// together lets 64 clients submit one call each until all are accepted, and
// gives what became of each.
func together(t *testing.T, n *testnode.Node, total int, call func(i int) windrow.Call) []*windrow.Task {
	t.Helper()
	var work sync.WaitGroup
	next := make(chan int, total)
	for i := range total {
		next <- i
	}
	close(next)
	all := make([]*windrow.Task, total)
	for range 64 {
		cl := n.Client()
		work.Go(func() {
			for i := range next {
				task, err := cl.SubmitWait(context.Background(), call(i))
				if err != nil || task.State != "success" {
					t.Errorf("task %d: %+v, %v", i, task, err)
					return
				}
				all[i] = task
			}
		})
	}
	work.Wait()
	if t.Failed() {
		t.FailNow()
	}
	slices.SortFunc(all, func(a, b *windrow.Task) int { return a.StartedAt.Compare(b.StartedAt.Time) })
	return all
}

// TestRatesUnder64Clients lets 64 clients ask for more than a task's rate and a
// queue's allow. Starts are counted where they are decided, up to 10 ms late: at
// no moment have more begun than the rate allows since the first was asked for.
func TestRatesUnder64Clients(t *testing.T) {
	n := testnode.Start(t)
	cl := n.Client()
	testnode.Push(t, cl, guests.Noop, guests.Echo)
	const rate = 300
	limit := &wire.Rate{N: rate, Per: time.Second}
	narrow := limit.String()
	if _, err := cl.SetQueue(t.Context(), "narrow", windrow.QueueSettings{RateLimit: &narrow}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call windrow.Call
	}{
		{"a task's", windrow.Call{Task: "noop.main", RateLimit: limit}},
		{"a queue's", windrow.Call{Task: "echo.main", Queue: "narrow"}},
	} {
		began := time.Now()
		all := together(t, n, size(900, 9000), func(int) windrow.Call { return c.call })
		for i, task := range all {
			if may := 1 + rate*(task.StartedAt.Sub(began)+10*time.Millisecond).Seconds(); float64(i+1) > may {
				t.Fatalf("%s rate: %d have begun after %v, %.1f may", c.name, i+1, task.StartedAt.Sub(began), may)
			}
		}
		took := all[len(all)-1].StartedAt.Sub(all[0].StartedAt.Time)
		t.Logf("%s rate of %s was used by %.1f %%", c.name, narrow, 100*float64(len(all)-1)/rate/took.Seconds())
	}
}

// TestKeysUnder64Clients lets 64 clients share concurrency keys: at no moment
// does more run with one than may.
func TestKeysUnder64Clients(t *testing.T) {
	const names, limit = 4, 3
	n := testnode.Start(t, "--concurrency", "16")
	testnode.Push(t, n.Client(), guests.Sleep)
	all := together(t, n, size(600, 6000), func(i int) windrow.Call {
		call := sleepFor(20)
		call.ConcurrencyKey = &wire.ConcurrencyKey{Key: fmt.Sprintf("k%d", i%names), Limit: limit}
		return call
	})
	reached, busy := 0, time.Duration(0)
	for k := range names {
		var run []*windrow.Task
		for _, task := range all {
			if task.ConcurrencyKey != fmt.Sprintf("k%d", k) {
				continue
			}
			run = slices.DeleteFunc(run, func(r *windrow.Task) bool { return !r.FinishedAt.After(task.StartedAt.Time) })
			if run = append(run, task); len(run) > limit {
				t.Fatalf("%d tasks run with key k%d, %d may: %+v", len(run), k, limit, run)
			}
			reached = max(reached, len(run))
			busy += task.FinishedAt.Sub(task.StartedAt.Time)
		}
	}
	if reached != limit {
		t.Errorf("%d of a key ran at once, %d may", reached, limit)
	}
	took := all[len(all)-1].FinishedAt.Sub(all[0].StartedAt.Time)
	t.Logf("the keys were used by %.1f %%", 100*busy.Seconds()/(names*limit*took.Seconds()))
}
