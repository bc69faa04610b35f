package api

import (
	"context"
	"crypto/sha256"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// idempotencyOf gives what makes a POST safe to repeat, nil without a key. The
// header beats the field.
func idempotencyOf(c *fiber.Ctx, route, field string, body []byte) (*command.Idempotency, error) {
	key := string(c.Request().Header.Peek(wire.HeaderIdempotencyKey))
	if key == "" {
		key = field
	}
	if key == "" {
		return nil, nil
	}
	if len(key) > maxKey {
		return nil, refuse(wire.CodeBadRequest, "the Idempotency-Key has %d bytes and may have %d; use a hash of it", len(key), maxKey)
	}
	sum := sha256.Sum256(body)
	i := &command.Idempotency{Route: route, Key: key}
	copy(i.Body[:], sum[:])
	return i, nil
}

// markReplayed tells the client that an earlier request answered.
func markReplayed(c *fiber.Ctx, replayed bool) {
	if replayed {
		c.Response().Header.Set(wire.HeaderReplayed, "true")
	}
}

// claim ties a key to a POST that makes no tasks, by a submission of none. A
// repeat is told so; whether it acts again is the route's choice.
func (s *Server) claim(c *fiber.Ctx, ctx context.Context, namespace, route string, body []byte) (replayed bool, err error) {
	idem, err := idempotencyOf(c, route, "", body)
	if idem == nil || err != nil {
		return false, err
	}
	r, index, err := s.node.Propose(ctx, &command.Submit{Namespace: namespace, Idem: idem})
	if err != nil {
		return false, err
	}
	s.tellIndex(c, index)
	markReplayed(c, r.Replayed)
	return r.Replayed, refused(&r)
}

// propose puts one command into the log; a refusal is an error.
func (s *Server) propose(c *fiber.Ctx, ctx context.Context, cmd command.Command) (command.Result, uint64, error) {
	r, index, err := s.node.Propose(ctx, cmd)
	if err != nil {
		return r, 0, err
	}
	s.tellIndex(c, index)
	return r, index, refused(&r)
}
