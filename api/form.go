package api

import (
	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// smallLimit bounds the bodies of everything but calls, modules and blobs.
const smallLimit = 1 << 20

// smallJSON reads a body into v; no body leaves v as it is. The body itself
// comes back for an idempotency key.
func (s *Server) smallJSON(c *fiber.Ctx, v any) ([]byte, error) {
	h, err := s.body(c, smallLimit, wire.TypeJSON)
	if err != nil {
		return nil, err
	}
	defer h.free()
	if len(h.bytes) == 0 {
		return nil, nil
	}
	return h.bytes, wire.Decode(h.bytes, v)
}
