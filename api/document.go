package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// changeTries bounds how often a change that met another one is tried again.
const changeTries = 10

// change reads a document's attributes, lets fn change them and writes them,
// again if somebody else was quicker. It gives what stands committed then,
// nil where an earlier request with the key has answered.
func (s *Server) change(c *fiber.Ctx, ctx context.Context, kind, namespace, name string, idem *command.Idempotency, fn func(*command.Attributes)) (*command.Attributes, error) {
	for range changeTries {
		if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
			return nil, err
		}
		put := &command.PutDocument{Kind: kind, Namespace: namespace, Name: name, Body: []byte("{}"), Idem: idem}
		if d, ok := s.node.Document(kind, namespace, name, 0); ok {
			put.Attributes, put.IfVersion = d.Attributes, d.Version
		}
		fn(&put.Attributes)
		r, index, err := s.node.Propose(ctx, put)
		if err != nil {
			return nil, err
		}
		if r.Code == command.CodeConflict {
			continue
		}
		if err := refused(&r); err != nil {
			return nil, err
		}
		s.tellIndex(c, index)
		s.caughtUp(ctx, index)
		if markReplayed(c, r.Replayed); r.Replayed {
			return nil, nil
		}
		return &put.Attributes, nil
	}
	return nil, refuse(wire.CodeConflict, "others change this %s at the same time; try again", kind)
}
