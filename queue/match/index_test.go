package match

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
)

// quiet takes no note of changes.
type quiet struct{}

func (quiet) ItemChanged(*Item)             {}
func (quiet) FlowChanged(*Flow)             {}
func (quiet) FlowDropped(*Flow)             {}
func (quiet) LineChanged(*Line)             {}
func (quiet) LineDropped(*Line)             {}
func (quiet) NamespaceChanged(*Namespace)   {}
func (quiet) NamespaceDropped(*Namespace)   {}
func (quiet) LimiterChanged(*limit.Limiter) {}

type bench struct {
	x   *Index
	seq uint64
}

func newBench() *bench { return &bench{x: NewIndex(quiet{})} }

func (b *bench) session(ord uint32, running uint32, queues ...string) *Session {
	s := &Session{ID: queue.Fence{Index: 1, Ord: ord}, Running: running}
	b.x.Open(s, queues, 0)
	return s
}

func (b *bench) push(name, ns, line, key string, rank int64, c *limit.Claim) *Item {
	b.seq++
	l := b.x.Line(ns, line)
	i := &Item{Owner: name, Seq: b.seq, Rank: rank, Line: l, Claim: c}
	f := l.Flow(key)
	f.Hold()
	b.x.Push(i, f, 0)
	return i
}

