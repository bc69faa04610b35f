package api

import (
	"encoding/json"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// cutter cuts a graph into parts that each fit one command.
type cutter struct {
	specs *command.Calls // those that the calls name
	parts []command.GraphPart
	nodes uint32
	count int               // of nodes and items in the last part
	size  int               // of it in bytes, about
	at    map[uint32]uint32 // where a spec is in it
}

// maxPart is how many nodes and items a part may have. None of them is a task
// yet, so they cost the machine less than calls.
const maxPart = 2000

// nodeRoom is what a node takes in a command beside its name, its edges, its
// payload and its keys.
const nodeRoom = 48

// last makes room in a part.
func (c *cutter) last(size int) *command.GraphPart {
	if len(c.parts) == 0 || c.count == maxPart || c.count > 0 && c.size+size > command.MaxCommand {
		c.parts = append(c.parts, command.GraphPart{})
		c.count, c.size, c.at = 0, 0, map[uint32]uint32{}
	}
	c.count++
	c.size += size
	return &c.parts[len(c.parts)-1]
}

// node adds the next node and tells its place.
func (c *cutter) node(n *workflow.Node, call *command.Call) uint32 {
	size := nodeRoom + len(n.Name) + 2*len(n.Ups) + len(call.Payload) + len(call.UniqueKey) + len(call.FairnessKey) + len(call.ConcurrencyKey) + 72*len(call.Blobs)
	p := c.last(size)
	g := command.GraphNode{Node: *n, Call: *call}
	if n.Kind != workflow.Join {
		g.Call.Spec = c.spec(p, &c.specs.Specs[call.Spec], call.Spec)
	}
	p.Nodes = append(p.Nodes, g)
	c.nodes++
	return c.nodes - 1
}

func (c *cutter) spec(p *command.GraphPart, s *queue.Spec, global uint32) uint32 {
	n, ok := c.at[global]
	if !ok {
		n = uint32(len(p.Specs))
		c.at[global] = n
		p.Specs = append(p.Specs, *s)
		c.size += len(command.AppendSpec(nil, s))
	}
	return n
}

// items adds what a map is mapped over.
func (c *cutter) items(node uint32, items []json.RawMessage) {
	for i, item := range items {
		p := c.last(4 + len(item))
		if n := len(p.Items); n == 0 || p.Items[n-1].Node != node {
			p.Items = append(p.Items, command.GraphItems{Node: node, First: uint32(i)})
		}
		x := &p.Items[len(p.Items)-1]
		x.Values = append(x.Values, item)
	}
}

// small reports whether all of it fits one command that makes tasks at once.
func (c *cutter) small() bool { return len(c.parts) == 1 && c.count <= command.MaxSubmit }
