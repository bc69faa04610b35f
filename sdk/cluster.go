package windrow

import (
	"context"
	"iter"
	"net/http"

	"github.com/windrow-dev/windrow/sdk/wire"
)

type (
	// Cluster is who belongs to it and who leads.
	Cluster = wire.Cluster
	// Node is one member of a cluster.
	Node = wire.Node
	// Join names a node that is to become a member.
	Join = wire.Join
	// Worker is one worker's open session.
	Worker = wire.Worker
)

// Cluster tells the members, the leader and the term.
func (c *Client) Cluster(ctx context.Context) (*Cluster, error) {
	return exchange[Cluster](ctx, c, http.MethodGet, "/cluster", nil)
}

// Workers lists the workers and what they are at.
func (c *Client) Workers(ctx context.Context) iter.Seq2[Worker, error] {
	return list[Worker](ctx, c, "/workers", nil)
}

// WorkerOf describes one worker, by its node's id.
func (c *Client) WorkerOf(ctx context.Context, node string) (*Worker, error) {
	return exchange[Worker](ctx, c, http.MethodGet, "/workers/"+escape(node), nil)
}

// DrainWorker gives a worker nothing new until it is resumed. What runs there
// goes on to its end.
func (c *Client) DrainWorker(ctx context.Context, node string) (*Worker, error) {
	return exchange[Worker](ctx, c, http.MethodPost, "/workers/"+escape(node)+"/drain", nil)
}

// ResumeWorker is the inverse of DrainWorker.
func (c *Client) ResumeWorker(ctx context.Context, node string) (*Worker, error) {
	return exchange[Worker](ctx, c, http.MethodPost, "/workers/"+escape(node)+"/resume", nil)
}

// LimitWorker bounds how many attempts a worker has at once; 0 lifts the bound.
func (c *Client) LimitWorker(ctx context.Context, node string, limit uint32) (*Worker, error) {
	return exchange[Worker](ctx, c, http.MethodPost, "/workers/"+escape(node)+"/concurrency", wire.WorkerLimit{Limit: &limit})
}

// JoinNode makes a node a member. Nodes do it themselves when started with
// --join.
func (c *Client) JoinNode(ctx context.Context, node Join) (*Cluster, error) {
	return exchange[Cluster](ctx, c, http.MethodPost, "/cluster/join", node)
}

// RemoveNode takes a node out of the cluster for good.
func (c *Client) RemoveNode(ctx context.Context, id string) error {
	_, err := c.do(ctx, &request{method: http.MethodDelete, path: "/cluster/nodes/" + escape(id)}, nil)
	return err
}

// TransferLeader hands the lead to a node, or with an empty id to the one that
// the leader picks.
func (c *Client) TransferLeader(ctx context.Context, to string) error {
	body, err := jsonBody(wire.Transfer{To: to})
	if err != nil {
		return err
	}
	_, err = c.do(ctx, &request{method: http.MethodPost, path: "/cluster/transfer", body: body}, nil)
	return err
}
