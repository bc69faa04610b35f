package state

import (
	"slices"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// TestRevokeMany has tasks that wait ended, those that are not there told by
// their place, and those of another namespace left alone.
func TestRevokeMany(t *testing.T) {
	p := newPaced(t)
	plain := func(*command.Call) {}
	a, _ := p.submit(0, 1, plain)
	b, _ := p.submit(0, 2, func(c *command.Call) { c.Countdown = 5e9 })
	kept, _ := p.submit(0, 3, plain)
	if r := p.apply(&command.RevokeMany{Namespace: "other", IDs: []queue.ID{a}}); !slices.Equal(r.Refused, []uint32{0}) {
		t.Fatalf("in another namespace: %+v", r)
	}
	r := p.apply(&command.RevokeMany{Namespace: "default", IDs: []queue.ID{a, {1}, b, a}})
	if !slices.Equal(r.Refused, []uint32{1, 3}) {
		t.Fatalf("refused %v", r.Refused)
	}
	if _, alive := p.m.Task(kept); !alive || len(p.m.tasks) != 1 {
		t.Fatalf("%d tasks are left", len(p.m.tasks))
	}
	ended := 0
	for _, mv := range p.last.Effects.Moves {
		if mv.To == queue.Revoked {
			ended++
		}
	}
	if ended != 2 {
		t.Fatalf("moves %+v", p.last.Effects.Moves)
	}
}
