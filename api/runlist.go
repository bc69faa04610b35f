package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/canvas"
)

// listRuns shows runs, newest first.
func (s *Server) listRuns(c *fiber.Ctx) error {
	f, err := runFilterOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	items, next, err := s.node.Runs(ctx, f)
	if err != nil {
		return err
	}
	page := wire.List[wire.Run]{Items: make([]wire.Run, len(items))}
	for i := range items {
		page.Items[i] = runOf(&items[i])
	}
	if !next.IsZero() {
		page.NextCursor = cursor(string(next[:]))
	}
	return sendJSON(c, fiber.StatusOK, &page)
}

func runFilterOf(c *fiber.Ctx) (workflow.Filter, error) {
	var f workflow.Filter
	var err error
	if f.Namespace, err = namespaceOf(c); err != nil {
		return f, err
	}
	for _, raw := range c.Context().QueryArgs().PeekMulti("state") {
		for name := range strings.SplitSeq(string(raw), ",") {
			st, ok := workflow.ParseRunState(name)
			if !ok {
				return f, refuse(wire.CodeBadRequest, "?state=%s is no state of a run; those are queued, running, success, failed and cancelled", clip(name))
			}
			f.States = append(f.States, st)
		}
	}
	if f.Kind = query(c, "kind"); f.Kind != "" && !slices.Contains(runKinds(), f.Kind) {
		return f, refuse(wire.CodeBadRequest, "?kind=%s is no kind of run; those are %s", clip(f.Kind), strings.Join(runKinds(), ", "))
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
	if err == nil && at != "" && len(at) != len(f.Before) {
		err = badCursor(query(c, "cursor"))
	}
	copy(f.Before[:], at)
	return f, err
}

func runKinds() []string {
	var names []string
	for k := canvas.Task; k <= canvas.Chunks; k++ {
		names = append(names, k.String())
	}
	return names
}

// listRunTasks shows the tasks of a run in the order of its graph.
func (s *Server) listRunTasks(c *fiber.Ctx) error {
	namespace, id, err := s.runAsked(c)
	if err != nil {
		return err
	}
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	at, err := cursorOf(c)
	if err != nil {
		return err
	}
	after := uint64(0)
	if at != "" {
		if after, err = strconv.ParseUint(at, 10, 32); err != nil {
			return badCursor(query(c, "cursor"))
		}
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	if _, err := s.runHere(namespace, id); err != nil {
		return err
	}
	nodes, more, err := s.node.RunTasks(namespace, id, uint32(after), limit)
	if err != nil {
		return err
	}
	b := []byte(`{"items":[`)
	for i := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendRunTask(b, &nodes[i], true); err != nil {
			return err
		}
		if len(b) > maxShown && i < len(nodes)-1 {
			nodes, more = nodes[:i+1], true
			break
		}
	}
	b = append(b, ']')
	if more && len(nodes) > 0 {
		b = append(b, `,"next_cursor":"`...)
		b = append(b, cursor(strconv.FormatUint(uint64(nodes[len(nodes)-1].Task.ID.Ordinal()), 10))...)
		b = append(b, '"')
	}
	return send(c, fiber.StatusOK, append(b, '}'))
}
