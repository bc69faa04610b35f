package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/canvas"
)

// graph is a canvas on its way to become a run. Its submission gathers the
// specs.
type graph struct {
	*submission
	id     queue.ID
	kind   canvas.Kind
	leaves []graphLeaf
	meta   runMeta
	cut    cutter
}

// graphLeaf is the call of a task, or of a map's tasks with their items.
type graphLeaf struct {
	call  command.Call
	items []json.RawMessage
}

// runMeta is what a run keeps for its readers alone.
type runMeta struct {
	Labels map[string]string `json:"labels,omitempty"`
	Calls  []string          `json:"calls,omitempty"`

	// Of a schedule's, which calendar.Stamp adds.
	Schedule string    `json:"schedule,omitempty"`
	Tick     wire.Time `json:"tick,omitzero"`
}

// maxCalls is how many names of tasks a run shows beside its kind.
const maxCalls = 10

// newGraph checks a canvas and makes a run of it.
func (s *Server) newGraph(ctx context.Context, namespace string, c *wire.Canvas) (*graph, error) {
	g := &graph{submission: s.newSubmission(namespace)}
	g.id = g.first.Run()
	g.cut.specs = &g.calls
	tree, err := g.tree(ctx, c, setting{root: true})
	if err != nil {
		return nil, err
	}
	g.kind = tree.Kind
	g.meta.Labels = c.Labels
	if c.Call != nil {
		g.meta.Labels = c.Call.Labels
	}
	err = canvas.Compile(&tree, g.emit)
	if e, ok := errors.AsType[*canvas.Error](err); ok {
		return nil, wrong(e.Path, e.Reason)
	}
	return g, err
}

// setting is where a canvas stands.
type setting struct {
	labels map[string]string // of what it is in
	given  bool              // a result comes in
	root   bool
}

// under is how what is inside something with labels of its own is set.
func (at setting) under(labels map[string]string) (setting, error) {
	at.root = false
	if len(labels) == 0 {
		return at, nil
	}
	if len(at.labels) > 0 {
		all := make(map[string]string, len(at.labels)+len(labels))
		for _, from := range [...]map[string]string{at.labels, labels} {
			maps.Copy(all, from)
		}
		labels = all
	}
	if at.labels = labels; len(labels) > maxLabels {
		return at, wrong("labels", "are more than "+strconv.Itoa(maxLabels)+" with those of the canvas around")
	}
	return at, nil
}

// maxLabels is how many labels a task may have.
const maxLabels = 64

// tree reads a canvas: its calls become leaves.
func (g *graph) tree(ctx context.Context, c *wire.Canvas, at setting) (canvas.Tree, error) {
	if c.Call != nil {
		return g.signature(ctx, c.Call, at)
	}
	at, err := at.under(c.Labels)
	if err != nil {
		return canvas.Tree{}, err
	}
	var t canvas.Tree
	switch {
	case c.Chain != nil:
		t.Kind = canvas.Chain
		t.Of, err = g.trees(ctx, "chain", c.Chain, at, true)
	case c.Group != nil:
		t.Kind = canvas.Group
		t.Of, err = g.trees(ctx, "group", c.Group, at, false)
	case c.Chord != nil:
		t, err = g.chord(ctx, c.Chord, at)
	case c.Map != nil:
		t, err = g.mapped(ctx, canvas.Map, c.Map, at)
	case c.Starmap != nil:
		t, err = g.mapped(ctx, canvas.Starmap, c.Starmap, at)
	case c.Chunks != nil:
		t, err = g.mapped(ctx, canvas.Chunks, c.Chunks, at)
	}
	if err == nil {
		err = g.links(ctx, &t, c.Link, c.LinkError, at)
	}
	return t, err
}

// trees reads a list of canvases, of which in a row each is given the result of
// the one before.
func (g *graph) trees(ctx context.Context, field string, list []wire.Canvas, at setting, row bool) ([]canvas.Tree, error) {
	if len(list) == 0 {
		return nil, nil
	}
	out := make([]canvas.Tree, len(list))
	for i := range list {
		var err error
		if out[i], err = g.tree(ctx, &list[i], at); err != nil {
			return nil, wire.InField(field, wire.InField("["+strconv.Itoa(i)+"]", err))
		}
		at.given = at.given || row
	}
	return out, nil
}

func (g *graph) chord(ctx context.Context, c *wire.Chord, at setting) (canvas.Tree, error) {
	t := canvas.Tree{Kind: canvas.Chord}
	var err error
	if t.Of, err = g.trees(ctx, "header", c.Header, at, false); err != nil {
		return t, wire.InField("chord", err)
	}
	at.given = true
	body, err := g.tree(ctx, &c.Body, at)
	t.Body = &body
	return t, wire.InField("chord", wire.InField("body", err))
}

