package cluster

import (
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/command"
)

// fsm is Raft's view of the shard. Raft calls all of it from one goroutine,
// except Persist.
type fsm struct {
	shard     Shard
	snapshots *snapshotStore
	// applied hears of every entry right after the shard, with its results.
	applied func(l *raft.Log, results []command.Result)
	// restored hears that the state jumped to the shard's applied index.
	restored func()
}

var _ raft.BatchingFSM = (*fsm)(nil)

// Apply implements raft.FSM. Results reach their proposer through applied, one
// wake-up sooner than through Raft's future.
func (f *fsm) Apply(l *raft.Log) any {
	if l.Type == raft.LogCommand {
		f.apply(l)
	}
	return nil
}

// ApplyBatch implements raft.BatchingFSM.
func (f *fsm) ApplyBatch(logs []*raft.Log) []any {
	for _, l := range logs {
		f.Apply(l)
	}
	return make([]any, len(logs))
}

func (f *fsm) apply(l *raft.Log) {
	defer func() {
		if fault := recover(); fault != nil {
			panic(fmt.Sprintf("apply log entry %d of term %d: %v", l.Index, l.Term, fault))
		}
	}()
	f.applied(l, f.shard.Apply(l.Index, l.Term, l.Data))
}

// Snapshot implements raft.FSM.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	return &checkpoint{fsm: f, index: f.shard.AppliedIndex()}, nil
}

// Restore implements raft.FSM.
func (f *fsm) Restore(r io.ReadCloser) error {
	if err := f.shard.Restore(r); err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	if err := f.snapshots.restored(f.shard.AppliedIndex()); err != nil {
		return err
	}
	f.restored()
	return nil
}

// checkpoint is a local snapshot: nothing but the promise that the shard holds
// everything up to index durably.
type checkpoint struct {
	fsm   *fsm
	index uint64
}

// Persist implements raft.FSMSnapshot.
func (c *checkpoint) Persist(sink raft.SnapshotSink) error {
	own, ok := sink.(*snapshotSink)
	if !ok {
		return fmt.Errorf("snapshot sink is a %T", sink)
	}
	if err := c.fsm.shard.Checkpoint(c.fsm.snapshots.ctx); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if durable := c.fsm.shard.DurableIndex(); durable < c.index {
		return fmt.Errorf("checkpoint reached entry %d, wanted %d", durable, c.index)
	}
	own.meta.ShardIndex = c.index
	own.local = true
	return nil
}

// Release implements raft.FSMSnapshot.
func (*checkpoint) Release() {}
