package windrow

import (
	"encoding/json"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Canvas is tasks put together: a signature, or a chain, group, chord, map,
// starmap or chunks of others, nested in any way. [Client.Canvas] submits one.
type Canvas = wire.Canvas

// S is a signature: a call of a task that is part of a canvas. The result of
// what comes before it becomes its first argument, before args; without any
// args the result is its input, as down a pipe. It panics as [JSON] does.
func S(task string, args ...any) Canvas {
	c := Call{Task: task}
	if len(args) > 0 {
		c.Args = Args(args...)
	}
	return Sig(c)
}

// Si is an immutable signature: it is given its args alone, and no result.
func Si(task string, args ...any) Canvas {
	return Sig(Call{Task: task, Args: Args(args...), Immutable: true})
}

// Sig is a signature with all that a call can say.
func Sig(c Call) Canvas { return Canvas{Call: &c} }

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
// as [JSON] does.
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
		panic("windrow: a map is of a signature, not of a canvas of several tasks")
	}
	m := &wire.Mapped{Task: *s.Call, Items: make([]json.RawMessage, len(items)), Size: size}
	for i, item := range items {
		m.Items[i] = JSON(item)
	}
	return m
}

// Link gives a canvas callbacks: they are called with its result once all of it
// has succeeded.
func Link(c Canvas, callbacks ...Canvas) Canvas {
	if c.Call == nil {
		c.Link = append(c.Link[:len(c.Link):len(c.Link)], callbacks...)
		return c
	}
	call := *c.Call
	call.Link = append(call.Link[:len(call.Link):len(call.Link)], callbacks...)
	return Canvas{Call: &call}
}

// LinkError gives a canvas callbacks for its failure: once all of it has ended
// they are called with what is known of the first task that failed,
// {id, task, error, args, kwargs, input}.
func LinkError(c Canvas, callbacks ...Canvas) Canvas {
	if c.Call == nil {
		c.LinkError = append(c.LinkError[:len(c.LinkError):len(c.LinkError)], callbacks...)
		return c
	}
	call := *c.Call
	call.LinkError = append(call.LinkError[:len(call.LinkError):len(call.LinkError)], callbacks...)
	return Canvas{Call: &call}
}
