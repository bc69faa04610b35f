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
	n.run(func() {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				removed, bytes, err := n.blobs.Local.Sweep(n.replica.Machine().Referenced, sweepAge)
				if err != nil {
					n.log.Warn("sweep of blobs", "err", err)
				}
				if removed > 0 {
					n.log.Info("swept blobs that nothing refers to", "blobs", removed, "bytes", bytes)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}
