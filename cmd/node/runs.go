package main

import (
	"context"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Run implements api.Runs.
func (n *node) Run(namespace string, id queue.ID) (workflow.View, bool, error) {
	return n.replica.Run(namespace, id)
}

// Runs implements api.Runs.
func (n *node) Runs(ctx context.Context, f workflow.Filter) ([]workflow.View, queue.ID, error) {
	return n.replica.Runs(ctx, f)
}

// RunTasks implements api.Runs.
func (n *node) RunTasks(namespace string, id queue.ID, after uint32, limit int) ([]workflow.NodeView, bool, error) {
	nodes, more, err := n.replica.RunTasks(namespace, id, after, limit)
	views := make([]*queue.View, len(nodes))
	for i := range nodes {
		views[i] = &nodes[i].Task
	}
	n.observe(false, views...)
	return nodes, more, err
}

// RunResult implements api.Runs.
func (n *node) RunResult(namespace string, id queue.ID) (workflow.Result, error) {
	return n.replica.RunResult(namespace, id)
}

// WaitRun implements api.Runs.
func (n *node) WaitRun(ctx context.Context, _ string, id queue.ID) error {
	return n.replica.WaitRun(ctx, id)
}
