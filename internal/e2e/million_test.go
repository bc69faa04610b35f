package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestMillionTasks queues a million tasks on one node, restarts it by a kill,
// and drains them. It prints what that takes.
func TestMillionTasks(t *testing.T) {
	onlyLong(t)
	for _, c := range []struct {
		name  string
		input json.RawMessage
	}{
		{"small", json.RawMessage(`{"n":1}`)},
		{"1 KiB", json.RawMessage(`"` + strings.Repeat("x", 1024) + `"`)},
	} {
		t.Run(c.name, func(t *testing.T) { queueMany(t, size(0, 1_000_000), c.input) })
	}
}

func queueMany(t *testing.T, total int, input json.RawMessage) {
	n := testnode.Start(t)
	cl := n.Client()
	testnode.Push(t, cl, guests.Noop, guests.Echo)
	idle, _ := n.RSS()
	if _, err := cl.PauseQueue(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	batches := make(chan int)
	var work sync.WaitGroup
	var mu sync.Mutex
	var ids []string
	for range 4 {
		work.Go(func() {
			for size := range batches {
				calls := make([]windrow.Call, size)
				for i := range calls {
					calls[i] = windrow.Call{Task: "noop.main", Input: input}
				}
				got, err := cl.SubmitBatch(context.Background(), calls)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, got...)
				mu.Unlock()
			}
		})
	}
	for left := total; left > 0 && !t.Failed(); left -= 10_000 {
		batches <- min(left, 10_000)
	}
	close(batches)
	work.Wait()
	if t.Failed() {
		return
	}
	took := time.Since(began)
	full, peak := n.RSS()
	t.Logf("%d tasks of %d bytes submitted in %v: %.0f/s", total, len(input), took.Round(time.Millisecond), float64(total)/took.Seconds())
	t.Logf("memory: %d MiB idle, %d MiB with all waiting (%d bytes a task), %d MiB at most; %d MiB of files", idle>>20, full>>20, (full-idle)/int64(total), peak>>20, folderSize(t, n)>>20)

	n.Kill()
	began = time.Now()
	n.Start()
	ready := time.Since(began)
	acked := n.FirstAck(began)
	again, _ := n.RSS()
	t.Logf("restart: ready after %v, first acknowledgement after %v, %d MiB", ready.Round(time.Millisecond), acked.Round(time.Millisecond), again>>20)
	q, err := cl.Queue(t.Context(), "default")
	if err != nil || q.Pending < total {
		t.Fatalf("after the restart %+v, %v", q, err)
	}

	began = time.Now()
	if _, err := cl.ResumeQueue(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	left := q.Pending
	for left > 0 {
		testnode.Poll(t, fmt.Sprintf("fewer than %d to wait", left), func() error {
			q, err := cl.Queue(context.Background(), "default")
			if err != nil {
				return err
			}
			if now := q.Pending + q.Running; now < left {
				left = now
				return nil
			}
			return fmt.Errorf("%+v", q)
		})
	}
	took = time.Since(began)
	drained, peak := n.RSS()
	t.Logf("drained in %v: %.0f/s; %d MiB then, %d MiB at most", took.Round(time.Millisecond), float64(total)/took.Seconds(), drained>>20, peak>>20)
	for i := 0; i < len(ids); i += max(len(ids)/1000, 1) {
		task, err := cl.Task(t.Context(), ids[i])
		if err != nil || task.State != "success" || task.Delivery != 1 {
			t.Fatalf("task %d: %+v, %v", i, task, err)
		}
	}
}

// folderSize is how much a node has written.
func folderSize(t *testing.T, n *testnode.Node) (sum int64) {
	t.Helper()
	err := filepath.Walk(n.DataDir(), func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			sum += info.Size()
		}
		return nil // what is gone meanwhile is not counted
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
