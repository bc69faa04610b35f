package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/replica"
	"github.com/windrow-dev/windrow/queue"
)

// Index implements api.Tasks.
func (n *node) Index() uint64 { return n.replica.AppliedIndex() }

// Sync implements api.Tasks.
func (n *node) Sync(ctx context.Context, minIndex uint64, level api.Consistency) (uint64, error) {
	if minIndex > n.replica.AppliedIndex() {
		if err := n.cluster.WaitIndex(ctx, minIndex); err != nil {
			return 0, apiError(err)
		}
	}
	if level == api.Linearizable {
		if _, err := n.cluster.ReadIndex(ctx); err != nil {
			return 0, apiError(err)
		}
	}
	return n.replica.AppliedIndex(), nil
}

// TaskState implements api.Tasks.
func (n *node) TaskState(namespace string, id queue.ID) (queue.View, bool, error) {
	v, ok, err := n.replica.TaskState(namespace, id)
	if b, begun := n.leader.Observed(id, v.Fence); begun && v.State == queue.Received {
		v.State, v.StartedAt = queue.Started, b.At
	}
	return v, ok, err
}

// Task implements api.Tasks.
func (n *node) Task(namespace string, id queue.ID) (queue.Detail, bool, error) {
	d, ok, err := n.replica.Task(namespace, id)
	n.observe(true, &d.View)
	n.nearer(&d)
	return d, ok, err
}

// Arguments implements api.Tasks.
func (n *node) Arguments(ctx context.Context, id queue.ID) (queue.Payload, error) {
	p, err := n.replica.Arguments(id)
	if errors.Is(err, replica.ErrBusy) {
		return p, fmt.Errorf("%w: %w", api.ErrBusy, err)
	}
	if err == nil && p.Blob != "" {
		err = blobError(n.blobs.Ensure(ctx, p.Blob))
	}
	return p, err
}

// Tasks implements api.Tasks.
func (n *node) Tasks(ctx context.Context, f queue.Filter) (api.Page, error) {
	items, next, err := n.replica.Tasks(ctx, f)
	views := make([]*queue.View, len(items))
	for i := range items {
		views[i] = &items[i]
	}
	n.observe(false, views...)
	return api.Page{Items: items, Next: next}, err
}

// Dead implements api.Tasks.
func (n *node) Dead(_ context.Context, f queue.Filter) (api.Page, error) {
	p := api.Page{Items: n.replica.Machine().Dead(f.Namespace, f.Queue, f.Before, f.Limit)}
	if len(p.Items) > 0 && len(p.Items) == f.Limit {
		p.Next = p.Items[len(p.Items)-1].ID
	}
	return p, nil
}

// WaitTask implements api.Tasks.
func (n *node) WaitTask(ctx context.Context, _ string, id queue.ID) error {
	return n.replica.WaitTask(ctx, id)
}

// Queues implements api.Queues.
func (n *node) Queues(namespace string) []queue.QueueView {
	return n.replica.Machine().Queues(namespace)
}

// Queue implements api.Queues.
func (n *node) Queue(namespace, name string) (queue.QueueView, bool) {
	return n.replica.Machine().Queue(namespace, name)
}

// Pools implements api.Queues.
func (n *node) Pools(namespace string) []queue.PoolView { return n.replica.Machine().Pools(namespace) }

// Pool implements api.Queues.
func (n *node) Pool(namespace, name string) (queue.PoolView, bool) {
	for _, p := range n.Pools(namespace) {
		if p.Name == name {
			return p, true
		}
	}
	return queue.PoolView{}, false
}

// Workers implements api.Queues.
func (n *node) Workers() []queue.WorkerView { return n.replica.Machine().Workers() }

// Document implements api.Documents.
func (n *node) Document(kind, namespace, name string, version uint32) (command.Document, bool) {
	return n.replica.Machine().Document(kind, namespace, name, version)
}

// Answered implements api.Documents.
func (n *node) Answered(namespace string, i *command.Idempotency) (command.Result, bool) {
	return n.replica.Machine().Answered(namespace, i)
}

// Documents implements api.Documents.
func (n *node) Documents(kind, namespace, after string, limit int) []command.Document {
	return n.replica.Machine().Documents(kind, namespace, after, limit)
}

// Versions implements api.Documents.
func (n *node) Versions(kind, namespace, name string) []command.Document {
	return n.replica.Machine().Versions(kind, namespace, name)
}
