package main

import (
	"context"
	"errors"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster/journal"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// NewestEvent implements api.Events.
func (n *node) NewestEvent() string { return n.journal.Newest().String() }

// FollowEvents implements api.Events.
func (n *node) FollowEvents(ctx context.Context, after string, fn func(*api.Event) error, idle func() error) error {
	id, err := journal.ParseID(after)
	if err != nil {
		return &api.Error{Code: wire.CodeBadRequest, Detail: err.Error()}
	}
	err = n.journal.Follow(ctx, id, func(e *journal.Event) error {
		out := api.Event{ID: e.ID.String(), Time: e.Time, Namespace: e.Namespace, TaskID: e.Move.ID, Task: e.Task,
			Queue: e.Queue, Shadow: e.Shadow, To: e.To, Attempt: e.Attempt, Error: e.Error, Run: e.Run, Schedule: e.Schedule.String()}
		if e.InRun || e.Run || e.Schedule != 0 {
			out.RunID = e.Move.ID.Run()
		}
		return fn(&out)
	}, idle)
	if errors.Is(err, journal.ErrGone) {
		return api.ErrEventsGone
	}
	return err
}
