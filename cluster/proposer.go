package cluster

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/command"
)

// Bounds of one log entry.
const (
	entryBytes    = 256 << 10
	entryCommands = 1024
	// entriesInFlight: one is being written while the next one fills. A second
	// one pays once so much waits; with less it costs a write of its own that
	// the first one's callers have to wait for, too [few callers: a third more
	// commands a second without].
	entriesInFlight = 2
	secondCommands  = 16
	secondBytes     = 16 << 10
	// commandBytes is the largest single command; MaxCommand is what its
	// maker aims at, and envelopes come on top.
	commandBytes = 4 * entryBytes
)

// inlineBytes is up to how many queued bytes the applying goroutine builds the
// next entry itself rather than wake another to do it.
const inlineBytes = 16 << 10

// unreaped bounds entries whose future has not been looked at yet.
const unreaped = 16

// call is one or more commands of one caller, kept together in one entry.
type call struct {
	cmds [][]byte
	size int

	// Set before done is signalled.
	results     []command.Result
	index, term uint64
	err         error
	done        chan struct{} // buffered by one

	state callState // guarded by the queue's mutex
}

type callState uint8

const (
	callQueued  callState = iota
	callSent              // in an entry or a request; the outcome is not ours to decide
	callGivenUp           // its caller has left before it was sent
)

func newCall(cmds [][]byte) (*call, error) {
	c := &call{cmds: cmds, done: make(chan struct{}, 1)}
	for _, cmd := range cmds {
		c.size += len(cmd) + 4
	}
	if c.size > commandBytes || len(cmds) > 4*entryCommands {
		return nil, fmt.Errorf("%w: %d commands of %d bytes", ErrTooLarge, len(cmds), c.size)
	}
	return c, nil
}

func (c *call) end(results []command.Result, index, term uint64, err error) {
	c.results, c.index, c.term, c.err = results, index, term, err
	c.done <- struct{}{}
}

// await waits for a call's outcome. A caller whose time is over takes it out of
// the queue, which the mutex guards, unless it is on its way already.
func (c *call) await(ctx context.Context, mu *sync.Mutex, queue *callQueue) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	select {
	case <-c.done:
		return c.err
	default:
	}
	if c.state == callSent {
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, context.Cause(ctx))
	}
	c.state = callGivenUp
	queue.givenUp(c)
	return fmt.Errorf("%w: %w", ErrNotLeader, context.Cause(ctx))
}

// entry is a log entry under way.
type entry struct {
	data   []byte
	count  int
	calls  []*call
	future raft.ApplyFuture
}

// proposer gathers the commands of concurrent callers into log entries. A lone
// command leaves at once, from its caller's goroutine, and its result wakes the
// caller straight from the applying goroutine.
type proposer struct {
	apply func(data []byte) raft.ApplyFuture
	clock *Clock

	wake chan struct{}
	reap chan *entry

	mu       sync.Mutex
	term     uint64 // 0: this node does not lead, or has not caught up yet
	queue    callQueue
	inflight []*entry
	unreaped int
}

func newProposer(apply func([]byte) raft.ApplyFuture, clock *Clock) *proposer {
	return &proposer{apply: apply, clock: clock, wake: make(chan struct{}, 1), reap: make(chan *entry, unreaped)}
}

// open lets commands in: this node leads in a term and has applied everything
// before it.
func (p *proposer) open(term uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.term = term
}

// close turns everything away that is in no entry yet.
func (p *proposer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.term = 0
	for c := p.queue.pop(); c != nil; c = p.queue.pop() {
		c.end(nil, 0, 0, ErrNotLeader)
	}
}

// propose sends a call and waits for its outcome.
func (p *proposer) propose(ctx context.Context, c *call) error {
	p.mu.Lock()
	if p.term == 0 {
		p.mu.Unlock()
		return ErrNotLeader
	}
	c.state = callQueued
	p.queue.push(c)
	p.flush()
	p.mu.Unlock()
	return c.await(ctx, &p.mu, &p.queue)
}

// flush sends entries while there is something to send and room for it. The
// mutex is held, which keeps T in the order of the log.
func (p *proposer) flush() {
	for p.term != 0 && p.room() && p.unreaped < unreaped {
		calls, count, size := p.queue.take(entryCommands, entryBytes)
		if count == 0 {
			return
		}
		e := &entry{calls: calls, count: count}
		e.data = command.AppendBatch(make([]byte, 0, size+32), p.clock.Now(), count)
		for _, c := range calls {
			for _, cmd := range c.cmds {
				e.data = command.AppendCommand(e.data, cmd)
			}
		}
		p.inflight = append(p.inflight, e)
		p.unreaped++
		e.future = p.apply(e.data)
		p.reap <- e
	}
}

// room tells whether another entry may go out now.
func (p *proposer) room() bool {
	if len(p.inflight) == 0 {
		return true
	}
	return len(p.inflight) < entriesInFlight &&
		(p.queue.count >= secondCommands || p.queue.bytes >= secondBytes)
}

// applied gives the results of an entry to those who wait for it, if it is one
// of this node's, and reports whether it is and no other follows it.
func (p *proposer) applied(l *raft.Log, results []command.Result) bool {
	p.mu.Lock()
	var mine *entry
	for _, e := range p.inflight {
		if len(l.Data) == len(e.data) && &l.Data[0] == &e.data[0] {
			mine = e
		}
	}
	p.mu.Unlock()
	if mine == nil {
		return false
	}
	if len(results) != mine.count {
		panic(fmt.Sprintf("log entry %d of %d commands gave %d results", l.Index, mine.count, len(results)))
	}
	return p.finish(mine, results, l.Index, l.Term, nil)
}

// finish ends an entry once; the second report of it changes nothing. It
// reports whether it left none under way.
func (p *proposer) finish(e *entry, results []command.Result, index, term uint64, err error) bool {
	p.mu.Lock()
	if !p.release(e) {
		p.mu.Unlock()
		return false
	}
	if p.queue.bytes <= inlineBytes {
		p.flush()
	} else {
		p.poke()
	}
	last := len(p.inflight) == 0
	p.mu.Unlock()
	for _, c := range e.calls {
		if err != nil {
			c.end(nil, 0, 0, err)
			continue
		}
		n := len(c.cmds)
		c.end(results[:n:n], index, term, nil)
		results = results[n:]
	}
	return last
}

func (p *proposer) release(e *entry) bool {
	for i, other := range p.inflight {
		if other == e {
			p.inflight = append(p.inflight[:i], p.inflight[i+1:]...)
			return true
		}
	}
	return false
}

func (p *proposer) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run builds large entries and learns of those that failed, until ctx ends.
func (p *proposer) run(ctx context.Context, work *sync.WaitGroup) {
	work.Go(func() {
		for {
			select {
			case <-p.wake:
				p.mu.Lock()
				p.flush()
				p.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	})
	work.Go(func() {
		for {
			select {
			case e := <-p.reap:
				p.reapOne(e)
			case <-ctx.Done():
				return
			}
		}
	})
}

func (p *proposer) reapOne(e *entry) {
	err := e.future.Error()
	p.mu.Lock()
	p.unreaped--
	waits := p.queue.count > 0
	p.mu.Unlock()
	if err != nil {
		p.finish(e, nil, 0, 0, proposalError(err))
	} else if waits {
		p.poke()
	}
}

// idle reports whether no entry is under way.
func (p *proposer) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.inflight) == 0 && p.unreaped == 0
}
