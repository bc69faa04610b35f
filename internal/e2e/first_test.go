package e2e

import (
	"context"
	"encoding/json"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
	"github.com/windrow-dev/windrow/sdk/suite"
)

// TestSuite holds a real node to what the client's fake server is held to.
func TestSuite(t *testing.T) {
	n := testnode.Start(t)
	suite.Exercise(t, n.Client())
}

// TestKillKeepsEverything: what was acknowledged before a kill -9 is there
// after it, what had ended has the same result, what waited runs.
func TestKillKeepsEverything(t *testing.T) {
	ctx := context.Background()
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, guests.Echo, guests.Sleep)
	done, err := c.SubmitWait(ctx, windrow.Call{Task: "echo.main", Input: json.RawMessage(`{"kept":true}`)})
	if err != nil {
		t.Fatal(err)
	}
	var calls []windrow.Call
	for range 100 {
		calls = append(calls, windrow.Call{Task: "sleep.main", Input: json.RawMessage(`20`)})
	}
	ids, err := c.SubmitBatch(ctx, calls)
	if err != nil {
		t.Fatal(err)
	}
	n.Kill()
	n.Start()
	for _, id := range ids {
		got, err := c.Wait(ctx, id)
		if err != nil || got.State != "success" {
			t.Fatalf("task %s after the kill: %+v, %v", id, got, err)
		}
	}
	again, err := c.Task(ctx, done.ID)
	if err != nil || string(again.Result) != `{"kept":true}` || !again.FinishedAt.Equal(done.FinishedAt.Time) {
		t.Fatalf("what had ended is %+v now, was %+v, %v", again, done, err)
	}
	if code := n.Stop(); code != 0 {
		t.Errorf("SIGTERM ended with exit code %d:\n%s", code, n.Log())
	}
}
