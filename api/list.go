package api

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// listTasks shows tasks, newest first, by the filters of the query string.
func (s *Server) listTasks(c *fiber.Ctx) error {
	f, err := filterOf(c)
	if err != nil {
		return err
	}
	return s.sendPage(c, f, s.node.Tasks)
}

// listDead shows a queue's dead-lettered tasks.
func (s *Server) listDead(c *fiber.Ctx) error {
	f, err := filterOf(c)
	if err != nil {
		return err
	}
	if f.Queue, err = nameOf(c, "queue", isLine); err != nil {
		return err
	}
	return s.sendPage(c, f, s.node.Dead)
}

func (s *Server) sendPage(c *fiber.Ctx, f queue.Filter, read func(context.Context, queue.Filter) (Page, error)) error {
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	page, err := read(ctx, f)
	if err != nil {
		return err
	}
	b := make([]byte, 0, 64+512*len(page.Items))
	b = append(b, `{"items":[`...)
	for i := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendView(b, &page.Items[i])
		b = append(b, '}')
	}
	b = append(b, ']')
	if !page.Next.IsZero() {
		b = append(b, `,"next_cursor":"`...)
		b = append(b, cursor(string(page.Next[:]))...)
		b = append(b, '"')
	}
	return send(c, fiber.StatusOK, append(b, '}'))
}

// filterOf reads ?state=, task, queue, since, until, limit and cursor.
func filterOf(c *fiber.Ctx) (queue.Filter, error) {
	var f queue.Filter
	var err error
	if f.Namespace, err = namespaceOf(c); err != nil {
		return f, err
	}
	if f.States, err = statesOf(c); err != nil {
		return f, err
	}
	f.Task, f.Queue, f.Worker = query(c, "task"), query(c, "queue"), query(c, "worker")
	var ok bool
	if f.Task, ok = taskFilter(f.Task); !ok {
		return f, refuse(wire.CodeBadRequest, "?task=%s is neither MODULE nor MODULE.TASK", clip(query(c, "task")))
	}
	if len(f.Worker) > maxNode {
		return f, refuse(wire.CodeBadRequest, "?worker=%s is longer than 255 bytes", clip(f.Worker))
	}
	if f.Labels, err = labelsOf(c); err != nil {
		return f, err
	}
	if f.Queue != "" && !isLine(f.Queue) {
		return f, refuse(wire.CodeBadRequest, "?queue=%s is no queue's name; %s", clip(f.Queue), nameRules["queue"])
	}
	if f.Since, err = timeOf(c, "since"); err != nil {
		return f, err
	}
	if f.Until, err = timeOf(c, "until"); err != nil {
		return f, err
	}
	if f.Limit, err = limitOf(c); err != nil {
		return f, err
	}
	at, err := cursorOf(c)
	if err == nil && at != "" && copy(f.Before[:], at) != len(at) || at != "" && len(at) != len(f.Before) {
		err = badCursor(query(c, "cursor"))
	}
	return f, err
}

// taskFilter reads MODULE or MODULE.TASK; an empty one is all.
func taskFilter(text string) (string, bool) {
	if text == "" {
		return "", true
	}
	module, task, dotted := strings.Cut(text, ".")
	if !isName(module) || dotted && task != "" && !isTask(task) {
		return "", false
	}
	return module + "." + task, true
}

// labelsOf reads ?label=NAME=VALUE, once or several times.
func labelsOf(c *fiber.Ctx) (map[string]string, error) {
	var labels map[string]string
	for _, raw := range c.Context().QueryArgs().PeekMulti("label") {
		name, value, ok := strings.Cut(string(raw), "=")
		if !ok || name == "" || len(raw) > 2*maxLabel+1 || len(labels) == maxLabels {
			return nil, refuse(wire.CodeBadRequest, "?label=%s is no label; write NAME=VALUE, and repeat it for more", clip(string(raw)))
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[name] = value
	}
	return labels, nil
}

// statesOf reads one or several states, by commas or by repeating ?state=.
func statesOf(c *fiber.Ctx) ([]queue.State, error) {
	var states []queue.State
	for _, raw := range c.Context().QueryArgs().PeekMulti("state") {
		for name := range strings.SplitSeq(string(raw), ",") {
			st, ok := queue.ParseState(name)
			if !ok {
				return nil, refuse(wire.CodeBadRequest, "?state=%s is no state; states are pending, received, started, retry, success, failure, revoked, skipped, upstream_failed, deferred and removed", clip(name))
			}
			states = append(states, st)
		}
	}
	return states, nil
}
