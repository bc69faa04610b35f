package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/cluster/command"
)

// shard is the only one there is; keys, commands and routing carry it.
const shard = 0

// Propose implements api.Proposer. New work is refused while the disk is low;
// what ends work goes on.
func (n *node) Propose(ctx context.Context, c command.Command) (command.Result, uint64, error) {
	if brings(c) {
		if space, err := n.replica.Store().FreeSpace(); err == nil && space.Low {
			return command.Result{}, 0, fmt.Errorf("%w: less is free in the data folder than this node needs to go on", api.ErrDiskFull)
		}
	}
	r, index, err := n.cluster.Propose(ctx, command.Encode(shard, c))
	return r, index, apiError(err)
}

// brings reports whether a command brings data in.
func brings(c command.Command) bool {
	switch c.(type) {
	case *command.Submit, *command.Stage, *command.PutDocument:
		return true
	}
	return false
}

// apiError gives an error of the cluster the name that the API knows.
func apiError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cluster.ErrUnknownOutcome):
		return fmt.Errorf("%w: %w", api.ErrUnknownOutcome, err)
	case errors.Is(err, cluster.ErrNotLeader), errors.Is(err, cluster.ErrNoLeader), errors.Is(err, cluster.ErrClosed):
		return fmt.Errorf("%w: %w", api.ErrNoLeader, err)
	}
	return err
}
