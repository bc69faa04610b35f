package fake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// run is a canvas under way. It runs one task after another, also where a node
// would run them at once.
type run struct {
	wire.Run
	s         *Server
	namespace string
	canvas    wire.Canvas
	nodes     []*node // in the order in which they ended
	cancelled bool
	failed    *task // the first that failed it
}

// node is a task of a run.
type node struct {
	name     string
	task     *task
	callback bool
}

// ending is how something of a canvas has ended.
type ending struct {
	state string // of a task; "" lets what comes next run
	value json.RawMessage
	cause *task // what of it has failed itself
	fresh bool  // nothing came before: there is no value
}

func kindOf(c *wire.Canvas) string {
	switch {
	case c.Chain != nil:
		return "chain"
	case c.Group != nil:
		return "group"
	case c.Chord != nil:
		return "chord"
	case c.Map != nil:
		return "map"
	case c.Starmap != nil:
		return "starmap"
	case c.Chunks != nil:
		return "chunks"
	}
	return "task"
}

func mappedOf(c *wire.Canvas) *wire.Mapped {
	for _, m := range [...]*wire.Mapped{c.Map, c.Starmap, c.Chunks} {
		if m != nil {
			return m
		}
	}
	return nil
}

// check counts the tasks of a canvas, which must all exist. The lock is held.
func (s *Server) check(namespace string, c *wire.Canvas) (n int, err error) {
	if c.Call != nil {
		_, err = s.accept(namespace, *c.Call)
		n = 1
	}
	if m := mappedOf(c); m != nil {
		_, err = s.accept(namespace, m.Task)
		n = len(m.Items)
	}
	if c.Chain != nil && len(c.Chain) == 0 {
		err = &wire.FieldError{Field: "chain", Reason: "is empty; a chain has at least one element"}
	}
	parts := slices.Concat(c.Chain, c.Group, c.Link, c.LinkError)
	if c.Call != nil {
		parts = slices.Concat(c.Call.Link, c.Call.LinkError)
	}
	if c.Chord != nil {
		parts = append(slices.Concat(parts, c.Chord.Header), c.Chord.Body)
	}
	for i := range parts {
		if err != nil {
			break
		}
		var more int
		more, err = s.check(namespace, &parts[i])
		n += more
	}
	if f, ok := errors.AsType[*wire.FieldError](err); ok {
		return 0, fieldProblem(f)
	}
	return n, err
}

// drive takes a run to its end.
func (r *run) drive() {
	defer r.s.runs.Done()
	end := r.place(&r.canvas, "", ending{fresh: true}, false, nil)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.Open, r.FinishedAt = 0, now()
	switch {
	case r.cancelled:
		r.State = wire.RunCancelled
	case r.failed != nil:
		r.State, r.Error, r.Cause = wire.RunFailed, r.failed.Error, r.failed.ID
	default:
		r.State, r.Result = wire.RunSuccess, end.value
	}
	r.s.change()
}

// place runs a canvas and its callbacks behind what has ended so.
func (r *run) place(c *wire.Canvas, path string, before ending, callback bool, labels map[string]string) ending {
	link, failed := c.Link, c.LinkError
	name := strings.TrimPrefix(path+"-"+kindOf(c), "-")
	if c.Call != nil {
		link, failed = c.Call.Link, c.Call.LinkError
		if path != "" {
			name = path
		}
	}
	own := merged(labels, c.Labels)
	end := r.inside(c, name, before, callback, own)
	if c.Call != nil {
		own = merged(labels, c.Call.Labels)
	}
	for i := range link {
		r.place(&link[i], fmt.Sprintf("%s-link-%d", name, i), next(end), true, own)
	}
	for i := range failed {
		with := ending{state: wire.StateSkipped}
		if end.cause != nil {
			with = ending{value: failure(end.cause)}
		}
		r.place(&failed[i], fmt.Sprintf("%s-link_error-%d", name, i), with, true, own)
	}
	return end
}

// next is what comes behind something that has ended so.
func next(end ending) ending {
	if end.state == wire.StateFailure || end.state == wire.StateRevoked {
		return ending{state: wire.StateUpstreamFailed}
	}
	return ending{state: end.state, value: end.value}
}

func merged(outer, inner map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range [...]map[string]string{outer, inner} {
		maps.Copy(all, m)
	}
	return all
}

// failure is what a link_error is given.
func failure(t *task) json.RawMessage {
	b, _ := encode(struct { // all of it was JSON
		ID     string          `json:"id"`
		Task   string          `json:"task"`
		Error  *wire.Error     `json:"error"`
		Args   json.RawMessage `json:"args,omitempty"`
		Kwargs json.RawMessage `json:"kwargs,omitempty"`
		Input  json.RawMessage `json:"input,omitempty"`
	}{t.ID, t.Task.Task, t.Error, t.Args, t.Kwargs, t.Input})
	return b
}

