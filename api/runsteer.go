package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

func (s *Server) cancelRun(c *fiber.Ctx) error { return s.steerRun(c, command.SteerCancel, "cancel") }
func (s *Server) pauseRun(c *fiber.Ctx) error  { return s.steerRun(c, command.SteerPause, "pause") }
func (s *Server) resumeRun(c *fiber.Ctx) error { return s.steerRun(c, command.SteerResume, "resume") }

// steerRun changes the course of a run.
func (s *Server) steerRun(c *fiber.Ctx, do command.Steer, verb string) error {
	namespace, id, err := s.runAsked(c)
	if err != nil {
		return err
	}
	raw, err := s.smallJSON(c, &struct{}{})
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	idem, err := idempotencyOf(c, "runs/"+id.String()+"/"+verb, "", raw)
	if err != nil {
		return err
	}
	r, index, err := s.propose(c, ctx, &command.SteerRun{Namespace: namespace, ID: id, Do: do, Idem: idem})
	if r.Code == command.CodeIdempotency || r.Code == command.CodeIdempotencyFull {
		return err
	}
	if err != nil {
		return s.explainSteer(c, namespace, id, do, err)
	}
	s.caughtUp(ctx, index)
	v, ok, err := s.node.Run(namespace, id)
	if err != nil || !ok {
		return sendJSON(c, fiber.StatusOK, &wire.Started{ID: id.String(), State: workflow.Running.String()})
	}
	started := startedOf(&v)
	return sendJSON(c, fiber.StatusOK, &started)
}

// explainSteer tells a run that has ended from one that never was. One that is
// cancelled already is as the client wants it.
func (s *Server) explainSteer(c *fiber.Ctx, namespace string, id queue.ID, do command.Steer, err error) error {
	v, ok, readErr := s.node.Run(namespace, id)
	switch {
	case readErr != nil || !ok || !v.State.Final():
		return err
	case v.State == workflow.Cancelled && do == command.SteerCancel:
		started := startedOf(&v)
		return sendJSON(c, fiber.StatusOK, &started)
	}
	return refuse(wire.CodeAlreadyEnded, "run %s has ended with %s already", id, v.State)
}
