// Package api is Windrow's HTTP edge: it reads and checks requests, turns them
// into commands, and answers from what a node has applied. It decides nothing
// about tasks itself and knows neither Raft nor the state machine; what it
// needs of a node it says in the small interfaces of node.go.
//
// Fiber promises nothing about a request's memory once its handler has
// returned. So everything that outlives a handler is copied at the edge: bodies
// are read into memory of their own (body.go), names are cloned, and no
// fiber.Ctx is ever handed to another goroutine.
package api
