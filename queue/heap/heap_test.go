package heap

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type element struct {
	rank int
	pos  int32
}

// TestAgainstSorting pushes, changes and removes at random, and compares what
// comes out with plain sorting.
func TestAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := New(func(a, b *element) bool { return a.rank < b.rank }, func(e *element) *int32 { return &e.pos })
		var in []*element
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			switch op := rapid.IntRange(0, 3).Draw(t, "op"); {
			case op == 0 && len(in) > 0:
				e := rapid.SampledFrom(in).Draw(t, "remove")
				h.Remove(e)
				in = slices.DeleteFunc(in, func(o *element) bool { return o == e })
				if e.pos != -1 {
					t.Fatal("a removed element thinks it is in")
				}
			case op == 1 && len(in) > 0:
				e := rapid.SampledFrom(in).Draw(t, "change")
				e.rank = rapid.IntRange(0, 20).Draw(t, "to")
				h.Fix(e)
			default:
				e := &element{rank: rapid.IntRange(0, 20).Draw(t, "rank"), pos: -1}
				h.Push(e)
				in = append(in, e)
			}
		}
		slices.SortFunc(in, func(a, b *element) int { return a.rank - b.rank })
		for _, want := range in {
			got := h.Top()
			h.Remove(got)
			if got.rank != want.rank {
				t.Fatalf("%d came, want %d", got.rank, want.rank)
			}
		}
		if h.Len() != 0 {
			t.Fatalf("%d left", h.Len())
		}
	})
}
