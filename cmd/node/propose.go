package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// shard is the only one there is; keys, commands and routing carry it.
const shard = 0

// Propose implements api.Proposer. A node whose own disk is low takes no new
// work; neither does the leader then, whoever asks it.
func (n *node) Propose(ctx context.Context, c command.Command) (command.Result, uint64, error) {
	if r := n.room(c); r.Code != command.OK {
		return r, n.replica.AppliedIndex(), nil
	}
	r, index, err := n.cluster.Propose(ctx, command.Encode(shard, c))
	return r, index, apiError(err)
}

// apiError gives an error of the cluster the name that the API knows.
func apiError(err error) error {
	var refusal *peer.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, cluster.ErrUnknownOutcome):
		return fmt.Errorf("%w: %w", api.ErrUnknownOutcome, err)
	case errors.Is(err, cluster.ErrNotLeader), errors.Is(err, cluster.ErrNoLeader), errors.Is(err, cluster.ErrClosed):
		return fmt.Errorf("%w: %w", api.ErrNoLeader, err)
	case errors.As(err, &refusal) && refusal.Code == "refused":
		return &api.Error{Code: wire.CodeConflict, Detail: "the cluster refuses it: " + refusal.Message}
	}
	return err
}
