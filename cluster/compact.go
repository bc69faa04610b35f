package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// compactRetry is how long a failed snapshot rests.
const compactRetry = time.Second

// finalSnapshot is how many bytes since the last snapshot make one worth it
// when the node closes: less is read again in no time.
const finalSnapshot = 256 << 10

// compact takes snapshots by the bytes of the log, so that a restart reads a
// bounded part of it and the disk does not fill.
func (n *Node) compact() {
	for {
		select {
		case <-n.logs.grown:
		case <-n.ctx.Done():
			return
		}
		if err := n.snapshot(n.cfg.SnapshotBytes); err != nil {
			n.log.Warn("take snapshot", "error", err)
			select {
			case <-time.After(compactRetry):
			case <-n.ctx.Done():
				return
			}
		}
	}
}

// snapshot takes one if the log has grown by so many bytes since the last.
func (n *Node) snapshot(grown int64) error {
	meta, _ := n.snapshots.newest()
	if n.logs.bytesAfter(meta.Index) < grown {
		return nil
	}
	last, err := n.logs.LastIndex()
	if err != nil {
		return err
	}
	conf := n.raft.ReloadableConfig()
	conf.TrailingLogs = n.logs.trailing(last, n.cfg.TrailingBytes)
	if err := n.raft.ReloadConfig(conf); err != nil {
		return fmt.Errorf("set trailing logs: %w", err)
	}
	if err := n.raft.Snapshot().Error(); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return err
	}
	return nil
}
