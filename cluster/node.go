package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/windrow-dev/windrow/cluster/command"
)

// Node is this process's part in the cluster.
type Node struct {
	cfg   Config
	id    raft.ServerID
	log   *slog.Logger
	shard Shard

	wal       *wal.WAL
	logs      *logStore
	snapshots *snapshotStore
	transport *transport
	raft      *raft.Raft
	notify    chan bool // Raft's word on this node's leadership

	clock    *Clock
	proposer *proposer
	applied  *watermark
	reads    *readRounds // of this node's callers
	confirms *readRounds // of the leader, for all nodes
	feed     *commitFeed
	hints    *hints
	fresh    atomic.Bool // no log was here at start, and none has been begun

	ctx    context.Context // ends when Close stops the node's own goroutines
	cancel context.CancelCauseFunc
	work   sync.WaitGroup
	closed sync.Once
	result error // of Close

	mu         sync.Mutex
	leadership Leadership
	changed    chan struct{} // closed when leadership changes
	failure    error         // why the node cannot go on
	failed     chan struct{}
	forwarder  *forwarder        // to the leader, when it is another node
	known      map[string]Member // as last heard, by id
	gatherer   *gatherer         // while a cluster is founded
}

// Start opens the node's log and takes part in the cluster: its own, the one it
// belongs to, or the one it is told to found or join. It returns before there
// is a leader; Leadership tells. A node that cannot go on closes Failed.
func Start(cfg Config) (*Node, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, id: raft.ServerID(cfg.Folder.NodeID()), log: cfg.Log, shard: cfg.Shard,
		notify:  make(chan bool, 16),
		clock:   newClock(cfg.clocks),
		applied: &watermark{current: cfg.Shard.AppliedIndex},
		changed: make(chan struct{}),
		failed:  make(chan struct{}),
		feed:    newCommitFeed(),
		hints:   &hints{wake: make(chan struct{}, 1)},
		known:   map[string]Member{},
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.proposer = newProposer(n.applyLog, n.clock)
	n.reads = newReadRounds(n, n.readIndex)
	n.confirms = newReadRounds(n, n.confirmed)
	if err := n.open(); err != nil {
		n.cancel(ErrClosed)
		return nil, errors.Join(err, n.closeFiles())
	}
	n.proposer.run(n.ctx, &n.work)
	n.work.Go(n.watchLeadership)
	n.work.Go(n.compact)
	n.work.Go(n.keepTime)
	n.work.Go(n.listenCommits)
	n.work.Go(n.tellRaft)
	n.serve()
	n.work.Go(n.settle)
	n.work.Go(n.watchMembership)
	n.work.Go(n.watchDisk)
	return n, nil
}

// open opens everything up to a running Raft.
func (n *Node) open() error {
	logger := newRaftLogger(n.log)
	dir := n.cfg.Folder.Path("raft")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make log folder: %w", err)
	}
	var err error
	if err = checkTail(dir); err != nil {
		return fmt.Errorf("open log: %w: %s", err, damagedAdvice)
	}
	n.wal, err = guarded(func() (*wal.WAL, error) {
		return wal.Open(dir, wal.WithLogger(logger), wal.WithSegmentSize(n.cfg.SegmentBytes))
	})
	if err != nil {
		return fmt.Errorf("open log %s: %w; if it is damaged, %s", dir, err, damagedAdvice)
	}
	if n.snapshots, err = openSnapshots(n.ctx, n.cfg.Folder.Path("raft", "snapshots"), n.shard); err != nil {
		return err
	}
	if err := n.snapshots.recover(); err != nil {
		return err
	}
	disk := raft.LogStore(n.wal)
	if n.cfg.wrapLog != nil {
		disk = n.cfg.wrapLog(n.ID(), disk)
	}
	if n.logs, err = newLogStore(disk, n.cfg.CacheBytes); err != nil {
		return err
	}
	n.logs.dispensable, n.logs.stored, n.logs.full = n.dispensable, n.hints.logged, n.cfg.NoSpace
	if n.hints.stored, err = n.logs.LastIndex(); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if err := n.alignLog(); err != nil {
		return err
	}
	n.transport = newTransport(n, logger)
	conf := raft.DefaultConfig()
	conf.LocalID = n.id
	conf.Logger = logger
	conf.HeartbeatTimeout, conf.ElectionTimeout = heartbeatTimeout, electionTimeout
	conf.LeaderLeaseTimeout, conf.CommitTimeout = leaseTimeout, n.cfg.commitTimeout
	conf.MaxAppendEntries, conf.BatchApplyCh = appendEntries, true
	conf.NoSnapshotRestoreOnStart = true
	conf.SnapshotThreshold, conf.SnapshotInterval = ^uint64(0), neverInterval // compact decides
	conf.ShutdownOnRemove = false
	conf.NotifyCh = n.notify
	conf.NoLegacyTelemetry = true
	if err := n.found(conf); err != nil {
		return err
	}
	machine := &fsm{shard: n.shard, snapshots: n.snapshots, applied: n.onApplied, restored: n.onRestored}
	if err := n.recoverServers(conf, machine); err != nil {
		return err
	}
	n.logs.damaged = n.fail
	// Raft reads all that follows the snapshot, and so finds what is damaged.
	n.raft, err = guarded(func() (*raft.Raft, error) {
		return raft.NewRaft(conf, machine, n.logs, n.wal, n.snapshots, n.transport)
	})
	if err != nil {
		return fmt.Errorf("start raft on %s: %w", dir, err)
	}
	return nil
}

