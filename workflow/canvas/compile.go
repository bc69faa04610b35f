package canvas

import (
	"slices"
	"strconv"

	"github.com/windrow-dev/windrow/workflow"
)

// NoLeaf stands beside nodes that have no tasks.
const NoLeaf = ^uint32(0)

// Compile gives the nodes of a canvas in their order, each with its leaf. An
// error of emit ends it; its own are *Error.
func Compile(t *Tree, emit func(leaf uint32, n *workflow.Node) error) error {
	c := compiler{emit: emit}
	_, err := c.place(t, "", &entry{after: workflow.NoNode, from: workflow.NoNode})
	return err
}

type compiler struct {
	emit  func(leaf uint32, n *workflow.Node) error
	nodes uint32
	tasks uint32
	depth int
}

// entry is how what is placed begins.
type entry struct {
	after    uint32 // the node that it waits for, or NoNode
	also     uint32 // with after, where callback is set: another one before it, or NoNode
	from     uint32 // the node whose value it is given, or NoNode
	rule     workflow.Rule
	err      bool // it is given what is known of a failure
	callback bool
	tails    bool // something around waits for the end of all of it
	header   *header
}

// header is what stands before a chord's body: the body's link_error is called
// for its failures, too.
type header struct {
	first uint32 // node
	tails []uint32
}

// next is how what stands behind an exit begins.
func (e *entry) next(exit uint32) *entry {
	return &entry{after: exit, also: workflow.NoNode, from: exit, callback: e.callback, tails: e.tails}
}

func (e *entry) ups() []uint32 {
	switch {
	case e.after == workflow.NoNode:
		return nil
	case e.callback && e.also != workflow.NoNode && e.also < e.after:
		return []uint32{e.also, e.after}
	}
	return []uint32{e.after}
}

// placed is what became of a canvas.
type placed struct {
	exit  uint32
	tails []uint32 // when all of them have ended, all of it has
}

func (c *compiler) add(leaf uint32, n *workflow.Node) (uint32, error) {
	switch n.Kind {
	case workflow.Task:
		c.tasks++
	case workflow.Map:
		c.tasks += n.Size
	case workflow.Join:
	}
	if c.tasks > MaxTasks || c.nodes >= workflow.MaxNodes || n.Size > MaxTasks {
		return 0, &Error{Reason: "the canvas makes more than " + strconv.Itoa(MaxTasks) + " tasks; send it in parts"}
	}
	if err := c.emit(leaf, n); err != nil {
		return 0, err
	}
	c.nodes++
	return c.nodes - 1, nil
}

// place adds a canvas, whose name is path, and its callbacks.
func (c *compiler) place(t *Tree, path string, e *entry) (placed, error) {
	if c.depth++; c.depth > MaxDepth {
		return placed{}, &Error{Reason: "is nested deeper than " + strconv.Itoa(MaxDepth) + " canvases"}
	}
	defer func() { c.depth-- }()
	if t.Kind == Task {
		return c.task(t, path, e)
	}
	linked := len(t.Link)+len(t.LinkError) > 0
	inner := *e
	inner.tails, inner.header = e.tails || linked, nil
	first := c.nodes
	name := join(path, t.Kind.String())
	p, err := c.inside(t, name, &inner)
	if err != nil || !linked {
		return p, err
	}
	end, err := c.whole(name, p.tails, first, e.callback)
	if err != nil {
		return p, err
	}
	p.tails = []uint32{end}
	return p, c.callbacks(t, name, end, p.exit, e)
}

// whole adds what ends when all tails have: all that was placed from first on.
func (c *compiler) whole(name string, tails []uint32, first uint32, callback bool) (uint32, error) {
	slices.Sort(tails)
	return c.add(NoLeaf, &workflow.Node{Name: name + "-end", Kind: workflow.Join, Rule: workflow.AllDone, Ups: slices.Compact(tails),
		From: workflow.NoNode, Whole: true, First: first, Callback: callback})
}

