package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// Raft tells followers that an entry is committed with the next entry, or
// within 50 to 100 ms when none comes. For a follower's clients that is a long
// time, so an idle leader says it at once, on a stream that every follower
// opens. The follower then tells its own Raft what the leader's Raft would
// have: "the entry at index, of my term, is committed".

// commitFeed holds the newest entry worth telling of.
type commitFeed struct {
	listeners atomic.Int32

	mu      sync.Mutex
	term    uint64
	index   uint64
	changed chan struct{}
}

func newCommitFeed() *commitFeed { return &commitFeed{changed: make(chan struct{})} }

func (f *commitFeed) tell(term, index uint64) {
	if f.listeners.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.term, f.index = term, index
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *commitFeed) newest() (term, index uint64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.term, f.index, f.changed
}

// serveCommits tells one follower of what is committed, the newest only.
func (n *Node) serveCommits(ctx context.Context, s peer.Stream) {
	n.feed.listeners.Add(1)
	defer n.feed.listeners.Add(-1)
	ended := make(chan struct{})
	n.cfg.Net.Go(func() { // notices that the follower has gone
		defer close(ended)
		_, _ = s.Recv()
	})
	var told uint64
	for {
		term, index, changed := n.feed.newest()
		if index > told {
			told = index
			if s.Send(binary.AppendUvarint(binary.AppendUvarint(nil, term), index)) != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-n.ctx.Done():
			return
		}
	}
}

// commitHint is the newest entry that the leader said is committed.
type commitHint struct {
	leader      Leadership
	term, index uint64
}

// hints hands the newest hint to the goroutine that tells Raft.
type hints struct {
	mu     sync.Mutex
	newest commitHint
	stored uint64 // newest entry in the log
	wake   chan struct{}
}

func (h *hints) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hints) hear(c commitHint) {
	h.mu.Lock()
	h.newest = c
	ready := h.stored >= c.index
	h.mu.Unlock()
	if ready {
		h.poke()
	}
}

// logged hears of the log's growth: a hint may have come before its entry.
func (h *hints) logged(index uint64) {
	h.mu.Lock()
	ready := h.newest.index <= index && h.newest.index > h.stored
	h.stored = index
	h.mu.Unlock()
	if ready {
		h.poke()
	}
}

func (h *hints) take() commitHint {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.newest
}

// listenCommits keeps a stream to whoever leads.
func (n *Node) listenCommits() {
	for {
		l, changed := n.Leadership()
		if !l.Self && l.Addr != "" {
			n.hearCommits(l, changed)
		}
		if l.Self || l.Addr == "" {
			select {
			case <-changed:
			case <-n.ctx.Done():
				return
			}
			continue
		}
		if n.waitLeader(n.ctx, changed) != nil {
			return
		}
	}
}

// hearCommits follows one leader until it is no longer one.
func (n *Node) hearCommits(l Leadership, changed <-chan struct{}) {
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	n.work.Go(func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	})
	s, err := n.cfg.Net.Dial(ctx, l.Addr, streamCommits)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	for {
		b, err := s.Recv()
		if err != nil {
			return
		}
		term, index, err := readHint(b)
		if err != nil {
			n.log.Warn("commit of another node", "error", err)
			return
		}
		n.hints.hear(commitHint{leader: l, term: term, index: index})
	}
}

func readHint(b []byte) (term, index uint64, err error) {
	term, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0, errWire
	}
	index, m := binary.Uvarint(b[n:])
	if m <= 0 || n+m != len(b) {
		return 0, 0, errWire
	}
	return term, index, nil
}

// tellRaft passes hints on to this node's Raft, in the words of the leader's.
// It is what a delayed message of that leader could have said: the term is the
// leader's, and the entry is checked to be the same here by its term, so that
// everything up to it is the same too.
func (n *Node) tellRaft() {
	for {
		select {
		case <-n.hints.wake:
		case <-n.ctx.Done():
			return
		}
		h := n.hints.take()
		if err := n.commitUpTo(h); err != nil && n.ctx.Err() == nil {
			n.log.Debug("pass on a commit", "index", h.index, "error", err)
		}
	}
}

var errHintTerm = errors.New("the entry here is of another term")

func (n *Node) commitUpTo(h commitHint) error {
	if h.term == 0 || n.raft.CommitIndex() >= h.index || n.raft.State() != raft.Follower {
		return nil
	}
	var l raft.Log
	if err := n.logs.GetLog(h.index, &l); err != nil {
		return err
	}
	if l.Term != h.term {
		return errHintTerm
	}
	request := &raft.AppendEntriesRequest{
		RPCHeader: raft.RPCHeader{
			ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(h.leader.ID), Addr: []byte(h.leader.Addr),
		},
		Term:         h.term,
		PrevLogEntry: h.index, PrevLogTerm: h.term, LeaderCommitIndex: h.index,
	}
	return n.transport.AppendEntries(n.id, raft.ServerAddress(n.cfg.RaftAddr), request, &raft.AppendEntriesResponse{})
}