// drain pairs until nothing can be paired and gives the order.
func (b *bench) drain() (order []string) {
	for {
		b.x.WakeDue(0, 1000)
		p := b.x.Pair(0)
		if p.Item == nil {
			return order
		}
		if !p.Parked {
			order = append(order, p.Item.Owner.(string))
		}
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func TestPriorityThenAge(t *testing.T) {
	b := newBench()
	b.push("low", "n", "q", "", RankOf(0, 1), nil)
	b.push("high", "n", "q", "", RankOf(0, 9), nil)
	b.push("second high", "n", "q", "", RankOf(0, 9), nil)
	b.push("aged", "n", "q", "", RankOf(-9*Ageing, 1), nil)
	b.session(1, 10)
	expect(t, b.drain(), "aged", "high", "second high", "low")
}

func TestFairnessKeysTakeTurns(t *testing.T) {
	b := newBench()
	for i := range 4 {
		b.push(fmt.Sprint("big", i), "n", "q", "big", 0, nil)
	}
	s := b.session(1, 2)
	expect(t, b.drain(), "big0", "big1")
	b.push("small", "n", "q", "small", 0, nil)
	s.Running = 10
	b.x.Update(s)
	expect(t, b.drain(), "small", "big2", "big3")
}

func TestNamespacesTakeTurns(t *testing.T) {
	b := newBench()
	for i := range 3 {
		b.push(fmt.Sprint("a", i), "a", "q", "", -1000, nil)
	}
	b.push("b0", "b", "q", "", 0, nil)
	b.session(1, 10)
	expect(t, b.drain(), "a0", "b0", "a1", "a2")
}

// TestIdlenessEarnsOneTurn: a namespace that could not be served for long is
// served once at once, and takes turns from then on.
func TestIdlenessEarnsOneTurn(t *testing.T) {
	b := newBench()
	for i := range 3 {
		b.push(fmt.Sprint("a", i), "a", "q", "", 0, nil)
		b.push(fmt.Sprint("b", i), "b", "q", "", 0, nil)
	}
	paused := b.x.Line("b", "q")
	paused.Paused = true
	b.x.Refresh(paused, 0)
	for i := range 100 {
		b.push(fmt.Sprint("c", i), "c", "q", "", 0, nil)
	}
	s := b.session(1, 50)
	b.drain()
	paused.Paused = false
	b.x.Refresh(paused, 0)
	s.Running = 55
	b.x.Update(s)
	got := b.drain()
	expect(t, got, "b0", "b1", "c47", "b2", "c48") // b1 and c47 are even
}

func TestSessionsServeTheirQueues(t *testing.T) {
	b := newBench()
	b.push("x", "n", "x", "", 0, nil)
	b.push("y", "n", "y", "", 0, nil)
	s := b.session(1, 10, "x")
	expect(t, b.drain(), "x")
	b.x.Close(s)
	b.session(2, 10)
	expect(t, b.drain(), "y")
}

func TestMostFreeSessionFirst(t *testing.T) {
	b := newBench()
	small, large := b.session(1, 1), b.session(2, 3)
	for i := range 4 {
		b.push(fmt.Sprint(i), "n", "q", "", 0, nil)
	}
	b.drain()
	if small.Outstanding != 1 || large.Outstanding != 3 {
		t.Errorf("%d and %d", small.Outstanding, large.Outstanding)
	}
}

func TestWhatHoldsALimitIsNotPrefetched(t *testing.T) {
	b := newBench()
	s := b.session(1, 1)
	s.Prefetch = 5
	b.x.Update(s)
	pool := &limit.Limiter{Name: limit.Name{Kind: limit.Pool, Name: "p"}, Limit: 10}
	for i := range 3 {
		b.push(fmt.Sprint(i), "n", "q", "", 0, &limit.Claim{Pool: pool, PoolSlots: 1})
	}
	expect(t, b.drain(), "0")
}

func TestLimitsAreTakenAllOrNone(t *testing.T) {
	b := newBench()
	b.session(1, 10)
	key := &limit.Limiter{Name: limit.Name{Kind: limit.Key, Name: "k"}, Limit: 1}
	pool := &limit.Limiter{Name: limit.Name{Kind: limit.Pool, Name: "p"}, Limit: 2}
	both := func() *limit.Claim { return &limit.Claim{Key: key, Pool: pool, PoolSlots: 2} }
	first, second := both(), both()
	b.push("first", "n", "q", "", 0, first)
	b.push("second", "n", "q", "", 0, second)
	b.push("pool", "n", "q", "", 0, &limit.Claim{Pool: pool, PoolSlots: 1})
	b.push("free", "n", "q", "", 0, nil)
	expect(t, b.drain(), "first", "free")
	if pool.Used != 2 || key.Used != 1 {
		t.Fatalf("in use: pool %d, key %d", pool.Used, key.Used)
	}
	b.x.GiveBack(first)
	expect(t, b.drain(), "second")
	b.x.GiveBack(second)
	expect(t, b.drain(), "pool")
}

// TestAgainstSorting compares the order of one fairness key with plain sorting.
func TestAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		var all []*Item
		for i := range rapid.IntRange(0, 50).Draw(t, "n") {
			all = append(all, b.push(fmt.Sprint(i), "n", "q", "", rapid.Int64Range(0, 5).Draw(t, "rank"), nil))
		}
		var want []*Item
		for _, i := range all {
			if rapid.IntRange(0, 4).Draw(t, "remove") == 0 {
				b.x.Remove(i, 0)
			} else {
				want = append(want, i)
			}
		}
		slices.SortFunc(want, func(a, b *Item) int { return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Seq, b.Seq)) })
		b.session(1, 100)
		got := b.drain()
		if len(got) != len(want) {
			t.Fatalf("%d of %d came", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i].Owner {
				t.Fatalf("place %d: %s, want %s", i, got[i], want[i].Owner)
			}
		}
	})
}

// TestDropForgetsALine leaves nothing of it in the classes that served it.
func TestDropForgetsALine(t *testing.T) {
	x := NewIndex(quiet{})
	x.Open(&Session{Running: 1}, nil, 0)
	kept, gone := x.Line("n", "kept"), x.Line("n", "gone")
	x.Drop(gone)
	if c := x.classes[0]; len(c.entries) != 1 || c.entries[kept] == nil || x.Lines("n") != 1 {
		t.Fatalf("%d lines, %d of them in the class", x.Lines("n"), len(c.entries))
	}
	if x.Line("n", "gone") == gone {
		t.Error("the line was not forgotten")
	}
	x.Drop(x.Line("n", "gone"))
	x.Drop(kept)
	if x.Lines("n") != 0 || len(x.namespaces) != 0 {
		t.Errorf("%d lines and %d namespaces left", x.Lines("n"), len(x.namespaces))
	}
}
