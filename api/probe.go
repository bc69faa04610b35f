package api

import (
	"bytes"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// live says that the process answers.
func (s *Server) live(c *fiber.Ctx) error { return c.SendString("ok\n") }

// ready says whether the node can serve.
func (s *Server) ready(c *fiber.Ctx) error {
	if err := s.node.Ready(); err != nil {
		return refuse(wire.CodeBusy, "the node is not ready: %v", err)
	}
	return c.SendString("ok\n")
}

// metrics writes what Prometheus reads.
func (s *Server) metrics(c *fiber.Ctx) error {
	var b bytes.Buffer
	if err := s.node.WriteMetrics(&b); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	c.Response().Header.SetContentType(typeMetrics)
	c.Response().SetBodyRaw(b.Bytes())
	return nil
}

// page answers with the web page, or says that there is none.
func (s *Server) page(c *fiber.Ctx) error {
	if s.cfg.Page != nil {
		return s.cfg.Page(c)
	}
	return c.SendString("Windrow is running. GET /docs tells of the API; begin with GET /v1/cluster.\n")
}
