package replica

import (
	"errors"
	"sync"

	"github.com/windrow-dev/windrow/queue"
)

// keptLists is how many lists are remembered that were put together last: each
// of a thousand tasks that are given the same one is handed the same bytes.
const keptLists = 64

// lists remembers the values of nodes that are put together of results. They
// never change. Those above queue.MaxInline lie in blobs.
type lists struct {
	mu    sync.Mutex
	of    map[nodeName]*list
	order []nodeName // oldest first
}

type nodeName struct {
	run  queue.ID
	node uint32
}

// errUnmade is told those who waited for a value whose making broke off.
var errUnmade = errors.New("the value was not put together")

// list is a value, once done is closed.
type list struct {
	done chan struct{}
	v    value
	err  error
}

// get gives a value that is remembered, or has it made by one of those who ask
// for it at a time. What failed by chance is made anew.
func (c *lists) get(name nodeName, has func(digest string) bool, build func() (value, error)) (value, error) {
	for {
		x, mine := c.find(name)
		if mine {
			x.make(build)
		}
		<-x.done
		if x.err != nil && !errors.As(x.err, new(*queue.Lasting)) {
			c.forget(name, x)
		}
		if !mine && x.err == nil && x.v.blob != "" && !has(x.v.blob) {
			c.forget(name, x)
			continue
		}
		return x.v, x.err
	}
}

// make makes the value; whoever waits for it hears even of a panic.
func (x *list) make(value func() (value, error)) {
	x.err = errUnmade
	defer close(x.done)
	x.v, x.err = value()
}

// find gives what is remembered or being made, or something new to be made.
func (c *lists) find(name nodeName) (x *list, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.of[name]; x != nil {
		return x, false
	}
	if c.of == nil {
		c.of = map[nodeName]*list{}
	}
	x = &list{done: make(chan struct{})}
	c.of[name] = x
	c.order = append(c.order, name)
	for len(c.order) > keptLists {
		delete(c.of, c.order[0])
		c.order = c.order[1:]
	}
	return x, true
}

func (c *lists) forget(name nodeName, x *list) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[name] == x {
		delete(c.of, name)
	}
}
