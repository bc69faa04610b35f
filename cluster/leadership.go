package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// Leadership is who leads, as far as this node knows.
type Leadership struct {
	Term uint64
	// Self: this node leads, has applied everything from before Term, and may
	// propose. What it proposes from then on is stamped by its clock.
	Self bool
	// ID and Addr are the leader's id and Raft address; empty: none known.
	ID, Addr string
}

// Leadership gives the present state and a channel that is closed when it has
// changed.
func (n *Node) Leadership() (Leadership, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.leadership, n.changed
}

func (n *Node) publish(l Leadership) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		l = Leadership{}
	}
	if l == n.leadership {
		return
	}
	n.leadership = l
	n.redirect(l)
	close(n.changed)
	n.changed = make(chan struct{})
}

// watchLeadership follows Raft's word on who leads.
func (n *Node) watchLeadership() {
	seen := make(chan raft.Observation, 16)
	observer := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	n.raft.RegisterObserver(observer)
	defer n.raft.DeregisterObserver(observer)
	n.follow()
	for {
		select {
		case won := <-n.notify:
			if won {
				n.lead()
			} else {
				n.proposer.close()
				n.follow()
			}
		case <-seen: // a full channel loses hints, but then one is left to read
			if l, _ := n.Leadership(); !l.Self {
				n.follow()
			}
		case <-n.ctx.Done():
			n.proposer.close()
			return
		}
	}
}

// follow publishes another node's leadership, or that there is none.
func (n *Node) follow() {
	addr, id := n.raft.LeaderWithID()
	if id == n.id { // known once lead has found this node ready
		addr, id = "", ""
	}
	n.publish(Leadership{Term: n.raft.CurrentTerm(), ID: string(id), Addr: string(addr)})
}

// readyPoll is how often a new leader looks whether its first entry is
// committed: a matter of one write.
const readyPoll = 200 * time.Microsecond

// lead makes a won election a leadership that can be used: an entry of the new
// term is committed, so everything before it is too, and all that is applied.
func (n *Node) lead() {
	term := n.raft.CurrentTerm()
	ticker := time.NewTicker(readyPoll)
	defer ticker.Stop()
	for !n.committedIn(term) {
		select {
		case <-ticker.C:
			if n.raft.State() != raft.Leader || n.raft.CurrentTerm() != term {
				return
			}
		case <-n.ctx.Done():
			return
		}
	}
	if !n.caughtUp(n.ctx, term) || !n.passRestored() {
		return
	}
	n.startTime()
	if n.raft.State() != raft.Leader || n.raft.CurrentTerm() != term {
		return
	}
	n.proposer.open(term)
	n.publish(Leadership{Term: term, Self: true, ID: string(n.id), Addr: n.cfg.RaftAddr})
	n.log.Info("this node leads", "term", term)
}

// committedIn tells whether an entry of this term is committed.
func (n *Node) committedIn(term uint64) bool {
	commit := n.raft.CommitIndex()
	if commit == 0 {
		return false
	}
	var l raft.Log
	return n.logs.GetLog(commit, &l) == nil && l.Term == term
}

// caughtUpPoll is how often a new leader that applies a long log looks whether
// it still leads.
const caughtUpPoll = 50 * time.Millisecond

// caughtUp waits until everything committed so far is applied; false means
// that leadership went first.
func (n *Node) caughtUp(ctx context.Context, term uint64) bool {
	index, err := n.logs.lastCommand(n.raft.CommitIndex(), n.shard.AppliedIndex())
	for err == nil {
		wait, cancel := context.WithTimeout(ctx, caughtUpPoll)
		waited := n.applied.wait(wait, index)
		cancel()
		if waited == nil {
			return true
		}
		if ctx.Err() != nil || n.raft.State() != raft.Leader || n.raft.CurrentTerm() != term {
			return false
		}
	}
	n.log.Error("read the log", "error", err)
	return false
}

// passRestored fills the log with empty entries up to what the shard holds. A
// received snapshot may be newer than its index; a server that leads with it
// and without the entries it came from, after a recovery by hand, must not
// give their indexes to new commands, which the shard would skip.
func (n *Node) passRestored() bool {
	for n.raft.LastIndex() < n.shard.AppliedIndex() {
		if err := n.raft.Barrier(0).Error(); err != nil {
			return false
		}
	}
	return true
}
