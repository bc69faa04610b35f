package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// crew is a list of tasks that were submitted together and are looked at
// together.
type crew struct {
	t   *testing.T
	c   *windrow.Client
	ids []string
}

// enlist submits so many of one call.
func enlist(t *testing.T, c *windrow.Client, count int, call windrow.Call) *crew {
	t.Helper()
	calls := make([]windrow.Call, count)
	for i := range calls {
		calls[i] = call
	}
	ids, err := c.SubmitBatch(context.Background(), calls)
	if err != nil {
		t.Fatal(err)
	}
	return &crew{t: t, c: c, ids: ids}
}

func sleepFor(ms int) windrow.Call {
	return windrow.Call{Task: "sleep.main", Input: fmt.Appendf(nil, "%d", ms)}
}

// now reads all of them.
func (w *crew) now() map[string]*windrow.Task {
	w.t.Helper()
	all := map[string]*windrow.Task{}
	for _, id := range w.ids {
		task, err := w.c.Task(context.Background(), id)
		if err != nil {
			w.t.Fatalf("task %s: %v", id, err)
		}
		all[id] = task
	}
	return all
}

// until polls until each of the tasks is so.
func (w *crew) until(what string, so func(*windrow.Task) bool) map[string]*windrow.Task {
	w.t.Helper()
	var all map[string]*windrow.Task
	testnode.Poll(w.t, what, func() error {
		all = w.now()
		for _, task := range all {
			if !so(task) {
				text, _ := json.Marshal(task)
				return fmt.Errorf("not so: %s", text)
			}
		}
		return nil
	})
	return all
}

// of gives those among the tasks that a worker has.
func (w *crew) of(worker string) *crew {
	w.t.Helper()
	part := &crew{t: w.t, c: w.c}
	for id, task := range w.now() {
		if task.Worker == worker {
			part.ids = append(part.ids, id)
		}
	}
	return part
}

func started(task *windrow.Task) bool { return task.State == "started" }

func succeeded(task *windrow.Task) bool { return task.State == "success" }

// sessions gives each worker's session.
func sessions(t *testing.T, c *windrow.Client) map[string]string {
	t.Helper()
	all := map[string]string{}
	for w, err := range c.Workers(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		all[w.ID] = w.Session
	}
	return all
}
