// Package canvas writes canvases: tasks put together. It is for programs, which
// submit them by a client, and for guests, which spawn them.
//
//	canvas.Chain(canvas.S("shop.price", order), canvas.Group(canvas.S("shop.bill"), canvas.S("shop.pack")))
package canvas

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Canvas is tasks put together: a signature, or a chain, group, chord, map,
// starmap or chunks of others, nested in any way.
type Canvas = wire.Canvas

// S is a signature: a call of a task that is part of a canvas. The result of
// what comes before it becomes its first argument, before args; without any
// args the result is its input, as down a pipe. It panics where args cannot be
// JSON, such as a channel: a mistake in the program.
func S(task string, args ...any) Canvas {
	c := wire.Call{Task: task}
	if len(args) > 0 {
		c.Args = argsOf(args)
	}
	return Sig(c)
}

// Si is an immutable signature: it is given its args alone, and no result.
func Si(task string, args ...any) Canvas {
	return Sig(wire.Call{Task: task, Args: argsOf(args), Immutable: true})
}

// Sig is a signature with all that a call can say.
func Sig(c wire.Call) Canvas { return Canvas{Call: &c} }

// Chain runs canvases one after another; each is given the result of the one
// before. Its result is the last one's.
func Chain(elements ...Canvas) Canvas { return Canvas{Chain: list0(elements)} }

// Group runs canvases at once. Its result is the list of theirs, in order,
// however many there are. Before another element of a chain it is a chord's
// header.
func Group(members ...Canvas) Canvas { return Canvas{Group: list0(members)} }

// Chord runs the header at once, and then the body with the list of its
// results.
func Chord(header []Canvas, body Canvas) Canvas {
	return Canvas{Chord: &wire.Chord{Header: list0(header), Body: body}}
}

// Map makes a task of each item, which the signature is given in a result's
// place. Its result is the list of theirs. It panics if s is no signature, or
// as [S] does.
func Map[T any](s Canvas, items []T) Canvas { return Canvas{Map: mapped(s, items, 0)} }

// Starmap makes a task of each item, a list of arguments. It panics as [Map]
// does.
func Starmap(s Canvas, items [][]any) Canvas { return Canvas{Starmap: mapped(s, items, 0)} }

// Chunks is Starmap with the results in lists of size. It panics as [Map] does.
func Chunks(s Canvas, items [][]any, size int) Canvas {
	return Canvas{Chunks: mapped(s, items, size)}
}

func list0(list []Canvas) []Canvas {
	if list == nil {
		return []Canvas{}
	}
	return list
}

func mapped[T any](s Canvas, items []T, size int) *wire.Mapped {
	if s.Call == nil {
		panic("canvas: a map is of a signature, not of a canvas of several tasks")
	}
	m := &wire.Mapped{Task: *s.Call, Items: make([]json.RawMessage, len(items)), Size: size}
	for i, item := range items {
		m.Items[i] = text(item)
	}
	return m
}

// Link gives a canvas callbacks: they are called with its result once all of it
// has succeeded.
func Link(c Canvas, callbacks ...Canvas) Canvas {
	if c.Call == nil {
		c.Link = append(slices.Clip(c.Link), callbacks...)
		return c
	}
	call := *c.Call
	call.Link = append(slices.Clip(call.Link), callbacks...)
	return Canvas{Call: &call}
}

// LinkError gives a canvas callbacks for its failure: once all of it has ended
// they are called with what is known of the first task that failed,
// {id, task, error, args, kwargs, input}.
func LinkError(c Canvas, callbacks ...Canvas) Canvas {
	if c.Call == nil {
		c.LinkError = append(slices.Clip(c.LinkError), callbacks...)
		return c
	}
	call := *c.Call
	call.LinkError = append(slices.Clip(call.LinkError), callbacks...)
	return Canvas{Call: &call}
}

func argsOf(values []any) json.RawMessage {
	if values == nil {
		values = []any{}
	}
	return text(values)
}

// text is json.Marshal that leaves <, > and & as they are, since nothing here
// ends up within HTML and guests read what was written.
func text(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("canvas: no JSON value: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
