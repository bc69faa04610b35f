package cluster

import (
	"context"
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
// call began, and everything committed by then is at or below index. hint is
// an entry up to which a follower may apply, with its term; 0 is none.
func (n *Node) confirmed() (index uint64, hint commitHint, err error) {
	l, _ := n.Leadership()
	if !l.Self { // then an entry of its own term is committed
		return 0, hint, ErrNotLeader
	}
	commit := n.raft.CommitIndex()
	if !n.alone() {
		if err := n.raft.VerifyLeader().Error(); err != nil {
			return 0, hint, fmt.Errorf("%w: %w", ErrNotLeader, err)
		}
	}
	if n.raft.State() != raft.Leader || n.raft.CurrentTerm() != l.Term {
		return 0, hint, ErrNotLeader
	}
	index, _, err = n.logs.lastCommand(commit, n.shard.AppliedIndex())
	if err != nil {
		return 0, hint, err
	}
	return index, n.hint(l.Term, index), nil
}

// readRounds coalesces reads: all that ask while a round is under way share the
// next one, which begins after they asked.
type readRounds struct {
	node *Node

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

func newReadRounds(n *Node) *readRounds { return &readRounds{node: n} }

// join takes part in the next round. Rounds that find no leader are repeated.
func (r *readRounds) join(ctx context.Context) (uint64, error) {
	for {
		_, changed := r.node.Leadership()
		round, err := r.enter()
		if err != nil {
			return 0, err
		}
		select {
		case <-round.done:
		case <-ctx.Done():
			return 0, fmt.Errorf("%w: %w", ErrNoLeader, context.Cause(ctx))
		}
		if round.err == nil {
			return round.index, nil
		}
		if !errors.Is(round.err, ErrNotLeader) {
			return 0, round.err
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
		round.index, round.err = r.node.readIndex()
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
