package conformance

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// element is what is expected of one task of a canvas.
type element struct {
	State    string
	Error    string // its type
	Attempts uint32
	Callback bool
	Result   any // of one that succeeded
}

// expected is what is expected of a run.
type expected struct {
	State    string
	Result   any
	Cause    string // the path of the first task, in the order of the canvas, that failed it
	Elements map[string]element
	order    []string
}

// model plays a canvas by itself, one task after another, as Celery's manual
// and docs/canvas.md say. It knows no graph: what comes after something is
// played after it, with what that gave.
type model struct {
	out      expected
	revoked  map[string]bool // tasks that somebody revokes while they wait
	callback bool
}

// ending is how an element of a canvas has ended: with a value, or because of
// the task at the path cause.
type ending struct {
	ok    bool
	value any
	cause string
	told  any // what a link_error is given
	// passed says, within a chain, that it was an earlier element that failed.
	passed bool
}

// notRun are the states of what had no chance to run.
const (
	upstreamFailed = "upstream_failed"
	skipped        = "skipped"
)

// play gives what must become of a canvas.
func play(c *windrow.Canvas, revoked ...string) expected {
	m := model{revoked: map[string]bool{}, out: expected{Elements: map[string]element{}}}
	for _, path := range revoked {
		m.revoked[path] = true
	}
	path := ""
	if c.Call != nil {
		path = "task"
	}
	e := m.canvas(path, c, nil)
	m.out.State, m.out.Cause = "success", e.cause
	if m.out.Result = e.value; !e.ok {
		m.out.State, m.out.Result = "failed", nil
	}
	return m.out
}

// given is a result that is handed on; a nil *given is none.
type given struct{ value any }

// canvas plays one canvas, callbacks included.
func (m *model) canvas(path string, c *windrow.Canvas, g *given) ending {
	name := nameOf(path, c)
	e := m.body(name, c, g)
	m.callbacks(name, c, e)
	return e
}

// body plays what a canvas is without its callbacks.
func (m *model) body(name string, c *windrow.Canvas, g *given) ending {
	switch {
	case c.Call != nil:
		return m.task(name, c.Call, g, false)
	case c.Chain != nil:
		return m.chain(name, c.Chain, g)
	case c.Group != nil:
		return m.group(name, "", c.Group, g)
	case c.Chord != nil:
		return m.chord(name, c.Chord, g)
	case c.Map != nil:
		return m.mapped(name, c.Map, false)
	case c.Starmap != nil:
		return m.mapped(name, c.Starmap, true)
	}
	e := m.mapped(name, c.Chunks, true)
	if e.ok {
		chunks := []any{}
		for chunk := range slices.Chunk(e.value.([]any), c.Chunks.Size) {
			chunks = append(chunks, slices.Clone(chunk))
		}
		e.value = chunks
	}
	return e
}

// nameOf is a canvas's own path: that of its place and, of one of several tasks,
// its kind.
func nameOf(path string, c *windrow.Canvas) string {
	kind := kindOf(c)
	switch {
	case kind == "task":
		return path
	case path == "":
		return kind
	}
	return path + "-" + kind
}

func kindOf(c *windrow.Canvas) string {
	switch {
	case c.Call != nil:
		return "task"
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
	}
	return "chunks"
}

func at(name, part string, i int) string {
	if part != "" {
		name += "-" + part
	}
	return name + "-" + strconv.Itoa(i)
}

// chain plays one element after another. Celery: the next begins only after
// the success of the one before and is given its result; after a failure the
// failure is written to all that come later.
func (m *model) chain(name string, of []windrow.Canvas, g *given) ending {
	e := m.canvas(at(name, "", 0), &of[0], g)
	for i := range of[1:] {
		path, next := at(name, "", i+1), &of[i+1]
		if e.ok {
			e = m.canvas(path, next, &given{e.value})
			continue
		}
		var told any
		if of[i].Group != nil && !e.passed { // a chord's header, whose body comes next
			told = e.told
		}
		m.never(path, next, upstreamFailed, told)
		e.passed = true
	}
	e.passed = false
	return e
}

// group plays all members, whatever becomes of one. Each is given what came
// before the group.
func (m *model) group(name, part string, of []windrow.Canvas, g *given) ending {
	all, list := ending{ok: true}, []any{}
	for i := range of {
		e := m.canvas(at(name, part, i), &of[i], g)
		all.failedBy(e)
		list = append(list, e.value)
	}
	if all.ok {
		all.value = list
	}
	return all
}

// failedBy notes the first failure.
func (e *ending) failedBy(member ending) {
	if e.ok && !member.ok {
		*e = ending{cause: member.cause, told: member.told}
	}
}

// chord plays the header, and the body with the list of its results. Celery:
// where a task of the header fails the body does not run, and its errback is
// called.
func (m *model) chord(name string, c *wire.Chord, g *given) ending {
	header := m.group(name, "header", c.Header, g)
	if !header.ok {
		m.never(name+"-body", &c.Body, upstreamFailed, header.told)
		return header
	}
	return m.canvas(name+"-body", &c.Body, &given{header.value})
}

// mapped plays one task an item. In Celery a map is one task that runs over the
// items; here every item is a task of its own, which another's failure does not
// stop.
func (m *model) mapped(name string, of *wire.Mapped, star bool) ending {
	all, list := ending{ok: true}, []any{}
	for i, item := range of.Items {
		e := m.task(at(name, "", i), &of.Task, &given{parse(item)}, star)
		all.failedBy(e)
		list = append(list, e.value)
	}
	if all.ok {
		all.value = list
	}
	return all
}

