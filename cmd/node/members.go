package main

import (
	"context"
	"errors"

	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Ready implements api.Cluster: this node knows a leader and its disk takes
// what it must.
func (n *node) Ready() error {
	if l, _ := n.cluster.Leadership(); l.ID == "" && !l.Self {
		return errors.New("no leader is known")
	}
	if err := n.cluster.Health(); err != nil {
		return err
	}
	return n.replica.Store().Health()
}

// Status implements api.Cluster.
func (n *node) Status(ctx context.Context) (wire.Cluster, error) {
	l, _ := n.cluster.Leadership()
	out := wire.Cluster{Leader: l.ID, Term: l.Term, Index: n.replica.AppliedIndex(), Node: n.cluster.ID()}
	for _, m := range n.cluster.Members(ctx) {
		out.Nodes = append(out.Nodes, wire.Node{ID: m.ID, Role: m.Role, State: string(m.State), Voter: m.Voter,
			HTTPAddr: m.HTTPAddr, RaftAddr: m.RaftAddr, Version: release, Index: m.Applied})
	}
	return out, nil
}

// Join implements api.Cluster.
func (n *node) Join(ctx context.Context, j wire.Join) (wire.Cluster, error) {
	if err := n.cluster.Admit(ctx, cluster.Member{ID: j.ID, RaftAddr: j.RaftAddr, HTTPAddr: j.HTTPAddr, Role: j.Role}); err != nil {
		return wire.Cluster{}, apiError(err)
	}
	return n.Status(ctx)
}

// Transfer implements api.Cluster.
func (n *node) Transfer(ctx context.Context, to string) error {
	return apiError(n.cluster.Transfer(ctx, to))
}

// Remove implements api.Cluster.
func (n *node) Remove(ctx context.Context, id string) error {
	return apiError(n.cluster.Remove(ctx, id))
}
