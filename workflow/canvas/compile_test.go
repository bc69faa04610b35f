package canvas

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

func leaf(n uint32) Tree           { return Tree{Leaf: n} }
func chain(of ...Tree) Tree        { return Tree{Kind: Chain, Of: of} }
func group(of ...Tree) Tree        { return Tree{Kind: Group, Of: of} }
func chord(b Tree, h ...Tree) Tree { return Tree{Kind: Chord, Of: h, Body: &b} }

// built is a compiled canvas.
type built struct {
	g      *workflow.Graph
	nodes  []workflow.Node
	leaves []uint32
}

func compile(t *Tree) (*built, error) {
	var b workflow.Builder
	var out built
	err := Compile(t, func(leaf uint32, n *workflow.Node) error {
		out.nodes = append(out.nodes, *n)
		out.leaves = append(out.leaves, leaf)
		return b.Add(n)
	})
	if err != nil {
		return nil, err
	}
	out.g = b.Graph()
	return &out, nil
}

// text is all of a node in short.
func text(n *workflow.Node) string {
	s := n.Name
	if n.Kind != workflow.Task {
		s += fmt.Sprintf(" kind=%d", n.Kind)
	}
	if n.Rule != workflow.AllSuccess {
		s += " " + n.Rule.String()
	}
	if len(n.Ups) > 0 {
		s += fmt.Sprint(" after", n.Ups)
	}
	if n.From != workflow.NoNode {
		s += fmt.Sprintf(" from=%d", n.From)
	}
	for _, f := range []struct {
		on   bool
		text string
	}{{n.As == workflow.AsInput, "input"}, {n.As == workflow.AsFirst, "first"}, {n.As == workflow.AsSpread, "spread"}, {n.Error, "error"},
		{n.Callback, "callback"}, {n.Whole, fmt.Sprintf("whole%d", n.First)}, {n.Kind == workflow.Join && !n.Whole, fmt.Sprintf("listed%d", n.Listed)}} {
		if f.on {
			s += " " + f.text
		}
	}
	return s
}