func (c *compiler) inside(t *Tree, name string, e *entry) (placed, error) {
	switch t.Kind {
	case Chain:
		return c.chain(t, name, e)
	case Group:
		return c.members(t.Of, name, "group", e)
	case Chord:
		return c.chord(t, name, e)
	default:
		return c.mapped(t, name, e)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "-" + name
}

func numbered(name string, i int) string { return name + "-" + strconv.Itoa(i) }

// as is how a signature is given a value that is there.
func (t Takes) as() workflow.As {
	switch t {
	case TakesFirst:
		return workflow.AsFirst
	case TakesNone:
		return workflow.AsNothing
	default:
		return workflow.AsInput
	}
}

func (c *compiler) task(t *Tree, path string, e *entry) (placed, error) {
	n := &workflow.Node{Name: path, Rule: e.rule, Ups: e.ups(), From: workflow.NoNode, Callback: e.callback}
	if path == "" {
		n.Name = "task"
	}
	if e.from != workflow.NoNode && t.Takes != TakesNone {
		n.From, n.As, n.Error = e.from, t.Takes.as(), e.err
	}
	id, err := c.add(t.Leaf, n)
	if err != nil {
		return placed{}, err
	}
	return placed{exit: id, tails: []uint32{id}}, c.callbacks(t, n.Name, id, id, e)
}

// callbacks adds what is called when end has ended, of what was placed at e;
// exit has the value.
func (c *compiler) callbacks(t *Tree, name string, end, exit uint32, e *entry) error {
	link := &entry{after: end, also: exit, from: exit, callback: true}
	for i := range t.Link {
		if _, err := c.place(&t.Link[i], numbered(name+"-link", i), link); err != nil {
			return at("link", i, err)
		}
	}
	if e.header != nil && len(t.LinkError) > 0 {
		var err error
		if end, err = c.whole(name+"-chord", append(slices.Clip(e.header.tails), end), e.header.first, e.callback); err != nil {
			return err
		}
	}
	failed := &entry{after: end, also: workflow.NoNode, from: end, rule: workflow.OwnFailed, err: true, callback: true}
	for i := range t.LinkError {
		if _, err := c.place(&t.LinkError[i], numbered(name+"-link_error", i), failed); err != nil {
			return at("link_error", i, err)
		}
	}
	return nil
}

func (c *compiler) chain(t *Tree, name string, e *entry) (placed, error) {
	if len(t.Of) == 0 {
		return placed{}, &Error{Path: "chain", Reason: "is empty; a chain has at least one element"}
	}
	var all placed
	for i := range t.Of {
		last, first := i == len(t.Of)-1, c.nodes
		before := !last && t.Of[i].Kind == Group && len(t.Of[i+1].LinkError) > 0
		own := *e
		own.tails = e.tails || before
		p, err := c.place(&t.Of[i], numbered(name, i), &own)
		if err != nil {
			return p, at("chain", i, err)
		}
		if e.tails && (last || t.Of[i].Kind != Task) {
			all.tails = append(all.tails, p.tails...)
		}
		all.exit = p.exit
		if e = e.next(p.exit); before {
			e.header = &header{first, p.tails}
		}
	}
	return all, nil
}

// members adds canvases that run at once, and the list of their values.
func (c *compiler) members(of []Tree, name, step string, e *entry) (placed, error) {
	n := &workflow.Node{Name: name, Kind: workflow.Join, From: workflow.NoNode, Callback: e.callback}
	var tails []uint32
	for i := range of {
		p, err := c.place(&of[i], numbered(name, i), e)
		if err != nil {
			return p, at(step, i, err)
		}
		n.Ups = append(n.Ups, p.exit)
		if e.tails {
			tails = append(tails, p.tails...)
		}
	}
	n.Listed = uint32(len(n.Ups))
	if len(of) == 0 {
		n.Ups, n.Rule = e.ups(), e.rule
	}
	id, err := c.add(NoLeaf, n)
	if len(of) == 0 {
		tails = []uint32{id}
	}
	return placed{exit: id, tails: tails}, err
}

func (c *compiler) chord(t *Tree, name string, e *entry) (placed, error) {
	if t.Body == nil {
		return placed{}, &Error{Path: "chord", Reason: "has no body"}
	}
	first, before := c.nodes, *e
	before.tails = e.tails || len(t.Body.LinkError) > 0
	head, err := c.members(t.Of, name+"-header", "header", &before)
	if err != nil {
		return head, at("chord", -1, err)
	}
	then := e.next(head.exit)
	then.header = &header{first, head.tails}
	body, err := c.place(t.Body, name+"-body", then)
	if err != nil {
		return body, at("chord", -1, at("body", -1, err))
	}
	if e.tails {
		body.tails = append(head.tails, body.tails...)
	}
	return body, nil
}

// mapped adds a map of any kind. What stands before it is only waited for: its
// tasks are given the items.
func (c *compiler) mapped(t *Tree, name string, e *entry) (placed, error) {
	n := &workflow.Node{Name: name, Kind: workflow.Map, Rule: e.rule, Ups: e.ups(), From: workflow.NoNode, As: workflow.AsSpread,
		Callback: e.callback, Size: t.Size, Chunk: t.Chunk}
	if t.Kind == Map {
		n.As = t.Takes.as()
	}
	id, err := c.add(t.Leaf, n)
	return placed{exit: id, tails: []uint32{id}}, err
}
