package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// WaitIndex waits until an entry has been applied here.
func (n *Node) WaitIndex(ctx context.Context, index uint64) error {
	return n.applied.wait(ctx, index)
}

// ReadIndex waits until this node shows everything that was acknowledged
// anywhere before the call, and returns the entry it shows at least. Whatever
// is read afterwards is linearizable. Without a leader it waits for one as
// long as ctx allows, then fails with ErrNoLeader.
func (n *Node) ReadIndex(ctx context.Context) (uint64, error) {
	if n.alone() {
		// Nobody else can have acknowledged anything, and what this node
		// acknowledged it had applied.
		return n.shard.AppliedIndex(), nil
	}
	index, err := n.reads.join(ctx)
	if err != nil {
		return 0, err
	}
	return index, n.applied.wait(ctx, index)
}

// alone tells whether this node leads and is the only voter. No other can take
// over without its vote, which would end its leadership first.
func (n *Node) alone() bool {
	l, _ := n.Leadership()
	if !l.Self || n.raft.State() != raft.Leader {
		return false
	}
	voters := 0
	for _, s := range n.raft.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			if s.ID != n.id {
				return false
			}
			voters++
		}
	}
	return voters == 1
}

// confirmed is the leader's read index: this node led in its term after the
// call began, and everything committed by then is at or below the index.
func (n *Node) confirmed() (uint64, error) {
	l, _ := n.Leadership()
	if !l.Self { // then an entry of its own term is committed
		return 0, ErrNotLeader
	}
	commit := n.raft.CommitIndex()
	if !n.alone() {
		if err := n.raft.VerifyLeader().Error(); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrNotLeader, err)
		}
	}
	if n.raft.State() != raft.Leader || n.raft.CurrentTerm() != l.Term {
		return 0, ErrNotLeader
	}
	return n.logs.lastCommand(commit, n.shard.AppliedIndex())
}

// readIndex asks whoever leads for its read index.
func (n *Node) readIndex() (uint64, error) {
	l, _ := n.Leadership()
	switch {
	case l.Self:
		return n.confirms.once(n.ctx)
	case l.Addr == "":
		return 0, ErrNotLeader
	}
	ctx, cancel := context.WithTimeout(n.ctx, readLimit)
	defer cancel()
	b, err := n.cfg.Net.Call(ctx, l.Addr, callRead, nil)
	if err != nil { // a read that got no answer has done nothing
		return 0, fmt.Errorf("%w: %w", ErrNotLeader, err)
	}
	index, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, errWire
	}
	return index, nil
}

// readLimit is how long a leader has to answer before it is asked again, or
// the next one is.
const readLimit = time.Second

func (n *Node) serveRead(ctx context.Context, _ []byte) ([]byte, error) {
	index, err := n.confirms.once(ctx)
	if err != nil {
		return nil, err
	}
	return binary.AppendUvarint(nil, index), nil
}

// readRounds coalesces reads: all that ask while a round is under way share the
// next one, which begins after they asked.
type readRounds struct {
	node *Node
	ask  func() (uint64, error)

	mu      sync.Mutex
	running bool
	next    *readRound
	closed  bool
}

type readRound struct {
	done  chan struct{}
	index uint64
	err   error
}

func newReadRounds(n *Node, ask func() (uint64, error)) *readRounds {
	return &readRounds{node: n, ask: ask}
}

// once takes part in the next round.
func (r *readRounds) once(ctx context.Context) (uint64, error) {
	round, err := r.enter()
	if err != nil {
		return 0, err
	}
	select {
	case <-round.done:
		return round.index, round.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrNoLeader, context.Cause(ctx))
	}
}

// join repeats rounds until one has found a leader.
func (r *readRounds) join(ctx context.Context) (uint64, error) {
	for {
		_, changed := r.node.Leadership()
		index, err := r.once(ctx)
		if !errors.Is(err, ErrNotLeader) {
			return index, err
		}
		if err := r.node.waitLeader(ctx, changed); err != nil {
			return 0, err
		}
	}
}

func (r *readRounds) enter() (*readRound, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if r.next == nil {
		r.next = &readRound{done: make(chan struct{})}
		if !r.running {
			r.running = true
			r.node.work.Go(r.run)
		}
	}
	return r.next, nil
}

func (r *readRounds) run() {
	for {
		r.mu.Lock()
		round := r.next
		r.next = nil
		if round == nil {
			r.running = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		round.index, round.err = r.ask()
		close(round.done)
	}
}

func (r *readRounds) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

func (r *readRounds) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.running
}

// retryPause is how long to wait before asking again when the leader that is
// known did not answer as one and nothing has changed yet.
const retryPause = 20 * time.Millisecond

// waitLeader waits for a change of leadership, or a moment.
func (n *Node) waitLeader(ctx context.Context, changed <-chan struct{}) error {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-changed:
		return nil
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoLeader, context.Cause(ctx))
	case <-n.ctx.Done():
		return ErrClosed
	}
}