func TestCompile(t *testing.T) {
	immutable, first := Tree{Takes: TakesNone}, Tree{Takes: TakesFirst}
	linked := leaf(0)
	linked.Link, linked.LinkError = []Tree{leaf(1), chain(first, leaf(3))}, []Tree{leaf(2)}
	whole := chain(leaf(0), group(leaf(1), leaf(2)), leaf(3))
	whole.Link, whole.LinkError = []Tree{leaf(4)}, []Tree{first, immutable}
	mapped := Tree{Kind: Map, Size: 3, Link: []Tree{leaf(1)}}
	for name, c := range map[string]struct {
		tree Tree
		want []string
	}{
		"task": {leaf(0), []string{"task"}},
		"linked task": {linked, []string{"task", "task-link-0 after[0] from=0 input callback", "task-link-1-chain-0 after[0] from=0 first callback",
			"task-link-1-chain-1 after[2] from=2 input callback", "task-link_error-0 own_failed after[0] from=0 input error callback"}},
		"chain": {chain(leaf(0), immutable, first), []string{"chain-0", "chain-1 after[0]", "chain-2 after[1] from=1 first"}},
		"group": {group(leaf(0), chain(leaf(1), leaf(2))), []string{"group-0", "group-1-chain-0", "group-1-chain-1 after[1] from=1 input", "group kind=2 after[0 2] listed2"}},
		"empty": {chain(leaf(0), group(), leaf(1)), []string{"chain-0", "chain-1-group kind=2 after[0] listed0", "chain-2 after[1] from=1 input"}},
		"chord": {chord(chord(leaf(3), leaf(2)), leaf(0), leaf(1)), []string{"chord-header-0", "chord-header-1", "chord-header kind=2 after[0 1] listed2",
			"chord-body-chord-header-0 after[2] from=2 input", "chord-body-chord-header kind=2 after[3] listed1", "chord-body-chord-body after[4] from=4 input"}},
		"whole": {whole, []string{"chain-0", "chain-1-group-0 after[0] from=0 input", "chain-1-group-1 after[0] from=0 input", "chain-1-group kind=2 after[1 2] listed2",
			"chain-2 after[3] from=3 input", "chain-end kind=2 all_done after[1 2 4] whole0", "chain-link-0 after[4 5] from=4 input callback",
			"chain-link_error-0 own_failed after[5] from=5 first error callback", "chain-link_error-1 own_failed after[5] callback"}},
		"maps": {chain(leaf(0), Tree{Kind: Map, Takes: TakesFirst, Size: 2}, Tree{Kind: Starmap, Size: 1}, Tree{Kind: Chunks, Size: 5, Chunk: 2}, leaf(2)),
			[]string{"chain-0", "chain-1-map kind=1 after[0] first", "chain-2-starmap kind=1 after[1] spread", "chain-3-chunks kind=1 after[2] spread", "chain-4 after[3] from=3 input"}},
		"linked map": {mapped, []string{"map kind=1 input", "map-end kind=2 all_done after[0] whole0", "map-link-0 after[0 1] from=0 input callback"}},
	} {
		b, err := compile(&c.tree)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for i := range b.nodes {
			got = append(got, text(&b.nodes[i]))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}

func TestRefusals(t *testing.T) {
	deep := leaf(0)
	for range MaxDepth {
		deep = chain(deep)
	}
	linked := leaf(0)
	linked.LinkError = []Tree{chain()}
	wide := Tree{Kind: Map, Size: MaxTasks}
	for want, tree := range map[string]Tree{
		"chain: is empty":                                              chain(),
		"chain[1].group[0].chain: is empty":                            chain(leaf(0), group(chain())),
		"chord.header[1].chain: is empty":                              chord(leaf(0), leaf(0), chain()),
		"chord.body.chain: is empty":                                   chord(chain()),
		"chord: has no body":                                           {Kind: Chord},
		"group[0].link_error[0].chain: is empty":                       group(linked),
		strings.Repeat("chain[0].", 63) + "chain[0]: is nested deeper": deep,
		"group[1]: the canvas makes more than":                         group(wide, leaf(0)),
	} {
		_, err := compile(&tree)
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	stop := errors.New("stop")
	if err := Compile(&Tree{}, func(uint32, *workflow.Node) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// TestWide: edges and time are in proportion to the tasks.
func TestWide(t *testing.T) {
	members := make([]Tree, 50_000)
	c := chain(group(members...), group(members...), leaf(1))
	c.Link = []Tree{leaf(2)}
	c = chain(c)
	c.Link = []Tree{leaf(3)}
	b, err := compile(&c)
	if err != nil {
		t.Fatal(err)
	}
	edges := 0
	for i := range b.nodes {
		edges += len(b.nodes[i].Ups)
	}
	if edges > 300_000 {
		t.Errorf("%d edges", edges)
	}
}

// drawTree makes a canvas at random.
func drawTree(t *rapid.T, depth int, leaves *uint32) Tree {
	kind := Task
	if depth > 0 {
		kind = Kind(rapid.IntRange(0, int(Chunks)).Draw(t, "kind"))
	}
	list := func(low, high int) []Tree {
		var of []Tree
		for range rapid.IntRange(low, high).Draw(t, "n") {
			of = append(of, drawTree(t, depth-1, leaves))
		}
		return of
	}
	tree := Tree{Kind: kind, Leaf: *leaves}
	switch kind {
	case Chain:
		tree.Of = list(1, 3)
	case Group:
		tree.Of = list(0, 3)
	case Chord:
		tree.Of = list(0, 3)
		body := drawTree(t, depth-1, leaves)
		tree.Body = &body
	case Map, Starmap, Chunks:
		*leaves++
		tree.Size = uint32(rapid.IntRange(0, 3).Draw(t, "size"))
		if kind == Chunks {
			tree.Chunk = 2
		}
	default:
		*leaves++
	}
	if depth > 0 && rapid.IntRange(0, 2).Draw(t, "linked") == 0 {
		tree.Link, tree.LinkError = list(0, 1), list(0, 1)
	}
	return tree
}

// model says how everything of a canvas ends, by recursion over the canvas.
type model struct {
	fails map[uint32]bool        // by leaf
	state map[string]queue.State // by node, but for the joins
	ups   map[string][]string    // of a callback: all that must have ended before it
	// header is all of a chord's header that has failed itself, of which the
	// body's link_error is told; it is for the canvas that comes next.
	header []string
}

// run gives how a canvas ends that begins so, all of its nodes but callbacks,
// and whether something of it has failed itself.
func (m *model) run(t *Tree, path string, begin queue.State) (end queue.State, all []string, own bool) {
	name := join(path, t.Kind.String())
	if t.Kind == Task && path != "" {
		name = path
	}
	header := m.header
	m.header = nil
	switch t.Kind {
	case Chain:
		end = begin
		for i := range t.Of {
			e, a, o := m.run(&t.Of[i], numbered(name, i), after(end))
			end, all, own = e, append(all, a...), own || o
			if t.Of[i].Kind == Group && o && i < len(t.Of)-1 {
				m.header = a
			}
		}
	case Group:
		end, all, own = m.members(t.Of, name, begin)
	case Chord:
		end, all, own = m.members(t.Of, name+"-header", begin)
		if own {
			m.header = all
		}
		e, a, o := m.run(t.Body, name+"-body", after(end))
		end, all, own = e, append(all, a...), own || o
	default:
		if end = begin; begin == queue.Success && m.fails[t.Leaf] && (t.Kind == Task || t.Size > 0) {
			end, own = queue.Failure, true
		}
		m.state[name] = end
		all = []string{name}
	}
	for i := range t.Link {
		m.callback(&t.Link[i], numbered(name+"-link", i), after(end), all)
	}
	failed := queue.Skipped
	if own || header != nil {
		failed = queue.Success
	}
	for i := range t.LinkError {
		m.callback(&t.LinkError[i], numbered(name+"-link_error", i), failed, append(header, all...))
	}
	return end, all, own
}

func (m *model) callback(t *Tree, path string, begin queue.State, all []string) {
	_, nodes, _ := m.run(t, path, begin)
	for _, n := range nodes {
		m.ups[n] = append(m.ups[n], all...)
	}
}

func (m *model) members(of []Tree, name string, begin queue.State) (end queue.State, all []string, own bool) {
	end = begin
	for i := range of {
		e, a, o := m.run(&of[i], numbered(name, i), begin)
		all, own = append(all, a...), own || o
		if after(e) == queue.UpstreamFailed {
			end = queue.UpstreamFailed
		}
	}
	return end, all, own
}

// after is how what stands behind something begins that ended so; Success lets
// it run.
func after(s queue.State) queue.State {
	if s == queue.Failure {
		return queue.UpstreamFailed
	}
	return s
}

// value is the result that the model expects.
func value(t *Tree, path string) string {
	name := join(path, t.Kind.String())
	list := func(of []Tree, name string) string {
		var s []string
		for i := range of {
			s = append(s, value(&of[i], numbered(name, i)))
		}
		return "[" + strings.Join(s, " ") + "]"
	}
	switch t.Kind {
	case Task:
		if path != "" {
			name = path
		}
		return name
	case Chain:
		return value(&t.Of[len(t.Of)-1], numbered(name, len(t.Of)-1))
	case Group:
		return list(t.Of, name)
	case Chord:
		return value(t.Body, name+"-body")
	}
	var s []string
	for i := range t.Size {
		s = append(s, numbered(name, int(i)))
	}
	if t.Chunk > 0 {
		var chunks []string
		for c := range slices.Chunk(s, int(t.Chunk)) {
			chunks = append(chunks, "["+strings.Join(c, " ")+"]")
		}
		s = chunks
	}
	return "[" + strings.Join(s, " ") + "]"
}

func (b *built) value() string {
	s := ""
	for _, r := range b.g.Value(b.g.Exit()) {
		switch {
		case r.Bracket == ']':
			s = strings.TrimSuffix(s, " ") + "] "
		case r.Bracket != 0:
			s += "["
		default:
			n, i := b.g.At(r.Ordinal)
			if b.nodes[n].Kind == workflow.Map {
				s += numbered(b.nodes[n].Name, int(i)) + " "
			} else {
				s += b.nodes[n].Name + " "
			}
		}
	}
	return strings.TrimSpace(s)
}

// TestModel runs random canvases with random failures in a random order, and
// holds how every task ends to the model.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var leaves uint32
		tree := drawTree(t, 3, &leaves)
		b, err := compile(&tree)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{fails: map[uint32]bool{}, state: map[string]queue.State{}, ups: map[string][]string{}}
		for l := range leaves {
			m.fails[l] = rapid.IntRange(0, 3).Draw(t, "fails") == 0
		}
		end, _, own := m.run(&tree, "", queue.Success)
		if got, want := b.value(), value(&tree, ""); got != want {
			t.Fatalf("the result is %s, want %s", got, want)
		}
		ended, state := b.drive(t, m)
		for name, want := range m.state {
			if ended[name] != want {
				t.Fatalf("%s: %v, want %v", name, ended[name], want)
			}
		}
		if want := map[bool]queue.State{true: queue.Failure, false: queue.Success}[own]; state != want || own == (end == queue.Success) {
			t.Fatalf("the run: %v, want %v", state, want)
		}
	})
}

// drive runs a graph to its end.
func (b *built) drive(t *rapid.T, m *model) (map[string]queue.State, queue.State) {
	r := workflow.NewRun(b.g)
	ended := map[string]queue.State{}
	var alive []uint32
	note := func(s workflow.Step) {
		if b.nodes[s.Node].Kind != workflow.Join {
			ended[b.nodes[s.Node].Name] = s.State
		}
	}
	for !r.Done() {
		if s, ok := r.Next(); ok {
			base, _ := b.g.Ordinals(s.Node)
			if s.State != 0 {
				note(s)
				continue
			}
			for _, up := range m.ups[b.nodes[s.Node].Name] {
				if ended[up] == 0 {
					t.Fatalf("%s was called before %s had ended", b.nodes[s.Node].Name, up)
				}
			}
			alive = append(alive, base+s.Index)
			continue
		}
		i := rapid.IntRange(0, len(alive)-1).Draw(t, "which")
		o := alive[i]
		alive = slices.Delete(alive, i, i+1)
		n, index := b.g.At(o)
		state := queue.Success
		if m.fails[b.leaves[n]] && index == 0 {
			state = queue.Failure
		}
		if s, ok := r.Ended(o, state); ok {
			note(s)
		}
	}
	state, _ := r.Outcome()
	return ended, state
}
