package workflow

import (
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Kind is what a node does once it may run.
type Kind uint8

// The kinds.
const (
	Task Kind = iota // one task
	Map              // one task for each item of a list
	Join             // nothing: it gathers those before it
)

// As is where a node's task finds the value it is given.
type As uint8

// The ways a value comes in.
const (
	AsNothing As = iota
	AsInput      // it is the input
	AsFirst      // it stands first in the args
	AsSpread     // it is a list, whose items come first in the args
)

// NoNode stands where no node is meant.
const NoNode = ^uint32(0)

// MaxNodes bounds a graph, its mapped tasks included.
const MaxNodes = 1 << 20

// MaxEdges bounds how often nodes name each other.
const MaxEdges = 4 * MaxNodes

// Node is one step of a graph. All nodes it names stand before it, so that no
// graph has a cycle.
type Node struct {
	Name string
	Kind Kind
	Rule Rule
	// Ups are the nodes it waits for, ascending.
	Ups []uint32
	// From is the node whose value its task is given, or NoNode. Of the tasks
	// of a Map each is given its own item.
	From uint32
	As   As
	// Error gives, instead of From's value, what is known of the task that made
	// it fail.
	Error bool
	// Callback nodes do not count for how a run ends.
	Callback bool
	// Size is how many items a Map has; Chunk groups its results by so many.
	Size, Chunk uint32
	// Listed is how many of a Join's last Ups make up its value, a list.
	Listed uint32
	// Whole makes a Join one that ends as failure where a node from First on has
	// failed, for the callbacks of the whole.
	Whole bool
	First uint32
}

// node is a Node without its name and with its edges in the graph's lists.
type node struct {
	ups, downs       span
	from             uint32
	size, chunk      uint32
	listed           uint32
	first            uint32
	base             uint32 // of the task ids: how many tasks stand before it
	kind             Kind
	rule             Rule
	as               As
	isErr, cb, whole bool
}

type span struct{ at, n uint32 }

// Graph is what a run goes through. It does not change.
type Graph struct {
	nodes []node
	ups   []uint32
	downs []uint32
	tasks uint32
	exit  uint32
}

// ErrGraph says that nodes do not make a graph.
var ErrGraph = errors.New("damaged graph")

// Builder makes a graph of nodes that come in parts.
type Builder struct{ g Graph }

// Add takes the next node.
func (b *Builder) Add(n *Node) error {
	g := &b.g
	at := uint32(len(g.nodes))
	if at >= MaxNodes || n.Size > MaxNodes || g.tasks+n.Size > MaxNodes {
		return fmt.Errorf("%w: more than %d tasks", ErrGraph, MaxNodes)
	}
	if len(g.ups)+len(n.Ups) > MaxEdges {
		return fmt.Errorf("%w: nodes wait for each other more than %d times", ErrGraph, MaxEdges)
	}
	if (n.From != NoNode && n.From >= at) || int(n.Listed) > len(n.Ups) || n.First > at || n.Kind > Join || n.Rule > OwnFailed || n.As > AsSpread {
		return fmt.Errorf("%w: node %d", ErrGraph, at)
	}
	for i, u := range n.Ups {
		if u >= at || i > 0 && u <= n.Ups[i-1] {
			return fmt.Errorf("%w: node %d waits for %d", ErrGraph, at, u)
		}
	}
	x := node{ups: span{uint32(len(g.ups)), uint32(len(n.Ups))}, from: n.From, chunk: n.Chunk, listed: n.Listed,
		first: n.First, base: g.tasks, kind: n.Kind, rule: n.Rule, as: n.As, isErr: n.Error, cb: n.Callback, whole: n.Whole}
	switch n.Kind {
	case Task:
		x.size = 1
	case Map:
		x.size = n.Size
	case Join:
	}
	g.ups = append(g.ups, n.Ups...)
	g.nodes = append(g.nodes, x)
	g.tasks += x.size
	if !n.Callback && !n.Whole {
		g.exit = at
	}
	return nil
}

// Len is how many nodes there are so far.
func (b *Builder) Len() int { return len(b.g.nodes) }

// Graph ends the building: edges forward are made of the edges back.
func (b *Builder) Graph() *Graph {
	g := &b.g
	g.nodes, g.ups = slices.Clip(g.nodes), slices.Clip(g.ups)
	for _, u := range g.ups {
		g.nodes[u].downs.n++
	}
	at := uint32(0)
	for i := range g.nodes {
		d := &g.nodes[i].downs
		d.at, at, d.n = at, at+d.n, 0
	}
	g.downs = make([]uint32, len(g.ups))
	for i := range g.nodes {
		for _, u := range g.upsOf(uint32(i)) {
			d := &g.nodes[u].downs
			g.downs[d.at+d.n] = uint32(i)
			d.n++
		}
	}
	return g
}

// Len is the number of nodes.
func (g *Graph) Len() int { return len(g.nodes) }

// Tasks is how many tasks a run makes at the most, mapped ones included; their
// ordinals are below it.
func (g *Graph) Tasks() uint32 { return g.tasks }

// Exit is the node whose value is the run's.
func (g *Graph) Exit() uint32 { return g.exit }

func (g *Graph) upsOf(n uint32) []uint32 {
	s := g.nodes[n].ups
	return g.ups[s.at : s.at+s.n]
}

func (g *Graph) downsOf(n uint32) []uint32 {
	s := g.nodes[n].downs
	return g.downs[s.at : s.at+s.n]
}

// Downs is how many nodes wait for a node.
func (g *Graph) Downs(n uint32) int { return int(g.nodes[n].downs.n) }

// Kind is what a node does.
func (g *Graph) Kind(n uint32) Kind { return g.nodes[n].kind }

// Callback reports whether a node does not count for how the run ends.
func (g *Graph) Callback(n uint32) bool { return g.nodes[n].cb }

// Given is what a node's task is given: the value of from (NoNode: nothing, or
// its own item in a Map), put in as as; or with failed what is known of the
// task that made from fail.
func (g *Graph) Given(n uint32) (from uint32, as As, failed bool) {
	x := &g.nodes[n]
	return x.from, x.as, x.isErr
}

// Ordinals are the first task of a node and how many it has.
func (g *Graph) Ordinals(n uint32) (base, size uint32) { return g.nodes[n].base, g.nodes[n].size }

// At is the node that a task belongs to, and its place in a Map.
func (g *Graph) At(ordinal uint32) (n, index uint32) {
	i := sort.Search(len(g.nodes), func(i int) bool { return g.nodes[i].base+g.nodes[i].size > ordinal })
	if i == len(g.nodes) {
		return NoNode, 0
	}
	return uint32(i), ordinal - g.nodes[i].base
}

// Ref is a piece of a value: the result of a task, or a bracket of a list.
type Ref struct {
	Bracket byte // '[' or ']', 0 for a result
	Ordinal uint32
}

// Value is how a node's value is put together of results. It is nil where it
// is a single result, which first is then.
func (g *Graph) Value(n uint32) []Ref { return g.value(nil, n) }

func (g *Graph) value(dst []Ref, n uint32) []Ref {
	x := &g.nodes[n]
	switch x.kind {
	case Task:
		return append(dst, Ref{Ordinal: x.base})
	case Map:
		return g.mapped(dst, x)
	case Join:
	}
	ups := g.upsOf(n)
	dst = append(dst, Ref{Bracket: '['})
	for _, u := range ups[len(ups)-int(x.listed):] {
		dst = g.value(dst, u)
	}
	return append(dst, Ref{Bracket: ']'})
}

func (g *Graph) mapped(dst []Ref, x *node) []Ref {
	dst = append(dst, Ref{Bracket: '['})
	for i := range x.size {
		if x.chunk > 0 && i%x.chunk == 0 {
			if i > 0 {
				dst = append(dst, Ref{Bracket: ']'})
			}
			dst = append(dst, Ref{Bracket: '['})
		}
		dst = append(dst, Ref{Ordinal: x.base + i})
	}
	if x.chunk > 0 && x.size > 0 {
		dst = append(dst, Ref{Bracket: ']'})
	}
	return append(dst, Ref{Bracket: ']'})
}
