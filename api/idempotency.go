package api

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
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
	if text := string(c.Request().Header.Peek(wire.HeaderKeyTTL)); text != "" {
		ttl, err := wire.ParseDuration(text)
		if err != nil || ttl <= 0 {
			return nil, refuse(wire.CodeBadRequest, "the %s %q is no duration such as 5m", wire.HeaderKeyTTL, clip(text))
		}
		i.Brief = ttl.Std() <= briefKey
	}
	copy(i.Body[:], sum[:])
	return i, nil
}

// briefKey is up to where a key is known for that time alone; what is more is
// 24 hours.
const briefKey = 5 * time.Minute

// markReplayed tells the client that an earlier request answered.
func markReplayed(c *fiber.Ctx, replayed bool) {
	if replayed {
		c.Response().Header.Set(wire.HeaderReplayed, "true")
	}
}

// known looks whether a key has been used. What is no command, and so cannot
// take its key along, asks this first and notes the key once it is done.
func (s *Server) known(c *fiber.Ctx, ctx context.Context, i *command.Idempotency) (bool, error) {
	if i == nil {
		return false, nil
	}
	if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
		return false, err
	}
	r, ok := s.node.Answered(queue.DefaultNamespace, i)
	if !ok {
		return false, nil
	}
	markReplayed(c, r.Replayed)
	return r.Replayed, refused(&r)
}

// note ties a key to what has been done. Where it cannot, a repeat acts again,
// which is harmless for all that is noted so.
func (s *Server) note(ctx context.Context, i *command.Idempotency) {
	if i == nil {
		return
	}
	if r, _, err := s.node.Propose(ctx, &command.Submit{Namespace: queue.DefaultNamespace, Idem: i}); err != nil || r.Code != command.OK {
		s.log.Warn("note the idempotency key of what was done", "route", i.Route, "code", string(r.Code), "err", err)
	}
}

// propose puts one command into the log; a refusal is an error.
func (s *Server) propose(c *fiber.Ctx, ctx context.Context, cmd command.Command) (command.Result, uint64, error) {
	r, index, err := s.node.Propose(ctx, cmd)
	if err != nil {
		return r, 0, err
	}
	s.tellIndex(c, index)
	markReplayed(c, r.Replayed)
	return r, index, refused(&r)
}
