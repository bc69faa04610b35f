package workflow

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/queue"
)

// drawGraph makes a graph of all kinds and rules.
func drawGraph(t *rapid.T) (*Graph, []Node) {
	var b Builder
	var nodes []Node
	for i := range rapid.IntRange(1, 25).Draw(t, "nodes") {
		n := Node{From: NoNode, Kind: Kind(rapid.IntRange(0, 2).Draw(t, "kind")), Rule: Rule(rapid.IntRange(0, int(OwnFailed)).Draw(t, "rule")),
			Callback: rapid.IntRange(0, 5).Draw(t, "callback") == 0}
		for u := range i {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				n.Ups = append(n.Ups, uint32(u))
			}
		}
		switch n.Kind {
		case Map:
			n.Size = uint32(rapid.IntRange(0, 4).Draw(t, "size"))
		case Join:
			n.Listed = uint32(len(n.Ups))
			n.Whole = rapid.Bool().Draw(t, "whole")
			n.First = uint32(rapid.IntRange(0, i).Draw(t, "first"))
		}
		nodes = append(nodes, n)
		if err := b.Add(&n); err != nil {
			t.Fatal(err)
		}
	}
	return b.Graph(), nodes
}

// life is a driver of a run that keeps what a store would.
type life struct {
	t     *rapid.T
	run   *Run
	alive []uint32
	ran   map[uint32]bool
	tasks map[uint32]ended
	nodes map[uint32]ended
}

type ended struct {
	state queue.State
	cause uint32
}

func (l *life) step() bool {
	next := l.run.Next
	if l.run.Cancelled() {
		next = func() (Step, bool) { return l.run.NextCancelled(2) }
	}
	s, ok := next()
	if !ok {
		return false
	}
	if s.Node == NoNode {
		return true
	}
	base, size := l.run.g.Ordinals(s.Node)
	switch {
	case s.State == 0 && l.run.Cancelled():
		for o := base; o < base+size; o++ {
			if i := slices.Index(l.alive, o); i >= 0 {
				l.end(i, queue.Revoked)
			}
		}
	case s.State == 0:
		l.alive = append(l.alive, base+s.Index)
		l.ran[s.Node] = true
	case l.run.g.Kind(s.Node) == Task:
		l.tasks[base] = ended{s.State, s.Cause}
	default:
		l.nodes[s.Node] = ended{s.State, s.Cause}
	}
	return true
}

func (l *life) end(i int, state queue.State) {
	o := l.alive[i]
	l.alive = slices.Delete(l.alive, i, i+1)
	l.tasks[o] = ended{state, NoNode}
	if s, ok := l.run.Ended(o, state); ok && l.run.g.Kind(s.Node) == Map {
		l.nodes[s.Node] = ended{s.State, s.Cause}
	}
}

// restored rebuilds the run from what was kept.
func (l *life) restored() *Run {
	r := NewRun(l.run.g)
	for _, o := range l.alive {
		r.RestoreTask(o, queue.Received, NoNode)
	}
	for o, e := range l.tasks {
		r.RestoreTask(o, e.state, e.cause)
	}
	for n, e := range l.nodes {
		r.RestoreNode(n, e.state, e.cause)
	}
	if l.run.cancelled {
		r.CancelFrom(l.run.cancel)
	}
	r.Settle(l.run.cancelled)
	return r
}

func same(t *rapid.T, a, b *Run) {
	for n := range a.nodes {
		x, y := a.nodes[n], b.nodes[n]
		x.marked, y.marked = false, false
		if x.state == 0 {
			x.cause, y.cause = 0, 0 // of one that waits it is told below, when it decides
		}
		if x != y {
			t.Fatalf("node %d: %+v, restored %+v", n, x, y)
		}
	}
	if a.cancel != b.cancel {
		t.Fatalf("cancelled up to %d, restored %d", a.cancel, b.cancel)
	}
	if a.open != b.open || a.failures != b.failures || a.cause != b.cause {
		t.Fatalf("%d open, %d failures, cause %d; restored %d, %d, %d", a.open, a.failures, a.cause, b.open, b.failures, b.cause)
	}
}

// TestRun takes random graphs through random ends, restores the run at random,
// and holds every node that ended to its rule.
func TestRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, nodes := drawGraph(t)
		l := &life{t: t, run: NewRun(g), ran: map[uint32]bool{}, tasks: map[uint32]ended{}, nodes: map[uint32]ended{}}
		for !l.run.Done() {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				r := l.restored()
				same(t, l.run, r)
				l.run = r
			case 1:
				if rapid.IntRange(0, 9).Draw(t, "cancel") == 0 {
					l.run.Cancel()
				}
			case 2, 3, 4, 5:
				l.step()
			default:
				if len(l.alive) > 0 {
					state := rapid.SampledFrom([]queue.State{queue.Success, queue.Success, queue.Failure, queue.Revoked, queue.Skipped}).Draw(t, "state")
					l.end(rapid.IntRange(0, len(l.alive)-1).Draw(t, "which"), state)
				} else if !l.step() && !l.run.Done() {
					t.Fatalf("stuck with %d open", l.run.open)
				}
			}
		}
		if _, ok := l.run.Next(); ok {
			t.Fatal("a step after the end")
		}
		judge(t, l.run, nodes, l.ran)
	})
}

// judge compares how each node ended with what its rule allows for the way its
// upstreams ended.
func judge(t *rapid.T, r *Run, nodes []Node, ran map[uint32]bool) {
	for n := range nodes {
		var c Counts
		c.Total = uint32(len(nodes[n].Ups))
		for _, u := range nodes[n].Ups {
			c.add(r.nodes[u].state)
		}
		if c != r.nodes[n].counts {
			t.Fatalf("node %d: counts %+v, want %+v", n, r.nodes[n].counts, c)
		}
		if v := nodes[n].Rule.Judge(c); !r.cancelled && ran[uint32(n)] && v == Wait {
			t.Fatalf("node %d ran, and waits now", n)
		}
	}
}

// TestValue puts the values of nested groups together.
func TestValue(t *testing.T) {
	var b Builder
	for _, n := range []Node{
		{Kind: Task, From: NoNode},
		{Kind: Map, From: NoNode, Size: 3, Chunk: 2},
		{Kind: Join, From: NoNode, Ups: []uint32{0, 1}, Listed: 2},
		{Kind: Join, From: NoNode, Ups: []uint32{0}},
	} {
		if err := b.Add(&n); err != nil {
			t.Fatal(err)
		}
	}
	g := b.Graph()
	text := func(n uint32) (s string) {
		for _, r := range g.Value(n) {
			if r.Bracket != 0 {
				s += string(r.Bracket)
			} else {
				s += string(rune('0' + r.Ordinal))
			}
		}
		return s
	}
	for n, want := range []string{"0", "[[12][3]]", "[0[[12][3]]]", "[]"} {
		if got := text(uint32(n)); got != want {
			t.Errorf("node %d: %s, want %s", n, got, want)
		}
	}
}