func (g *graph) links(ctx context.Context, t *canvas.Tree, link, failed []wire.Canvas, at setting) (err error) {
	at.given = true
	if t.Link, err = g.trees(ctx, "link", link, at, false); err != nil {
		return err
	}
	t.LinkError, err = g.trees(ctx, "link_error", failed, at, false)
	return err
}

// takes says what a signature does with a result that comes before it.
func takes(c *wire.Call) canvas.Takes {
	switch {
	case c.Immutable || c.Input != nil:
		return canvas.TakesNone
	case c.Args != nil || c.Kwargs != nil:
		return canvas.TakesFirst
	}
	return canvas.TakesInput
}

// signature reads a call.
func (g *graph) signature(ctx context.Context, c *wire.Call, at setting) (canvas.Tree, error) {
	t := canvas.Tree{Takes: takes(c)}
	own, err := at.under(c.Labels)
	if err != nil {
		return t, err
	}
	link, failed := c.Link, c.LinkError
	how := givenWhole
	switch {
	case at.given && t.Takes == canvas.TakesFirst:
		how = givenPartly
	case at.given && t.Takes == canvas.TakesInput:
		how = givenLater
	}
	if t.Leaf, err = g.leaf(ctx, c, at.root, own.labels, how, nil); err != nil {
		return t, err
	}
	return t, g.links(ctx, &t, link, failed, own)
}

// leaf checks a call and keeps it.
func (g *graph) leaf(ctx context.Context, c *wire.Call, root bool, labels map[string]string, how given, items []json.RawMessage) (uint32, error) {
	if c.IdempotencyKey != "" && !root {
		return 0, wrong("idempotency_key", "is given inside a canvas, which is accepted as one; send it as the header "+wire.HeaderIdempotencyKey)
	}
	if c.Debounce != nil || c.Throttle != nil {
		return 0, wrong("debounce", "and throttle are for calls that stand alone; what is part of a run, or has callbacks, can have a unique_key")
	}
	c.Labels = labels
	call, err := g.resolve(ctx, c, how)
	if err != nil {
		return 0, err
	}
	g.leaves = append(g.leaves, graphLeaf{call, items})
	if len(g.meta.Calls) < maxCalls && !slices.Contains(g.meta.Calls, c.Task) {
		g.meta.Calls = append(g.meta.Calls, c.Task)
	}
	return uint32(len(g.leaves) - 1), nil
}

// mapped reads a map of any kind.
func (g *graph) mapped(ctx context.Context, kind canvas.Kind, m *wire.Mapped, at setting) (canvas.Tree, error) {
	t := canvas.Tree{Kind: kind, Takes: takes(&m.Task), Size: uint32(len(m.Items)), Chunk: uint32(m.Size)}
	in := func(field string, err error) error { return wire.InField(kind.String(), wire.InField(field, err)) }
	if len(m.Task.Link)+len(m.Task.LinkError) > 0 {
		return t, in("task", wrong("link", "and link_error stand on the "+kind.String()+" itself, and are called once, when all of it has ended"))
	}
	how := givenWhole
	switch {
	case kind != canvas.Map && m.Task.Input != nil:
		return t, in("task", wrong("input", "is given, but the items are lists of arguments; give args or kwargs, or use map"))
	case kind != canvas.Map || t.Takes == canvas.TakesFirst:
		how = givenPartly
	case t.Takes == canvas.TakesInput:
		how = givenLater
	}
	for i, item := range m.Items {
		if len(item) > queue.MaxInline {
			return t, in("items", wrong("["+strconv.Itoa(i)+"]", "has more than 64 KiB; give where to find it instead"))
		}
		if kind != canvas.Map && item[0] != '[' {
			return t, in("items", wrong("["+strconv.Itoa(i)+"]", "is no list; an item is a list of arguments"))
		}
	}
	own, err := at.under(m.Task.Labels)
	if err != nil {
		return t, in("task", err)
	}
	t.Leaf, err = g.leaf(ctx, &m.Task, false, own.labels, how, m.Items)
	return t, in("task", err)
}

// emit takes a node from the compiler.
func (g *graph) emit(leaf uint32, n *workflow.Node) error {
	if leaf == canvas.NoLeaf {
		g.cut.node(n, &command.Call{})
		return nil
	}
	l := &g.leaves[leaf]
	at := g.cut.node(n, &l.call)
	if n.Kind == workflow.Map {
		g.cut.items(at, l.items)
	}
	*l = graphLeaf{}
	return nil
}

// run is the run that a part belongs to. All that is not of one part travels
// with the first.
func (g *graph) run(part int) (command.NewRun, error) {
	r := command.NewRun{ID: g.id, Part: g.cut.parts[part]}
	if part > 0 {
		return r, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(&g.meta)
	r.Kind, r.Meta = g.kind.String(), bytes.TrimSpace(b.Bytes())
	for i := range g.calls.Specs {
		r.TTL = max(r.TTL, g.calls.Specs[i].ResultTTL)
	}
	orDefault(&r.TTL, queue.DefaultResultTTL)
	return r, err
}