// neverInterval keeps Raft's own snapshot timer quiet.
const neverInterval = 10 * 365 * 24 * time.Hour

// alignLog empties a log that ends before the snapshot: a crash between
// installing a snapshot and emptying the log, which allows no gap.
func (n *Node) alignLog() error {
	meta, ok := n.snapshots.newest()
	last, err := n.logs.LastIndex()
	if err != nil || !ok || last == 0 || last >= meta.Index {
		return err
	}
	first, err := n.logs.FirstIndex()
	if err != nil {
		return err
	}
	n.log.Info("empty a log that ends before the snapshot", "last", last, "snapshot", meta.Index)
	return n.logs.DeleteRange(first, last)
}

// dispensable fails unless the log up to an entry could go without loss.
func (n *Node) dispensable(index uint64) error {
	meta, ok := n.snapshots.newest()
	if !ok || meta.File != "" {
		return errors.New("there is no snapshot")
	}
	if durable := n.shard.DurableIndex(); durable < meta.ShardIndex {
		return fmt.Errorf("the store is durable up to %d only, the snapshot stands at %d", durable, meta.ShardIndex)
	}
	if last, err := n.logs.LastIndex(); err == nil && index > meta.Index && index != last {
		return fmt.Errorf("the snapshot covers %d only", meta.Index)
	}
	return nil
}

// applyLog hands an entry to Raft. It does not block: Raft's channel has room
// for more entries than the proposer keeps in flight.
func (n *Node) applyLog(data []byte) raft.ApplyFuture { return n.raft.Apply(data, 0) }

// onApplied follows every applied entry, on the applying goroutine.
func (n *Node) onApplied(l *raft.Log, results []command.Result) {
	if len(l.Data) > 1 {
		if t, size := binary.Varint(l.Data[1:]); size > 0 { // T stands after the format byte
			n.clock.seen(t)
		}
	}
	if n.proposer.applied(l, results) {
		n.feed.tell(l.Term, l.Index)
	}
	n.applied.advance()
}

// onRestored follows a jump of the state, on the applying goroutine.
func (n *Node) onRestored() {
	n.clock.seen(n.shard.Time())
	n.applied.advance()
}

// AppliedIndex is the newest entry whose effects can be read here.
func (n *Node) AppliedIndex() uint64 { return n.shard.AppliedIndex() }

// ID is this node's id.
func (n *Node) ID() string { return string(n.id) }

// Clock is the machine's time.
func (n *Node) Clock() *Clock { return n.clock }

// Failed is closed when the node cannot go on; Err says why.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Err is why the node cannot go on, or nil.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

func (n *Node) fail(err error) {
	if n.ctx.Err() != nil {
		return // it is closing anyway
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure == nil {
		n.failure = err
		close(n.failed)
	}
}

// closeLimit bounds each stage of Close.
const closeLimit = 2 * time.Second

// Close leaves the cluster's work in order: a leader hands over first, what is
// under way ends, and what was applied becomes durable. The node remains a
// member.
func (n *Node) Close() error { return n.Shutdown(context.Background()) }

// Shutdown is Close, and waits for a hung disk no longer than ctx lasts.
func (n *Node) Shutdown(ctx context.Context) error {
	n.closed.Do(func() { n.result = n.close(ctx) })
	return n.result
}

func (n *Node) close(patience context.Context) error {
	n.handOver()
	n.proposer.close()
	n.confirms.close()
	n.reads.close()
	n.quiesce()
	if err := n.snapshot(finalSnapshot); err != nil {
		n.log.Warn("snapshot at the end", "error", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	err := n.shard.Checkpoint(ctx)
	n.cancel(ErrClosed)
	n.publish(Leadership{}) // nothing is forwarded any more
	ended := make(chan error, 1)
	go func() {
		err := n.raft.Shutdown().Error()
		n.work.Wait()
		ended <- err
	}()
	limit := shutdownLimit
	if d, ok := patience.Deadline(); ok {
		limit = min(max(time.Until(d), leastShutdown), limit)
	}
	select {
	case e := <-ended:
		return errors.Join(err, e, n.closeFiles())
	case <-time.After(limit):
		return errors.Join(err, errors.New("the log's disk does not answer: closed without it"))
	}
}

// shutdownLimit is how long Raft may take to end: less than forever, since a
// hung disk holds it, and longer than any honest write. leastShutdown is what it
// needs where nothing is wrong.
const (
	shutdownLimit = 20 * time.Second
	leastShutdown = time.Second
)

// quiesce waits for proposals and reads under way: Raft answers neither once
// it is shut down.
func (n *Node) quiesce() {
	deadline := time.After(closeLimit)
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	for !n.proposer.idle() || !n.confirms.idle() {
		select {
		case <-poll.C:
		case <-deadline:
			return
		}
	}
}

func (n *Node) closeFiles() error {
	var err error
	if n.transport != nil {
		n.transport.CloseStreams()
		err = n.transport.Close()
	}
	if n.wal != nil {
		err = errors.Join(err, n.wal.Close())
	}
	return err
}
