package command

import (
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// NewRun is a run to be made, or with Stage a part of it. Its tasks have the
// ids that follow the run's own (queue.ID.Plus), so the last four bytes of a
// run's id are zero.
type NewRun struct {
	ID   queue.ID
	Kind string // "chain", "group" …
	// TTL is how long the run and its results are kept after its end.
	TTL int64
	// Meta is what only readers want, JSON, opaque to the machine.
	Meta []byte
	Part GraphPart
}

// GraphPart is some nodes of a graph, in order, with the calls of their tasks
// and the items that they are mapped over. It is stored as it comes.
type GraphPart struct {
	Specs []queue.Spec
	Nodes []GraphNode
	Items []GraphItems
}

// GraphNode is a node and, of one with tasks, their call; what makes that call's
// id is the run's.
type GraphNode struct {
	workflow.Node
	Call Call
}

// GraphItems are items of a Map from the item First on, each any JSON. A long
// list goes on in later parts.
type GraphItems struct {
	Node, First uint32
	Values      [][]byte
}

// MaxPart bounds a part as it is stored, bytes.
const MaxPart = 768 << 10

const (
	nodeError = 1 << iota
	nodeCallback
	nodeWhole
	nodeFrom
)

// minNode is the shortest encoding of a node.
const minNode = 8

func (x *NewRun) write(w *Writer) {
	w.ID(x.ID)
	w.String(x.Kind)
	w.Int(x.TTL)
	w.Bytes(x.Meta)
	x.Part.write(w)
}

func (x *NewRun) read(r *Reader) {
	x.ID, x.Kind, x.TTL, x.Meta = r.ID(), r.String(), r.Int(), r.Bytes()
	x.Part.read(r)
}

// Append writes a part as it is stored.
func (p *GraphPart) Append(dst []byte) []byte {
	w := &Writer{b: dst}
	p.write(w)
	return w.b
}

// DecodeGraphPart is the inverse of Append; it aliases b.
func DecodeGraphPart(b []byte) (GraphPart, error) {
	r := &Reader{b: b}
	var p GraphPart
	p.read(r)
	return p, r.Err("graph part")
}

func (p *GraphPart) write(w *Writer) {
	w.Uint(uint64(len(p.Specs)))
	for i := range p.Specs {
		WriteSpec(w, &p.Specs[i])
	}
	w.Uint(uint64(len(p.Nodes)))
	for i := range p.Nodes {
		p.Nodes[i].write(w)
	}
	w.Uint(uint64(len(p.Items)))
	for i := range p.Items {
		x := &p.Items[i]
		w.Uint(uint64(x.Node))
		w.Uint(uint64(x.First))
		w.Uint(uint64(len(x.Values)))
		for _, v := range x.Values {
			w.Bytes(v)
		}
	}
}

func (p *GraphPart) read(r *Reader) {
	p.Specs = make([]queue.Spec, r.Count(minSpec))
	for i := range p.Specs {
		ReadSpec(r, &p.Specs[i])
	}
	p.Nodes = make([]GraphNode, r.Count(minNode))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		n.read(r)
		if n.Kind != workflow.Join && int(n.Call.Spec) >= len(p.Specs) {
			r.Fail()
			return
		}
	}
	p.Items = make([]GraphItems, r.Count(3))
	for i := range p.Items {
		x := &p.Items[i]
		x.Node, x.First = r.Uint32(), r.Uint32()
		x.Values = make([][]byte, r.Count(1))
		for k := range x.Values {
			x.Values[k] = r.Bytes()
		}
	}
}

func (n *GraphNode) write(w *Writer) {
	var flags byte
	if n.Error {
		flags |= nodeError
	}
	if n.Callback {
		flags |= nodeCallback
	}
	if n.Whole {
		flags |= nodeWhole
	}
	if n.From != workflow.NoNode {
		flags |= nodeFrom
	}
	w.Byte(flags)
	w.String(n.Name)
	w.Byte(byte(n.Kind))
	w.Byte(byte(n.Rule))
	w.Byte(byte(n.As))
	w.Uint(uint64(len(n.Ups)))
	last := uint32(0)
	for _, u := range n.Ups {
		w.Uint(uint64(u - last))
		last = u
	}
	if flags&nodeFrom != 0 {
		w.Uint(uint64(n.From))
	}
	switch n.Kind {
	case workflow.Task:
	case workflow.Join:
		w.Uint(uint64(n.Listed))
		w.Uint(uint64(n.First))
		return
	case workflow.Map:
		w.Uint(uint64(n.Size))
		w.Uint(uint64(n.Chunk))
	}
	n.Call.writeBody(w)
}

func (n *GraphNode) read(r *Reader) {
	flags := r.Byte()
	n.Error, n.Callback, n.Whole = flags&nodeError != 0, flags&nodeCallback != 0, flags&nodeWhole != 0
	n.Name, n.Kind, n.Rule, n.As = r.String(), workflow.Kind(r.Byte()), workflow.Rule(r.Byte()), workflow.As(r.Byte())
	n.Ups = make([]uint32, r.Count(1))
	last := uint32(0)
	for i := range n.Ups {
		last += r.Uint32()
		n.Ups[i] = last
	}
	n.From = workflow.NoNode
	if flags&nodeFrom != 0 {
		n.From = r.Uint32()
	}
	switch n.Kind {
	case workflow.Task:
	case workflow.Join:
		n.Listed, n.First = r.Uint32(), r.Uint32()
		return
	case workflow.Map:
		n.Size, n.Chunk = r.Uint32(), r.Uint32()
	}
	n.Call.readBody(r)
}
