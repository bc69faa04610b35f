package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/internal/testnode"
	windrow "github.com/windrow-dev/windrow/sdk"
)

// large is a canvas of many tasks, whose result is the list of 0 to n-1, or n.
type large struct {
	name   string
	canvas windrow.Canvas
	n      int
	list   bool
}

// larges are of the size that is promised in the long form, else of a twentieth.
func larges() []large {
	scale := 20
	if long() {
		scale = 1
	}
	wide, deep := 100_000/scale, 10_000/scale
	members, items, steps := make([]windrow.Canvas, wide), make([]int, wide), make([]windrow.Canvas, deep)
	for i := range members {
		members[i], items[i] = input(i), i
	}
	for i := range steps {
		steps[i] = echo
	}
	steps[0] = input(deep)
	return []large{
		{fmt.Sprint("group of ", wide), group(members...), wide, true},
		{fmt.Sprint("map of ", wide), windrow.Map(echo, items), wide, true},
		{fmt.Sprint("chord of ", deep), chord(members[:deep], echo), deep, true},
		{fmt.Sprint("chain of ", deep), chain(steps...), deep, false},
	}
}

// check holds a run that has ended to what it must give, and its tasks to have
// been accepted once each.
func (l *large) check(ctx context.Context, c *windrow.Client, id string) error {
	run, err := c.WaitRun(ctx, id)
	if err != nil {
		return err
	}
	if run.State != "success" {
		return fmt.Errorf("%s: %+v", run.State, run.Error)
	}
	if l.list {
		var have []int
		if err := json.Unmarshal(run.Result, &have); err != nil || len(have) != l.n {
			return fmt.Errorf("a result of %d entries: %w", len(have), err)
		}
		for i, v := range have {
			if i != v {
				return fmt.Errorf("result %d at %d", v, i)
			}
		}
	} else if string(run.Result) != fmt.Sprint(l.n) {
		return fmt.Errorf("the result is %s", run.Result)
	}
	ids := map[string]bool{}
	for t, err := range c.RunTasks(ctx, id) {
		if err != nil {
			return err
		}
		if t.State != "success" || t.Attempt != 1 || ids[t.TaskID] {
			return fmt.Errorf("%s: %+v", t.Node, t)
		}
		ids[t.TaskID] = true
	}
	if len(ids) != int(run.TaskCount) {
		return fmt.Errorf("%d tasks of %d", len(ids), run.TaskCount)
	}
	return nil
}

// TestLargeCanvases runs them on one node that is killed in the middle of each.
func TestLargeCanvases(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node")
	}
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, modules...)
	for _, l := range larges() {
		playLarge(t, c, &l, func() { n.Kill(); n.Start() })
	}
}

// TestLargeCanvasesOnThree runs them on three nodes, whose leader is killed.
func TestLargeCanvasesOnThree(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three nodes")
	}
	cluster := testnode.NewCluster(t, 3)
	c := cluster.Client()
	testnode.Push(t, c, modules...)
	for _, l := range larges() {
		playLarge(t, c, &l, func() {
			leader := cluster.Leader()
			leader.Kill()
			leader.Start()
		})
	}
}

func playLarge(t *testing.T, c *windrow.Client, l *large, kill func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	begun := time.Now()
	started, err := c.Canvas(ctx, l.canvas, windrow.IdempotencyKey(windrow.NewIdempotencyKey()))
	if err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	accepted := time.Since(begun)
	testnode.Poll(t, "the middle of a "+l.name, func() error {
		for r, err := range c.Runs(ctx, windrow.RunFilter{PageSize: 1}) {
			if err != nil {
				return err
			}
			if int(r.Open) > l.n*2/3 {
				return errors.New("not yet")
			}
			break
		}
		q, err := c.Queue(ctx, "default") // a map is one node
		if err == nil && q.Pending > l.n*2/3 {
			err = errors.New("not yet")
		}
		return err
	})
	kill()
	if err := l.check(ctx, c, started.ID); err != nil {
		t.Fatalf("%s: %v", l.name, err)
	}
	t.Logf("%s: accepted after %v, ended and read after %v", l.name, accepted.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
}

// TestChordOfLargeResults hands a body what 100 tasks gave, 70 KB each, which
// are blobs all.
func TestChordOfLargeResults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node")
	}
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, "bigout", "echo")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	header := make([]windrow.Canvas, 100)
	for i := range header {
		header[i] = windrow.Sig(windrow.Call{Task: "bigout.main", Input: windrow.JSON(70_000 + i)})
	}
	run, err := c.CanvasWait(ctx, chord(header, echo))
	if err != nil {
		t.Fatal(err)
	}
	have, err := windrow.RunResult[[]string](run)
	if err != nil || len(have) != len(header) {
		t.Fatalf("%d results: %v", len(have), err)
	}
	for i, s := range have {
		if len(s) != 70_000+i {
			t.Fatalf("result %d has %d bytes", i, len(s))
		}
	}
}

// TestTooLargeResults: of a run whose list no server would hold the list is left
// out, and a body that would be given it fails.
func TestTooLargeResults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node")
	}
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, "bigout", "echo")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	members := make([]windrow.Canvas, 65)
	for i := range members {
		members[i] = windrow.Sig(windrow.Call{Task: "bigout.main", Input: windrow.JSON(1 << 20)})
	}
	run, err := c.CanvasWait(ctx, group(members...))
	if err != nil || run.State != "success" || run.Result != nil || !run.ResultTooLarge {
		t.Errorf("a list of 65 MiB: %v, %.100s", err, show(run))
	}
	run, err = c.CanvasWait(ctx, chord(members, echo))
	body := run.Tasks["chord-body"]
	if err != nil || run.State != "failed" || body.State != "failure" || body.Error.Type != "input_too_large" || body.Attempt != 1 {
		t.Errorf("a body that would be given 65 MiB: %v, %.300s", err, show(run))
	}
}