// callbacks plays those of a canvas that has ended: each once, when all of it
// has ended.
func (m *model) callbacks(name string, c *windrow.Canvas, e ending) {
	links, errbacks := linksOf(c)
	defer func(was bool) { m.callback = was }(m.callback)
	m.callback = true
	for i := range links {
		if path := at(name, "link", i); e.ok {
			m.canvas(path, &links[i], &given{e.value})
		} else {
			m.never(path, &links[i], upstreamFailed, nil)
		}
	}
	for i := range errbacks {
		if path := at(name, "link_error", i); e.ok {
			m.never(path, &errbacks[i], skipped, nil)
		} else {
			m.canvas(path, &errbacks[i], &given{e.told})
		}
	}
}

func linksOf(c *windrow.Canvas) (links, errbacks []windrow.Canvas) {
	if c.Call != nil {
		return c.Call.Link, c.Call.LinkError
	}
	return c.Link, c.LinkError
}

// never notes a canvas that did not get to run. Its link_error is not called,
// unless it is a chord's body and told of the header's failure.
func (m *model) never(path string, c *windrow.Canvas, state string, told any) {
	name := nameOf(path, c)
	switch {
	case c.Call != nil:
		m.neverTask(name, state)
	case c.Chain != nil:
		for i := range c.Chain {
			m.never(at(name, "", i), &c.Chain[i], state, nil)
		}
	case c.Group != nil:
		for i := range c.Group {
			m.never(at(name, "", i), &c.Group[i], state, nil)
		}
	case c.Chord != nil:
		for i := range c.Chord.Header {
			m.never(at(name, "header", i), &c.Chord.Header[i], state, nil)
		}
		m.never(name+"-body", &c.Chord.Body, state, nil)
	default:
		for i := range mappedOf(c).Items {
			m.neverTask(at(name, "", i), state)
		}
	}
	links, errbacks := linksOf(c)
	defer func(was bool) { m.callback = was }(m.callback)
	m.callback = true
	for i := range links {
		m.never(at(name, "link", i), &links[i], state, nil)
	}
	for i := range errbacks {
		if path := at(name, "link_error", i); told != nil {
			m.canvas(path, &errbacks[i], &given{told})
		} else {
			m.never(path, &errbacks[i], skipped, nil)
		}
	}
}

func mappedOf(c *windrow.Canvas) *wire.Mapped {
	switch {
	case c.Map != nil:
		return c.Map
	case c.Starmap != nil:
		return c.Starmap
	}
	return c.Chunks
}

func (m *model) neverTask(path, state string) {
	e := element{State: state}
	if state == upstreamFailed {
		e.Error = "dependency"
	}
	m.note(path, e)
}

func (m *model) note(path string, e element) {
	if _, twice := m.out.Elements[path]; twice {
		panic(fmt.Sprintf("two tasks are called %s", path))
	}
	e.Callback = m.callback
	m.out.Elements[path] = e
	m.out.order = append(m.out.order, path)
}

// task plays one call.
func (m *model) task(path string, c *windrow.Call, g *given, star bool) ending {
	stdin, told := called(path, c, g, star)
	e := element{State: "success", Attempts: 1}
	if m.revoked[path] {
		e = element{State: "revoked", Error: "revoked"}
	} else if c.Expires != nil {
		e = element{State: "revoked", Error: "expired"}
	} else {
		e.Result, e.Error, e.Attempts = oracle(c, stdin)
		if e.Error != "" {
			e.State = "failure"
		}
	}
	m.note(path, e)
	if e.Error == "" {
		return ending{ok: true, value: e.Result}
	}
	told["error"] = map[string]any{"type": e.Error}
	return ending{cause: path, told: told}
}

// called is what a call finds on its stdin, and what a link_error is told of
// it. Celery: the parent's result stands before the call's own args, unless the
// signature is immutable.
func called(path string, c *windrow.Call, g *given, star bool) (stdin any, told map[string]any) {
	told = map[string]any{"id": "@" + path, "task": c.Task, "args": []any{}, "kwargs": map[string]any{}, "input": nil}
	named := c.Args != nil || c.Kwargs != nil
	args := []any{}
	if c.Args != nil {
		args = parse(c.Args).([]any)
	}
	if c.Kwargs != nil {
		told["kwargs"] = parse(c.Kwargs)
	}
	switch {
	case c.Input != nil:
		told["input"] = parse(c.Input)
		return parse(c.Input), told
	case g == nil, c.Immutable && !star:
	case star:
		args = append(slices.Clone(g.value.([]any)), args...)
	case named:
		args = append([]any{g.value}, args...)
	default:
		told["input"] = g.value
		return g.value, told
	}
	told["args"] = args
	return map[string]any{"args": args, "kwargs": told["kwargs"]}, told
}

// oracle is what the guests do (internal/guests): the result or the type of the
// error, and how many attempts it took.
func oracle(c *windrow.Call, stdin any) (result any, errorType string, attempts uint32) {
	switch c.Task {
	case "echo.main":
		return stdin, "", 1
	case "noop.main":
		return nil, "", 1
	case "trap.main":
		return nil, "trap", 1
	case "fail.main":
		return nil, "exit_code", 1
	case "flaky.main":
		fails := stdin.(map[string]any)["args"].([]any)[0].(float64)
		if retries := float64(c.Retry.Max); fails > retries {
			return nil, "exit_code", uint32(retries) + 1
		}
		return fails + 1, "", uint32(fails) + 1
	}
	panic("no guest " + c.Task)
}

func parse(text []byte) any {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		panic(err)
	}
	return v
}
