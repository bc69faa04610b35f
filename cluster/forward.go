package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/windrow-dev/windrow/cluster/command"
)

// requestsInFlight is how many forwarded requests travel at once: enough for
// the leader's entries to overlap.
const requestsInFlight = 4

// forwarder gathers the commands of this node's callers into requests to one
// leader. A lone command leaves at once.
type forwarder struct {
	node *Node
	addr string
	// connect ends when the forwarder is retired: nobody waits any longer for
	// a connection to a leader that is gone.
	connect context.Context
	giveUp  context.CancelFunc

	mu       sync.Mutex
	queue    callQueue
	inflight int
	retired  bool // another node leads now
}

// forward sends a call through the leader, if another node leads.
func (n *Node) forward(ctx context.Context, c *call) error {
	f := n.forwarding()
	if f == nil {
		return ErrNotLeader
	}
	f.mu.Lock()
	if f.retired {
		f.mu.Unlock()
		return ErrNotLeader
	}
	c.state = callQueued
	f.queue.push(c)
	f.flush()
	f.mu.Unlock()
	return c.await(ctx, &f.mu, &f.queue)
}

// forwarding is the way to the present leader, or nil.
func (n *Node) forwarding() *forwarder {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.forwarder
}

// redirect makes a new way for a new leader; what waits for the old one is
// free to go there. The node's mutex is held.
func (n *Node) redirect(l Leadership) {
	old := n.forwarder
	switch {
	case l.Self || l.Addr == "":
		n.forwarder = nil
	case old == nil || old.addr != l.Addr:
		n.forwarder = &forwarder{node: n, addr: l.Addr}
		n.forwarder.connect, n.forwarder.giveUp = context.WithCancel(n.ctx)
	}
	if old != nil && old != n.forwarder {
		old.retire()
	}
}

func (f *forwarder) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired = true
	f.giveUp()
	for c := f.queue.pop(); c != nil; c = f.queue.pop() {
		c.end(nil, 0, 0, ErrNotLeader)
	}
}

// flush sends requests while there is something to send and room for it. The
// mutex is held.
func (f *forwarder) flush() {
	for f.inflight < requestsInFlight && !f.retired {
		calls, count, size := f.queue.take(entryCommands, entryBytes)
		if count == 0 {
			return
		}
		f.inflight++
		f.node.work.Go(func() { f.send(calls, count, size) })
	}
}

func (f *forwarder) send(calls []*call, count, size int) {
	cmds := make([][]byte, 0, count)
	for _, c := range calls {
		cmds = append(cmds, c.cmds...)
	}
	index, results, err := f.ask(cmds, size)
	f.mu.Lock()
	f.inflight--
	f.flush()
	f.mu.Unlock()
	for _, c := range calls {
		if err != nil {
			c.end(nil, 0, 0, err)
			continue
		}
		n := len(c.cmds)
		c.end(results[:n:n], index, 0, nil)
		results = results[n:]
	}
}

// ask is not bound to any caller's time: the request carries the commands of
// several. It ends with the connection at the latest.
func (f *forwarder) ask(cmds [][]byte, size int) (uint64, []command.Result, error) {
	if err := f.node.cfg.Net.Reach(f.connect, f.addr); err != nil {
		return 0, nil, fromPeer(err)
	}
	b, err := f.node.cfg.Net.Call(f.node.ctx, f.addr, callPropose, appendList(make([]byte, 0, size+8), cmds))
	if err != nil {
		return 0, nil, fromPeer(err)
	}
	index, results, err := readOutcome(b)
	if err == nil && len(results) != len(cmds) {
		err = fmt.Errorf("%w: %d results for %d commands", errWire, len(results), len(cmds))
	}
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return index, results, nil
}

// servePropose carries out another node's request. It does not pass it on:
// the other node asks the next leader itself.
func (n *Node) servePropose(ctx context.Context, b []byte) ([]byte, error) {
	cmds, err := readList(b)
	if err != nil {
		return nil, err
	}
	if len(cmds) == 0 {
		return nil, errors.New("no commands")
	}
	results := make([]command.Result, len(cmds))
	let := make([][]byte, 0, len(cmds))
	for i, cmd := range cmds {
		if results[i] = n.cfg.Check(cmd); results[i].Code == command.OK {
			let = append(let, cmd)
		}
	}
	c, err := newCall(let)
	if err != nil {
		return nil, err
	}
	c.index = n.AppliedIndex()
	if len(let) > 0 {
		if err := n.proposer.propose(ctx, c); err != nil {
			return nil, err
		}
	}
	next := c.results
	for i := range results {
		if results[i].Code == command.OK {
			results[i], next = next[0], next[1:]
		}
	}
	return appendOutcome(nil, c.index, results), nil
}
