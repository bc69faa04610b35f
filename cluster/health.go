package cluster

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// diskLimit is how long one write of the log may take. Raft's heartbeats do not
// pass through the disk, so a leader whose disk hangs would lead for ever.
const diskLimit = 10 * time.Second

// writeWatch follows the log's writes.
type writeWatch struct {
	began atomic.Int64 // unix nanoseconds; 0: none under way
	err   atomic.Pointer[error]
}

func (w *writeWatch) begin() { w.began.Store(time.Now().UnixNano()) }

func (w *writeWatch) end(err error) {
	w.began.Store(0)
	if err == nil {
		w.err.Store(nil)
	} else {
		w.err.Store(&err)
	}
}

// stuck is how long the write under way has taken.
func (w *writeWatch) stuck() time.Duration {
	if began := w.began.Load(); began != 0 {
		return time.Since(time.Unix(0, began))
	}
	return 0
}

// watchDisk gives the node up when its log can no longer be written, so that
// others lead.
func (n *Node) watchDisk() {
	slow := false
	for n.ctx.Err() == nil {
		n.rest(time.Second)
		if was := slow; n.logs.writes.stuck() > slowWrite {
			if slow = true; !was {
				n.log.Warn("the log's disk does not answer", "for", n.logs.writes.stuck().Round(time.Second))
			}
		} else {
			slow = false
		}
		if took := n.logs.writes.stuck(); took > n.cfg.diskLimit {
			n.fail(fmt.Errorf("the log's disk has not answered for %v", took.Round(time.Second)))
			if err := n.transport.mute(); err != nil {
				n.log.Warn("close Raft's connections", "error", err)
			}
			return
		}
	}
}

// slowWrite is from when on a write is worth a complaint.
const slowWrite = 2 * time.Second

// Health is nil while this node can take part: it has not given up, and its log
// takes writes.
func (n *Node) Health() error {
	if err := n.Err(); err != nil {
		return err
	}
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	if took := n.logs.writes.stuck(); took > slowWrite {
		return errors.New("the log's disk does not answer")
	}
	if err := n.logs.writes.err.Load(); err != nil {
		return fmt.Errorf("write log: %w", *err)
	}
	return nil
}

// Stats are figures of the log, for metrics.
type Stats struct {
	Term, Committed, Applied, Durable uint64
	First, Last                       uint64 // entries in the log
	SnapshotIndex                     uint64
	BytesSinceSnapshot                int64
	CacheBytes                        int
	Queued, InFlight                  int // commands waiting; entries under way
}

// Stats reads them now.
func (n *Node) Stats() Stats {
	meta, _ := n.snapshots.newest()
	s := Stats{
		Term: n.raft.CurrentTerm(), Committed: n.raft.CommitIndex(),
		Applied: n.shard.AppliedIndex(), Durable: n.shard.DurableIndex(),
		Last: n.raft.LastIndex(), SnapshotIndex: meta.Index, BytesSinceSnapshot: n.logs.bytesAfter(meta.Index),
	}
	if first, err := n.logs.FirstIndex(); err == nil { // an error is Health's to tell
		s.First = first
	}
	n.logs.mu.Lock()
	s.CacheBytes = n.logs.bytes
	n.logs.mu.Unlock()
	n.proposer.mu.Lock()
	s.Queued, s.InFlight = n.proposer.queue.count, len(n.proposer.inflight)
	n.proposer.mu.Unlock()
	return s
}