func (r *run) inside(c *wire.Canvas, name string, before ending, callback bool, labels map[string]string) ending {
	switch {
	case c.Chain != nil:
		var cause *task
		for i := range c.Chain {
			before = r.place(&c.Chain[i], fmt.Sprintf("%s-%d", name, i), before, callback, labels)
			cause = first(cause, before.cause)
			if i < len(c.Chain)-1 {
				before = next(before)
			}
		}
		before.cause = cause
		return before
	case c.Group != nil:
		return r.members(c.Group, name, before, callback, labels)
	case c.Chord != nil:
		head := r.members(c.Chord.Header, name+"-header", before, callback, labels)
		end := r.place(&c.Chord.Body, name+"-body", next(head), callback, labels)
		end.cause = first(head.cause, end.cause)
		return end
	case c.Call != nil:
		return r.call(*c.Call, name, before, callback, labels)
	}
	return r.mapped(c, name, before, callback, labels)
}

func first(a, b *task) *task {
	if a != nil {
		return a
	}
	return b
}

// members runs canvases whose values make a list.
func (r *run) members(of []wire.Canvas, name string, before ending, callback bool, labels map[string]string) ending {
	ends := make([]ending, len(of))
	for i := range of {
		ends[i] = r.place(&of[i], fmt.Sprintf("%s-%d", name, i), before, callback, labels)
	}
	return gathered(ends, before)
}

func gathered(ends []ending, before ending) ending {
	all := ending{state: before.state}
	values := make([]json.RawMessage, len(ends))
	for i, e := range ends {
		values[i] = e.value
		all.cause = first(all.cause, e.cause)
		if s := next(e).state; s != "" {
			all.state = s
		}
	}
	all.value = listOf(values)
	return all
}

func listOf(values []json.RawMessage) json.RawMessage {
	list := make([][]byte, len(values))
	for i, v := range values {
		list[i] = v
	}
	return slices.Concat([]byte("["), bytes.Join(list, []byte(",")), []byte("]"))
}

func (r *run) mapped(c *wire.Canvas, name string, before ending, callback bool, labels map[string]string) ending {
	m := mappedOf(c)
	ends := make([]ending, len(m.Items))
	for i, item := range m.Items {
		call, with := m.Task, ending{state: before.state, value: item}
		if c.Map == nil {
			call.Args, with.fresh = joined(item, call.Args), true
		}
		ends[i] = r.call(call, fmt.Sprintf("%s-%d", name, i), with, callback, labels)
	}
	all := gathered(ends, before)
	if m.Size > 0 {
		var chunks []json.RawMessage
		for part := range slices.Chunk(ends, m.Size) {
			chunks = append(chunks, gathered(part, before).value)
		}
		all.value = listOf(chunks)
	}
	return all
}

// joined puts lists together.
func joined(a, b json.RawMessage) json.RawMessage {
	var x, y []json.RawMessage
	_ = json.Unmarshal(a, &x) // what is no list adds nothing
	_ = json.Unmarshal(b, &y)
	return listOf(append(x, y...))
}

// call runs one task.
func (r *run) call(c wire.Call, name string, before ending, callback bool, labels map[string]string) ending {
	if !before.fresh && before.state == "" && !c.Immutable && c.Input == nil {
		if c.Args == nil && c.Kwargs == nil {
			c.Input = before.value
		} else {
			c.Args = joined(listOf([]json.RawMessage{before.value}), c.Args)
		}
	}
	c.Labels = merged(labels, c.Labels)
	s := r.s
	s.mu.Lock()
	t, err := s.accept(r.namespace, c)
	if err != nil { // its module was removed meanwhile
		t = &task{namespace: r.namespace, call: c}
		t.Task = wire.Task{ID: newID(), Task: c.Task, State: wire.StateFailure, Error: errorOf(err), CreatedAt: now(), FinishedAt: now()}
	}
	r.nodes = append(r.nodes, &node{name, t, callback})
	switch {
	case r.cancelled:
		t.State = wire.StateRevoked
	case before.state != "":
		t.State = before.state
	case err == nil:
		s.begin(t)
	}
	s.change()
	for !wire.Final(t.State) {
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-s.ctx.Done():
			return ending{state: wire.StateRevoked}
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	end := ending{state: t.State, value: t.Result}
	switch t.State {
	case wire.StateSuccess:
		end.state = ""
	case wire.StateFailure, wire.StateRevoked:
		end.cause = t
		if !callback && r.failed == nil {
			r.failed = t
		}
	}
	return end
}
