package main

import (
	"context"
	"errors"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/queue"
)

// children implements lead.Children: canvases are read by the HTTP edge, from
// wherever they come.
type children struct{ n *node }

// errStarting is for what comes while the node starts.
var errStarting = errors.New("the node is starting")

// Compile implements lead.Children.
func (c children) Compile(ctx context.Context, parent *queue.View, child *queue.Child) (command.NewRun, *queue.Error, error) {
	edge := c.n.edge.Load()
	if edge == nil {
		return command.NewRun{}, nil, errStarting
	}
	labels, err := c.n.replica.Labels(parent.ID)
	if err != nil {
		return command.NewRun{}, nil, err
	}
	run, fits, failed, err := edge.CompileChild(ctx, parent, labels, child)
	if err == nil && failed == nil && !fits {
		failed = lead.TooLarge()
	}
	return run, failed, err
}
