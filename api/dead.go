package api

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// replayDead runs dead-lettered tasks of a queue anew, under new ids: those
// named, or the newest.
func (s *Server) replayDead(c *fiber.Ctx) error {
	namespace, name, err := s.queueAsked(c)
	if err != nil {
		return err
	}
	ask := wire.Replay{Limit: 1000}
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	if ask.Limit < 1 || ask.Limit > wire.MaxBatch || len(ask.IDs) > wire.MaxBatch {
		return wrong("limit", "is out of bounds; between 1 and 10000 tasks are replayed at a time")
	}
	idem, err := idempotencyOf(c, "queues/"+name+"/dead/replay", "", raw)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	old, more, err := s.deadAsked(ctx, namespace, name, &ask, idem != nil)
	if err != nil {
		return err
	}
	sub, err := s.replays(ctx, namespace, old)
	if err != nil {
		return err
	}
	var ids []queue.ID
	if len(old) > 0 || idem != nil {
		var replayed bool
		if ids, replayed, err = s.submit(c, ctx, sub, idem); err != nil {
			return err
		}
		if replayed {
			markReplayed(c, true)
			old = s.replayedFrom(namespace, ids)
		}
	}
	b := appendIDs([]byte(`{"ids":`), old)
	b = appendIDs(append(b, `,"replayed":`...), ids)
	b = strconv.AppendBool(append(b, `,"more":`...), more)
	return send(c, fiber.StatusOK, append(b, '}'))
}

// deadAsked finds the tasks to replay. With an idempotency key one that is not
// dead any more is left to the machine, which knows whether this is a repeat.
func (s *Server) deadAsked(ctx context.Context, namespace, name string, ask *wire.Replay, repeatable bool) (ids []queue.ID, more bool, err error) {
	for i, text := range ask.IDs {
		id, err := queue.ParseID(text)
		if err != nil {
			return nil, false, wrong("ids["+strconv.Itoa(i)+"]", err.Error())
		}
		v, ok, err := s.node.TaskState(namespace, id)
		if err != nil {
			return nil, false, err
		}
		if !repeatable && (!ok || !v.Dead || v.Spec.Queue != name) {
			return nil, false, refuse(wire.CodeNotFound, "task %s is not dead-lettered in queue %q; GET /v1/queues/%s/dead lists those that are", id, name, name)
		}
		ids = append(ids, id)
	}
	if len(ask.IDs) > 0 {
		return ids, false, nil
	}
	f := queue.Filter{Namespace: namespace, Queue: name}
	for {
		f.Limit = min(ask.Limit-len(ids), 1000)
		if f.Limit == 0 {
			return ids, true, nil
		}
		page, err := s.node.Dead(ctx, f)
		if err != nil {
			return nil, false, err
		}
		for i := range page.Items {
			if page.Items[i].ReplayedAs.IsZero() {
				ids = append(ids, page.Items[i].ID)
			}
		}
		if page.Next.IsZero() {
			return ids, false, nil
		}
		f.Before = page.Next
	}
}

// replays makes calls of what was stored with the dead tasks. Their times are
// over, so none is kept.
func (s *Server) replays(ctx context.Context, namespace string, old []queue.ID) (*submission, error) {
	sub := s.newSubmission(namespace)
	for _, id := range old {
		d, ok, err := s.node.Task(namespace, id)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, refuse(wire.CodeNotFound, "no task %s is in namespace %q", id, namespace)
		}
		if !d.Run.IsZero() { // what readers are shown may be less
			if d.Payload, err = s.arguments(ctx, id); err != nil {
				return nil, err
			}
		}
		call := command.Call{FairnessKey: d.FairnessKey, UniqueKey: d.UniqueKey, ConcurrencyKey: d.ConcurrencyKey,
			ConcurrencyLimit: d.ConcurrencyLimit, Shadow: d.Shadow, Replays: id}
		if d.Payload.Blob != "" {
			call.Blobs = []string{d.Payload.Blob}
		}
		sub.push(d.Spec, call, &d.Payload)
	}
	return sub, nil
}

// arguments are what a run's task is given once more, the same or nothing.
func (s *Server) arguments(ctx context.Context, id queue.ID) (queue.Payload, error) {
	p, err := s.node.Arguments(ctx, id)
	if err == nil || slices.ContainsFunc(passing, func(e error) bool { return errors.Is(err, e) }) {
		return p, err
	}
	s.log.Warn("put together what a dead task was given", "task_id", id.String(), "err", err)
	e := refuse(wire.CodeConflict, "what task %s was given by its run cannot be put together any more, so it is not replayed; submit a call with these arguments, or the run anew", id)
	e.ID = id.String()
	return p, e
}

// passing are the errors after which it is worth trying again.
var passing = []error{ErrBusy, ErrDiskFull, context.DeadlineExceeded, context.Canceled}

// replayedFrom finds what an earlier request replayed.
func (s *Server) replayedFrom(namespace string, ids []queue.ID) []queue.ID {
	old := make([]queue.ID, len(ids))
	for i, id := range ids {
		if v, ok, err := s.node.TaskState(namespace, id); err == nil && ok {
			old[i] = v.ReplayOf
		}
	}
	return old
}
