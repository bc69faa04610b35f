package main

import (
	"context"
	"time"
)

// A blob that nothing refers to is kept for an hour: the command that refers to
// it may still be on its way.
const (
	sweepEvery = 10 * time.Minute
	sweepAge   = time.Hour
)

// sweepBlobs removes, now and then, what nothing refers to any more.
func (n *node) sweepBlobs(ctx context.Context) error {
	n.run(func() { n.sweep(ctx, func(digest string) bool { return n.replica.Machine().Referenced(digest) }) })
	return nil
}

// sweepUnused removes from a worker node, now and then, what has not been used
// for the same time: the servers have it all. An attempt that has begun has its
// module and its input in hand.
func (n *node) sweepUnused(ctx context.Context) error {
	n.run(func() { n.sweep(ctx, func(digest string) bool { return n.modules.keep(digest, sweepAge) }) })
	return nil
}

func (n *node) sweep(ctx context.Context, needed func(digest string) bool) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		removed, bytes, err := n.blobs.Local.Sweep(needed, sweepAge)
		if err != nil {
			n.log.Warn("sweep of blobs", "err", err)
		}
		if removed > 0 {
			n.log.Info("swept blobs that nothing needs", "blobs", removed, "bytes", bytes)
		}
	}
}
