package api

import (
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// getCluster shows who belongs to the cluster and who leads.
func (s *Server) getCluster(c *fiber.Ctx) error {
	ctx, cancel := s.context()
	defer cancel()
	st, err := s.node.Status(ctx)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, &st)
}

// joinCluster takes a node in. To join is harmless to repeat.
func (s *Server) joinCluster(c *fiber.Ctx) error {
	var ask wire.Join
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	for _, f := range [...]struct{ name, value string }{{"id", ask.ID}, {"raft_addr", ask.RaftAddr}} {
		if f.value == "" || len(f.value) > 255 {
			return wrong(f.name, "is missing or longer than 255 bytes; a node says its own id and addresses when it is started with --join")
		}
	}
	switch ask.Role {
	case "", "all", "server", "worker":
	default:
		return wrong("role", "is "+strconv.Quote(clip(ask.Role))+"; it is all, server or worker")
	}
	ctx, cancel := s.context()
	defer cancel()
	idem, err := idempotencyOf(c, "cluster/join", "", raw)
	if err != nil {
		return err
	}
	if _, err := s.known(c, ctx, idem); err != nil {
		return err
	}
	st, err := s.node.Join(ctx, ask)
	if err != nil {
		return err
	}
	s.note(ctx, idem)
	return sendJSON(c, fiber.StatusOK, &st)
}

// transferLead makes another node the leader.
func (s *Server) transferLead(c *fiber.Ctx) error {
	var ask wire.Transfer
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	idem, err := idempotencyOf(c, "cluster/transfer", "", raw)
	if err != nil {
		return err
	}
	replayed, err := s.known(c, ctx, idem)
	if err != nil {
		return err
	}
	if !replayed {
		if err := s.node.Transfer(ctx, ask.To); err != nil {
			return noNode(err, ask.To)
		}
		s.note(ctx, idem)
	}
	return s.getCluster(c)
}

// removeNode takes a node out.
func (s *Server) removeNode(c *fiber.Ctx) error {
	id := c.Params("id")
	ctx, cancel := s.context()
	defer cancel()
	if err := s.node.Remove(ctx, id); err != nil {
		return noNode(err, id)
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func noNode(err error, id string) error {
	if errors.Is(err, ErrNotFound) {
		return refuse(wire.CodeNotFound, "no node %q belongs to the cluster; GET /v1/cluster lists those that do", clip(id))
	}
	return err
}
