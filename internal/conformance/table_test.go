package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/internal/testnode"
	windrow "github.com/windrow-dev/windrow/sdk"
)

// literally compares what the model says with what stands in the table.
func (s *scene) literally() []string {
	m := play(&s.canvas, s.revoke...)
	var out []string
	if state := map[bool]string{true: "failed", false: "success"}[s.result == ""]; m.State != state {
		out = append(out, "the run: "+m.State)
	}
	if s.result != "" && !reflect.DeepEqual(m.Result, parse([]byte(s.result))) {
		out = append(out, "the result: "+show(m.Result))
	}
	want := strings.Fields(s.tasks)
	if len(want) != len(m.order) {
		out = append(out, fmt.Sprintf("%d tasks: %v", len(m.order), m.order))
	}
	for _, w := range want {
		node, state, _ := strings.Cut(w, "=")
		if m.Elements[node].State != state {
			out = append(out, w+": "+m.Elements[node].State)
		}
	}
	for node, text := range s.gives {
		if !reflect.DeepEqual(m.Elements[node].Result, parse([]byte(text))) {
			out = append(out, fmt.Sprintf("%s gave %s, want %s", node, show(m.Elements[node].Result), text))
		}
	}
	return out
}

// TestModel holds the model itself to the table.
func TestModel(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenes() {
		if names[s.name] {
			t.Errorf("two cases are called %q", s.name)
		}
		names[s.name] = true
		for _, d := range s.literally() {
			t.Errorf("%s: %s", s.name, d)
		}
	}
}

// pairs are all nestings of one kind in another, each with all going well and
// with a failure at every place.
func pairs() []scene {
	var out []scene
	kinds := []string{"task", "chain", "group", "chord", "map", "starmap", "chunks"}
	for _, outer := range kinds {
		for _, inner := range kinds {
			for bad := range 4 {
				count := 0
				next := func() windrow.Canvas {
					count++
					if count == bad {
						return trap
					}
					return echo
				}
				c := nest(outer, next, func() windrow.Canvas { return nest(inner, next, next) })
				if count < bad {
					break
				}
				out = append(out, scene{name: fmt.Sprintf("%s in %s, %d", inner, outer, bad), canvas: c})
			}
		}
	}
	return out
}

// nest makes a canvas of a kind with another in it, and callbacks of the whole.
// What holds no canvas has the other as a callback.
func nest(kind string, task, inner func() windrow.Canvas) windrow.Canvas {
	switch kind {
	case "task":
		return onError(link(task(), inner()), inner())
	case "chain":
		return onError(link(chain(task(), inner(), echo), echo), echo)
	case "group":
		return onError(link(group(task(), inner()), echo), echo)
	case "chord":
		return onError(chord(list(task(), inner()), onError(link(inner(), echo), echo)), echo)
	case "map":
		return onError(link(windrow.Map(task(), []int{1, 2}), inner()), inner())
	case "starmap":
		return onError(link(windrow.Starmap(task(), [][]any{{1, 2}, {}}), inner()), inner())
	}
	return onError(link(windrow.Chunks(task(), [][]any{{1}, {2}, {3}}, 2), inner()), inner())
}

func all() []scene { return append(scenes(), pairs()...) }

// TestTable plays all cases on a machine in this process.
func TestTable(t *testing.T) {
	r := newRoom(t, t.TempDir())
	defer func() { r.close() }()
	r.serve()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, s := range all() {
		started, err := r.client.Canvas(ctx, s.canvas)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		revoke := s.revoke
		for len(r.assigned) > 0 || len(revoke) == 0 {
			if !r.step(func(n int) int { return n - 1 }) {
				break
			}
		}
		for _, node := range revoke {
			if err := revokeNode(ctx, r.client, started.ID, node); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
		for r.step(func(int) int { return 0 }) {
		}
		if err := checkRun(ctx, r.client, started.ID, &s.canvas, s.revoke...); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// revokeNode revokes a task that waits for its time.
func revokeNode(ctx context.Context, c *windrow.Client, run, node string) error {
	for t, err := range c.RunTasks(ctx, run) {
		if err != nil {
			return err
		}
		if t.Node == node {
			_, err := c.Revoke(ctx, t.TaskID, false)
			return err
		}
	}
	return errors.New("no task " + node)
}

// TestTableOnANode plays all cases at once on a real node, with real modules.
func TestTableOnANode(t *testing.T) {
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, modules...)
	playOn(t, c, all())
}

// playOn plays cases on nodes, several at once.
func playOn(t *testing.T, c *windrow.Client, cases []scene) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	next := make(chan *scene)
	var players sync.WaitGroup
	for range 32 {
		players.Go(func() {
			for s := range next {
				if err := s.playOn(ctx, c); err != nil {
					t.Errorf("%s: %v", s.name, err)
				}
			}
		})
	}
	for i := range cases {
		next <- &cases[i]
	}
	close(next)
	players.Wait()
}

func (s *scene) playOn(ctx context.Context, c *windrow.Client) error {
	started, err := c.Canvas(ctx, s.canvas, windrow.IdempotencyKey(windrow.NewIdempotencyKey()))
	if err != nil {
		return err
	}
	for _, node := range s.revoke {
		tick := time.NewTicker(10 * time.Millisecond)
		for err = revokeNode(ctx, c, started.ID, node); err != nil && ctx.Err() == nil; err = revokeNode(ctx, c, started.ID, node) {
			<-tick.C // it has not begun to wait yet
		}
		tick.Stop()
	}
	if _, err := c.WaitRun(ctx, started.ID); err != nil {
		return err
	}
	return checkRun(ctx, c, started.ID, &s.canvas, s.revoke...)
}
