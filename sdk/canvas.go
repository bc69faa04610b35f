package windrow

import (
	"github.com/windrow-dev/windrow/sdk/canvas"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Canvas is tasks put together: a signature, or a chain, group, chord, map,
// starmap or chunks of others, nested in any way. [Client.Canvas] submits one.
type Canvas = wire.Canvas

// S is a signature: a call of a task that is part of a canvas. The result of
// what comes before it becomes its first argument, before args; without any
// args the result is its input, as down a pipe. It panics as [JSON] does.
func S(task string, args ...any) Canvas { return canvas.S(task, args...) }

// Si is an immutable signature: it is given its args alone, and no result.
func Si(task string, args ...any) Canvas { return canvas.Si(task, args...) }

// Sig is a signature with all that a call can say.
func Sig(c Call) Canvas { return canvas.Sig(c) }

// Chain runs canvases one after another; each is given the result of the one
// before. Its result is the last one's.
func Chain(elements ...Canvas) Canvas { return canvas.Chain(elements...) }

// Group runs canvases at once. Its result is the list of theirs, in order,
// however many there are. Before another element of a chain it is a chord's
// header.
func Group(members ...Canvas) Canvas { return canvas.Group(members...) }

// Chord runs the header at once, and then the body with the list of its
// results.
func Chord(header []Canvas, body Canvas) Canvas { return canvas.Chord(header, body) }

// Map makes a task of each item, which the signature is given in a result's
// place. Its result is the list of theirs. It panics if s is no signature, or
// as [JSON] does.
func Map[T any](s Canvas, items []T) Canvas { return canvas.Map(s, items) }

// Starmap makes a task of each item, a list of arguments. It panics as [Map]
// does.
func Starmap(s Canvas, items [][]any) Canvas { return canvas.Starmap(s, items) }

// Chunks is Starmap with the results in lists of size. It panics as [Map] does.
func Chunks(s Canvas, items [][]any, size int) Canvas { return canvas.Chunks(s, items, size) }

// Link gives a canvas callbacks: they are called with its result once all of it
// has succeeded.
func Link(c Canvas, callbacks ...Canvas) Canvas { return canvas.Link(c, callbacks...) }

// LinkError gives a canvas callbacks for its failure: once all of it has ended
// they are called with what is known of the first task that failed,
// {id, task, error, args, kwargs, input}.
func LinkError(c Canvas, callbacks ...Canvas) Canvas { return canvas.LinkError(c, callbacks...) }
