package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// reporter tells of its progress in steps of 100 ms, then ends with a last word
// that comes right after another.
const reporter = `package main

import (
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
)

func main() { guest.Main() }

var _ = guest.Handle("steps", func(ctx *guest.Context, n int) (int, error) {
	for i := range n {
		if i%10 == 0 {
			ctx.Log.Info("step", "n", i)
		}
		if err := ctx.Progress(guest.Steps{Done: i, Total: n}); err != nil {
			return 0, err
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = ctx.Progress(guest.Steps{Done: n, Total: n, Note: "nearly"})
	return n, ctx.Progress(guest.Steps{Done: n, Total: n, Note: "over"})
})
`

// TestProgressIsSeenEverywhere: while it runs, on every node, by asking and by
// following; and the last of it afterwards.
func TestProgressIsSeenEverywhere(t *testing.T) {
	cluster := testnode.NewCluster(t, 3)
	c := cluster.Client()
	if _, _, err := c.PushModuleFile(t.Context(), "reporter", buildGuest(t, reporter, "-buildmode=c-shared")); err != nil {
		t.Fatal(err)
	}
	s, err := c.Submit(t.Context(), windrow.Call{Task: "reporter.steps", Input: json.RawMessage("40")})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range cluster.Nodes {
		own := n.Client()
		var got *windrow.Task
		for got == nil || got.Progress == nil {
			if got, err = own.Task(t.Context(), s.ID); err != nil || wire.Final(got.State) {
				t.Fatalf("at %s: %+v, %v", n.URL(), got, err)
			}
			<-time.After(10 * time.Millisecond)
		}
		if got.State != wire.StateStarted || got.StartedAt.IsZero() || !strings.HasPrefix(string(got.Progress), `{"done":`) {
			t.Errorf("at %s: %s since %s, %s", n.URL(), got.State, got.StartedAt, got.Progress)
		}
		listed := 0
		for one, err := range own.Tasks(t.Context(), windrow.TaskFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			listed++
			if one.State != wire.StateStarted || one.Progress != nil {
				t.Errorf("in the list at %s: %s, %s", n.URL(), one.State, one.Progress)
			}
		}
		if listed != 1 {
			t.Errorf("%d tasks in the list at %s", listed, n.URL())
		}
	}
	const last = `{"done":40,"total":40,"note":"over"}`
	for _, n := range cluster.Nodes {
		var text, end string
		var told []string
		for news, err := range n.Client().Follow(t.Context(), s.ID, windrow.LogOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			text, end = text+news.Text, news.State
			if news.Progress != nil {
				told = append(told, string(news.Progress))
			}
		}
		if strings.Count(text, "msg=step") != 4 || end != wire.StateSuccess || len(told) == 0 || told[len(told)-1] != last {
			t.Errorf("followed at %s: %q, %q, %s", n.URL(), text, told, end)
		}
		got, err := n.Client().Wait(t.Context(), s.ID)
		if err != nil || string(got.Progress) != last || len(got.Attempts) != 1 || string(got.Attempts[0].Progress) != last {
			t.Errorf("afterwards at %s: %s, %+v, %v", n.URL(), got.Progress, got.Attempts, err)
		}
	}
}

// TestFollowOutlivesItsNode: the node that is asked dies, and then the leader
// does; every line comes once, and the end is told.
func TestFollowOutlivesItsNode(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	cluster := testnode.NewCluster(t, 3, "--role", "server")
	cluster.AddWorker()
	c := cluster.Client()
	if _, _, err := c.PushModuleFile(t.Context(), "reporter", buildGuest(t, reporter, "-buildmode=c-shared")); err != nil {
		t.Fatal(err)
	}
	// Three servers bear the loss of one: each comes back before the next goes.
	for _, victim := range []*testnode.Node{cluster.Follower(), cluster.Leader()} {
		s, err := c.Submit(t.Context(), windrow.Call{Task: "reporter.steps", Input: json.RawMessage("60")})
		if err != nil {
			t.Fatal(err)
		}
		servers := []string{victim.URL()}
		for _, n := range cluster.Others(victim) {
			servers = append(servers, n.URL())
		}
		own, err := windrow.New(windrow.Config{Servers: servers})
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		var text, last, end string
		killed := false
		for news, err := range own.Follow(t.Context(), s.ID, windrow.LogOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			text, end = text+news.Text, news.State
			if news.Progress != nil {
				last = string(news.Progress)
			}
			if !killed && strings.Contains(text, "n=10") {
				killed = true
				victim.Kill()
			}
		}
		for _, n := range []string{"n=0", "n=10", "n=20", "n=30", "n=40", "n=50"} {
			if strings.Count(text, "msg=step "+n+"\n") != 1 {
				t.Errorf("%s comes %d times in %q", n, strings.Count(text, "msg=step "+n+"\n"), text)
			}
		}
		if !killed || end != wire.StateSuccess || last != `{"done":60,"total":60,"note":"over"}` {
			t.Errorf("killed %v, ended with %q, told %s last", killed, end, last)
		}
		victim.Start()
		cluster.WaitCaughtUp(victim)
	}
}
