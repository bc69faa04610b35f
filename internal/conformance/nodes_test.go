package conformance

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/internal/testnode"
	windrow "github.com/windrow-dev/windrow/sdk"
)

// long reports whether the long form of tests is asked for.
func long() bool { return os.Getenv("WINDROW_LONG") != "" }

// times is a number of which the long form takes many more.
func times(n int) int {
	if long() {
		return n * 20
	}
	return n
}

var drawn = rapid.Custom(func(t *rapid.T) windrow.Canvas { return drawCanvas(t, 40) })

// randomScene is the same for a seed always.
func randomScene(seed int) scene {
	return scene{name: fmt.Sprintf("random canvas %d", seed), canvas: drawn.Example(seed)}
}

// TestRandomCanvasesOnANode plays random canvases on a real node.
func TestRandomCanvasesOnANode(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a node")
	}
	n := testnode.Start(t)
	c := n.Client()
	testnode.Push(t, c, modules...)
	cases := make([]scene, times(200))
	for i := range cases {
		cases[i] = randomScene(i)
	}
	playOn(t, c, cases)
}

// TestRandomCanvasesThroughLeaderChanges plays random canvases on three nodes,
// whose leadership is handed on and whose leader is killed meanwhile.
func TestRandomCanvasesThroughLeaderChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three nodes")
	}
	cluster := testnode.NewCluster(t, 3)
	testnode.Push(t, cluster.Client(), modules...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var seed, played, changes atomic.Int64
	var over atomic.Bool
	var players sync.WaitGroup
	for i := range 8 {
		c := cluster.ClientFrom(i)
		players.Go(func() {
			for !over.Load() {
				s := randomScene(int(seed.Add(1)))
				if err := s.playOn(ctx, c); err != nil {
					t.Errorf("%s, after %d changes: %v", s.name, changes.Load(), err)
				}
				played.Add(1)
			}
		})
	}
	more := func(n int64) {
		want := played.Load() + n
		testnode.Poll(t, "canvases to be played", func() error {
			if have := played.Load(); have < want {
				return fmt.Errorf("%d of %d", have, want)
			}
			return nil
		})
	}
	for range times(2) {
		more(20)
		_ = cluster.Leader().Impatient().TransferLeader(ctx, "") // one that is refused is no matter
		changes.Add(1)
		more(20)
		killed := cluster.Leader()
		killed.Kill()
		changes.Add(1)
		more(20)
		killed.Start()
		more(20)
	}
	over.Store(true)
	players.Wait()
	t.Logf("%d canvases through %d changes", played.Load(), changes.Load())
}
