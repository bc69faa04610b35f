package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// maxNode is the longest id of a node.
const maxNode = 255

func workerOf(v *queue.WorkerView) wire.Worker {
	w := wire.Worker{ID: v.Worker, Session: v.Session.String(), Queues: v.Queues, Labels: v.Labels, Concurrency: v.Running,
		Prefetch: v.Prefetch, Outstanding: v.Outstanding, Limit: v.Limit, Drained: v.Drained, State: "ready", ConnectedAt: wire.At(v.OpenedAt)}
	switch {
	case v.Held:
		w.State = "silent"
	case v.Drained && v.Outstanding == 0:
		w.State = "drained"
	case v.Running == 0:
		w.State = "draining"
	}
	if w.Queues == nil {
		w.Queues = []string{}
	}
	if w.Labels == nil {
		w.Labels = []string{}
	}
	return w
}

// listWorkers shows the open sessions.
func (s *Server) listWorkers(c *fiber.Ctx) error {
	return listOf(s, c, func(string) []queue.WorkerView { return s.node.Workers() }, func(v *queue.WorkerView) (string, wire.Worker) {
		return v.Worker, workerOf(v)
	})
}

// findWorker finds a worker that is connected.
func (s *Server) findWorker(c *fiber.Ctx) (queue.WorkerView, error) {
	id := c.Params("id")
	for _, v := range s.node.Workers() {
		if v.Worker == id {
			return v, nil
		}
	}
	return queue.WorkerView{}, refuse(wire.CodeNotFound, "no worker %q is connected; GET /v1/workers lists those that are", clip(id))
}

// getWorker shows one worker.
func (s *Server) getWorker(c *fiber.Ctx) error {
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	v, err := s.findWorker(c)
	if err != nil {
		return err
	}
	w := workerOf(&v)
	return sendJSON(c, fiber.StatusOK, &w)
}

// drainWorker gives a worker nothing new.
func (s *Server) drainWorker(c *fiber.Ctx) error {
	return s.pauseWorker(c, "drain", true)
}

// resumeWorker lets it take part again.
func (s *Server) resumeWorker(c *fiber.Ctx) error {
	return s.pauseWorker(c, "resume", false)
}

func (s *Server) pauseWorker(c *fiber.Ctx, verb string, paused bool) error {
	idem, err := s.bare(c, "workers/"+c.Params("id")+"/"+verb)
	if err != nil {
		return err
	}
	return s.steerWorker(c, idem, func(a *command.Attributes) { a.Paused = paused })
}

// boundWorker bounds how many attempts a worker has at once.
func (s *Server) boundWorker(c *fiber.Ctx) error {
	var ask wire.WorkerLimit
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	if ask.Limit == nil {
		return wrong("limit", `is missing; say how many attempts the worker may have at once, as in {"limit": 4}, or 0 for what it was started with`)
	}
	idem, err := idempotencyOf(c, "workers/"+c.Params("id")+"/concurrency", "", raw)
	if err != nil {
		return err
	}
	return s.steerWorker(c, idem, func(a *command.Attributes) { a.Slots = *ask.Limit })
}

func (s *Server) steerWorker(c *fiber.Ctx, idem *command.Idempotency, fn func(*command.Attributes)) error {
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	v, err := s.findWorker(c)
	if err != nil {
		return err
	}
	if _, err := s.change(c, ctx, command.KindWorker, "", v.Worker, idem, fn); err != nil {
		return err
	}
	if v, err = s.findWorker(c); err != nil {
		return err
	}
	w := workerOf(&v)
	return sendJSON(c, fiber.StatusOK, &w)
}
