// Package link is what a worker and the leader say to each other: the messages,
// their bytes on a stream, and the worker's end of that stream. It decides
// nothing; cluster/lead does on one side, the worker on the other.
//
// A link that breaks loses whatever was under way. Both sides know enough to
// go on over the next one: the worker says what it holds, and is sent what it
// lacks.
package link
