package api

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// revokeMost is how many tasks one request revokes.
const revokeMost = 10_000

// unfinished are the states of tasks that can be revoked.
var unfinished = []queue.State{queue.Pending, queue.Received, queue.Started, queue.Retrying, queue.Deferred}

// revokeTasks revokes what a filter finds, a bounded number of tasks.
func (s *Server) revokeTasks(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	ask := wire.RevokeMany{Limit: revokeMost}
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	f, err := revokeFilter(namespace, &ask)
	if err != nil {
		return err
	}
	idem, err := idempotencyOf(c, "tasks/revoke", "", raw)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	done, err := s.known(c, ctx, idem)
	if err != nil {
		return err
	}
	var out wire.RevokedMany
	if !done {
		if out, err = s.revokeFound(c, ctx, f, &ask); err != nil {
			return err
		}
		if !out.More { // else the rest is to be asked for again
			s.note(ctx, idem)
		}
	}
	return sendJSON(c, fiber.StatusOK, &out)
}

func revokeFilter(namespace string, ask *wire.RevokeMany) (queue.Filter, error) {
	f := queue.Filter{Namespace: namespace, Queue: ask.Queue, Labels: ask.Labels, States: unfinished}
	if len(ask.Labels) == 0 && ask.Queue == "" && ask.Task == "" {
		return f, wrong("labels", "is missing, and so are queue and task; say which tasks to revoke")
	}
	if ask.Limit < 1 || ask.Limit > revokeMost {
		return f, wrong("limit", "is out of bounds; between 1 and 10000 tasks are revoked at a time")
	}
	if ask.Queue != "" && !isLine(ask.Queue) {
		return f, wrong("queue", "is no queue's name; "+nameRules["queue"])
	}
	var ok bool
	if f.Task, ok = taskFilter(ask.Task); !ok {
		return f, wrong("task", "is neither MODULE nor MODULE.TASK")
	}
	if len(ask.States) > 0 {
		f.States = nil
	}
	for _, name := range ask.States {
		state, ok := queue.ParseState(name)
		if !ok || state.Final() {
			return f, wrong("states", "has "+clip(name)+"; only what is pending, received, started, retry or deferred can be revoked")
		}
		f.States = append(f.States, state)
	}
	return f, nil
}

// revokeFound goes through the pages of the list. What its time does not allow
// is left, and told.
func (s *Server) revokeFound(c *fiber.Ctx, ctx context.Context, f queue.Filter, ask *wire.RevokeMany) (out wire.RevokedMany, err error) {
	for out.Revoked < ask.Limit {
		f.Limit = min(ask.Limit-out.Revoked, command.MaxSubmit)
		page, err := s.node.Tasks(ctx, f)
		if errors.Is(err, context.DeadlineExceeded) && out.Revoked > 0 {
			break
		}
		if err != nil {
			return out, err
		}
		if len(page.Items) > 0 {
			cmd := &command.RevokeMany{Namespace: f.Namespace, Terminate: ask.Terminate}
			for i := range page.Items {
				cmd.IDs = append(cmd.IDs, page.Items[i].ID)
			}
			r, _, err := s.propose(c, ctx, cmd)
			if err != nil {
				return out, err
			}
			out.Revoked += len(cmd.IDs) - len(r.Refused)
		}
		if page.Next.IsZero() {
			return out, nil
		}
		f.Before = page.Next
	}
	out.More = true
	return out, nil
}
