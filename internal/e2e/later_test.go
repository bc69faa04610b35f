package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestManyForLater lets tasks wait for times of their own and kills the node
// twice: before the first comes due, and while they do. None begins before its
// time, none is lost, and none ends twice.
func TestManyForLater(t *testing.T) {
	n := testnode.Start(t)
	cl := n.Client()
	testnode.Push(t, cl, guests.Noop)
	total, spread := size(20_000, 1_000_000), time.Duration(size(4, 60))*time.Second
	first := time.Now().Add(time.Duration(size(5, 60)) * time.Second)
	want := map[string]time.Time{}
	for done := 0; done < total; done += 10_000 {
		calls := make([]windrow.Call, min(10_000, total-done))
		for i := range calls {
			calls[i] = windrow.Call{Task: "noop.main", Queue: "later",
				ETA: windrow.At(first.Add(spread * time.Duration(done+i) / time.Duration(total)))}
		}
		ids, err := cl.SubmitBatch(t.Context(), calls)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			want[id] = calls[i].ETA.Time
		}
	}
	t.Logf("all %d are acknowledged %v before the first comes due", total, time.Until(first).Round(time.Millisecond))
	n.Kill()
	n.Start()
	ran := func() (ended, left int) {
		q, err := cl.Queue(context.Background(), "later")
		if err != nil {
			t.Fatal(err)
		}
		left = q.Pending + q.Scheduled + q.Running
		return total - left, left
	}
	testnode.Poll(t, "a quarter to have run", func() error {
		if ended, _ := ran(); ended < total/4 {
			return fmt.Errorf("%d have", ended)
		}
		return nil
	})
	n.Kill()
	n.Start()
	testnode.Poll(t, "all to have run", func() error {
		if _, left := ran(); left > 0 {
			return fmt.Errorf("%d have not", left)
		}
		return nil
	})
	var late []time.Duration
	again := 0
	for task, err := range cl.Tasks(t.Context(), windrow.TaskFilter{Queue: "later", PageSize: 1000}) {
		if err != nil {
			t.Fatal(err)
		}
		eta, ours := want[task.ID]
		delete(want, task.ID)
		switch {
		case !ours || task.State != "success":
			t.Fatalf("%+v is none of ours, or is there twice, or did not succeed", task)
		case task.StartedAt.Before(eta):
			t.Errorf("task %s began %v before its time", task.ID, eta.Sub(task.StartedAt.Time))
		case task.Attempt != 1 || task.Delivery > 2:
			t.Errorf("task %s: %d attempts, %d deliveries", task.ID, task.Attempt, task.Delivery)
		case task.Delivery == 2:
			again++ // it ran when the node was killed
		}
		late = append(late, task.StartedAt.Sub(eta))
	}
	if len(want) > 0 {
		t.Fatalf("%d of %d acknowledged tasks are lost", len(want), total)
	}
	slices.Sort(late)
	t.Logf("begun after their times by %v (p50), %v (p99), %v (most), the second kill included; %d ran when the node was killed",
		late[total/2].Round(time.Microsecond), late[total*99/100].Round(time.Millisecond), late[total-1].Round(time.Millisecond), again)
}
