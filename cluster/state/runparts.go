package state

import (
	"sort"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/workflow"
)

// RunGraph is a run's graph and what each of its stored parts holds. It does
// not change.
type RunGraph struct {
	*workflow.Graph
	Parts []PartSpan
}

// PartSpan is what a stored part holds: nodes from Node on, and items.
type PartSpan struct {
	Node  uint32
	Items []ItemSpan
}

// ItemSpan is N items of a Map from the item First on.
type ItemSpan struct{ Node, First, N uint32 }

func spanOf(p *command.GraphPart, node uint32) PartSpan {
	s := PartSpan{Node: node}
	for i := range p.Items {
		x := &p.Items[i]
		s.Items = append(s.Items, ItemSpan{x.Node, x.First, uint32(len(x.Values))})
	}
	return s
}

// NewRunGraph puts a graph together of all its parts.
func NewRunGraph(parts []command.GraphPart) (RunGraph, error) {
	var b workflow.Builder
	var g RunGraph
	for i := range parts {
		g.Parts = append(g.Parts, spanOf(&parts[i], uint32(b.Len())))
		for n := range parts[i].Nodes {
			if err := b.Add(&parts[i].Nodes[n].Node); err != nil {
				return RunGraph{}, err
			}
		}
	}
	g.Graph = b.Graph()
	return g, nil
}

// NodePart is the part that a node is in, and its place there.
func (g *RunGraph) NodePart(node uint32) (part, at int) {
	part = sort.Search(len(g.Parts), func(i int) bool { return g.Parts[i].Node > node }) - 1
	return part, int(node - g.Parts[part].Node)
}

// ItemPart is the part that an item of a Map is in, the list of items there,
// and its place in that.
func (g *RunGraph) ItemPart(node, index uint32) (part, list, at int, ok bool) {
	for p := range g.Parts {
		for i, x := range g.Parts[p].Items {
			if x.Node == node && index >= x.First && index-x.First < x.N {
				return p, i, int(index - x.First), true
			}
		}
	}
	return 0, 0, 0, false
}
