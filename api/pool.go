package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func poolOf(v *queue.PoolView) wire.Pool {
	return wire.Pool{Name: v.Name, Slots: v.Slots, Used: v.Used, Waiting: v.Waiting}
}

// listPools shows all pools of a namespace, by name.
func (s *Server) listPools(c *fiber.Ctx) error {
	return listOf(s, c, s.node.Pools, func(v *queue.PoolView) (string, wire.Pool) { return v.Name, poolOf(v) })
}

func (s *Server) poolAsked(c *fiber.Ctx) (namespace, name string, err error) {
	if namespace, err = namespaceOf(c); err != nil {
		return "", "", err
	}
	name, err = nameOf(c, "pool", isLine)
	return namespace, name, err
}

// getPool shows one pool with its use.
func (s *Server) getPool(c *fiber.Ctx) error {
	namespace, name, err := s.poolAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	return s.sendPool(c, fiber.StatusOK, namespace, name, nil)
}

// sendPool shows a pool, with the settings that were just committed, if some
// were.
func (s *Server) sendPool(c *fiber.Ctx, status int, namespace, name string, set *command.Attributes) error {
	v, ok := s.node.Pool(namespace, name)
	if set != nil {
		v.Name, v.Slots = name, set.Slots
	} else if !ok {
		return refuse(wire.CodePoolNotFound, "no pool %q is in namespace %q; make it with PUT /v1/pools/%s", name, namespace, name)
	}
	p := poolOf(&v)
	return sendJSON(c, status, &p)
}

// putPool makes a pool, 201, or changes one, 200.
func (s *Server) putPool(c *fiber.Ctx) error {
	namespace, name, err := s.poolAsked(c)
	if err != nil {
		return err
	}
	var ask struct {
		Slots *uint32 `json:"slots"`
	}
	if _, err := s.smallJSON(c, &ask); err != nil {
		return err
	}
	if ask.Slots == nil {
		return wrong("slots", `is missing; say how many tasks may run together, as in {"slots": 4}`)
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
		return err
	}
	status := fiber.StatusOK
	if _, ok := s.node.Pool(namespace, name); !ok {
		status = fiber.StatusCreated
	}
	set, err := s.change(c, ctx, command.KindPool, namespace, name, nil, func(a *command.Attributes) { a.Slots = *ask.Slots })
	if err != nil {
		return err
	}
	return s.sendPool(c, status, namespace, name, set)
}

// deletePool removes a pool that nothing needs.
func (s *Server) deletePool(c *fiber.Ctx) error {
	namespace, name, err := s.poolAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, _, err := s.propose(c, ctx, &command.DeleteDocument{Kind: command.KindPool, Namespace: namespace, Name: name}); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}
