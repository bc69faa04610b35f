package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestLongLogIsWhole: a log beyond the tail that travels with a completion is
// kept whole, and read on whichever node is asked.
func TestLongLogIsWhole(t *testing.T) {
	ctx := context.Background()
	n := testnode.Start(t, "--role", "server")
	w := testnode.Start(t, "--role", "worker", "--join", n.URL())
	c := n.Client()
	testnode.Push(t, c, guests.Logger)
	var want strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&want, "line %d\n", i+1)
	}
	id, err := c.Submit(ctx, windrow.Call{Task: "logger.main", Input: json.RawMessage(`2000`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, asked := range []*testnode.Node{n, w} {
		for _, follow := range []bool{true, false} {
			r, err := asked.Client().Logs(ctx, id.ID, windrow.LogOptions{Follow: follow})
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err != nil || string(got) != want.String() {
				t.Fatalf("follow %v at %s: %d bytes, want %d, %v", follow, asked.URL(), len(got), want.Len(), err)
			}
		}
	}
}
