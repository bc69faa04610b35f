package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Bounds of a namespace's routes: each call of another task than the last one
// looks through them.
const (
	maxRoutes = 256
	maxMatch  = 320
	// maxRouted is how many namespaces' routes are kept read.
	maxRouted = 1000
)

// routed says what calls have whose task's name fits, unless they or their
// module say otherwise.
type routed struct {
	match string
	gives manner
}

// routing is the routes of one namespace as they were read last.
type routing struct {
	version uint32
	at      int64
	list    []routed
}

// routings keeps what was read, by namespace.
type routings struct {
	mu sync.Mutex
	by map[string]*routing
}

// routeOf finds the first route that fits a task's name, or nil.
func (s *Server) routeOf(namespace, task string) *manner {
	d, ok := s.node.Document(command.KindRoutes, namespace, command.KindRoutes, 0)
	if !ok {
		return nil
	}
	s.routings.mu.Lock()
	r := s.routings.by[namespace]
	s.routings.mu.Unlock()
	if r == nil || r.version != d.Version || r.at != d.CreatedAt {
		r = s.readRouting(namespace, &d)
	}
	for i := range r.list {
		// The pattern was looked at before it was taken.
		if fits, _ := path.Match(r.list[i].match, task); fits {
			return &r.list[i].gives
		}
	}
	return nil
}

func (s *Server) readRouting(namespace string, d *command.Document) *routing {
	r := &routing{version: d.Version, at: d.CreatedAt}
	var stored wire.Routes
	if err := json.Unmarshal(d.Body, &stored); err != nil {
		s.log.Warn("routes are not heeded", slog.String("namespace", namespace), slog.Any("error", err))
	}
	for i := range stored.Routes {
		call := stored.Routes[i].Call()
		r.list = append(r.list, routed{stored.Routes[i].Match, manner{defaults: &call}})
	}
	s.routings.mu.Lock()
	defer s.routings.mu.Unlock()
	if s.routings.by == nil || len(s.routings.by) >= maxRouted {
		s.routings.by = map[string]*routing{}
	}
	s.routings.by[namespace] = r
	return r
}

// checkRoutes holds routes to what calls may say.
func checkRoutes(routes []wire.Route, l *Limits) error {
	if len(routes) > maxRoutes {
		return wrong("routes", fmt.Sprintf("are more than %d; a pattern stands for many names", maxRoutes))
	}
	for i := range routes {
		if err := checkRoute(&routes[i], l); err != nil {
			return wire.InField("routes", wire.InField(fmt.Sprintf("[%d]", i), err))
		}
	}
	return nil
}

func checkRoute(r *wire.Route, l *Limits) error {
	if r.Match == "" || len(r.Match) > maxMatch {
		return wrong("match", `is missing or too long; give a pattern of MODULE.TASK, such as "etl.*"`)
	}
	if _, err := path.Match(r.Match, ""); err != nil {
		return wrong("match", `is no pattern; * is any text, ? one character, [a-z] one of a range`)
	}
	if r.Priority != nil && (*r.Priority < 0 || *r.Priority > 9) {
		return wrong("priority", "is not from 0 to 9")
	}
	if r.MaxDeliveries != nil && (*r.MaxDeliveries < 1 || *r.MaxDeliveries > 10_000) {
		return wrong("max_deliveries", "is not from 1 to 10000")
	}
	probe := r.Call()
	probe.Task = "m.t"
	if _, err := specOf("default", &probe, l); err != nil {
		return err
	}
	_, err := payloadOf(&probe, l)
	return err
}

// getRoutes shows a namespace's routes.
func (s *Server) getRoutes(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	shown := wire.Routes{Routes: []wire.Route{}}
	if d, ok := s.node.Document(command.KindRoutes, namespace, command.KindRoutes, 0); ok {
		if err := json.Unmarshal(d.Body, &shown); err != nil {
			return fmt.Errorf("read the routes of namespace %q: %w", namespace, err)
		}
	}
	return sendJSON(c, fiber.StatusOK, &shown)
}

// putRoutes takes the routes of a namespace in place of those before.
func (s *Server) putRoutes(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	var ask wire.Routes
	if _, err := s.smallJSON(c, &ask); err != nil {
		return err
	}
	if ask.Routes == nil {
		return wrong("routes", `is missing; give a list such as [{"match": "etl.*", "queue": "heavy"}]`)
	}
	if err := checkRoutes(ask.Routes, &s.cfg.Limits); err != nil {
		return err
	}
	body, err := json.Marshal(&ask)
	if err != nil {
		return fmt.Errorf("write routes: %w", err)
	}
	ctx, cancel := s.context()
	defer cancel()
	_, index, err := s.propose(c, ctx, &command.PutDocument{Kind: command.KindRoutes, Namespace: namespace, Name: command.KindRoutes, Body: body})
	if err != nil {
		return err
	}
	s.caughtUp(ctx, index)
	return sendJSON(c, fiber.StatusOK, &ask)
}

// deleteRoutes lets calls go by what they and their modules say. Where there
// are none, nothing is left to do.
func (s *Server) deleteRoutes(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	r, index, err := s.propose(c, ctx, &command.DeleteDocument{Kind: command.KindRoutes, Namespace: namespace, Name: command.KindRoutes})
	if err != nil && r.Code != command.CodeNotFound {
		return err
	}
	s.caughtUp(ctx, index)
	return c.SendStatus(fiber.StatusNoContent)
}
