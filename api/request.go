package api

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// query gives one parameter of the query string in memory of its own.
func query(c *fiber.Ctx, name string) string {
	return string(c.Context().QueryArgs().Peek(name))
}

// namespaceOf picks the namespace of a request; header and query must not
// disagree.
func namespaceOf(c *fiber.Ctx) (string, error) {
	header := string(c.Request().Header.Peek(wire.HeaderNamespace))
	name := query(c, "namespace")
	switch {
	case header == "" && name == "":
		return queue.DefaultNamespace, nil
	case name == "":
		name = header
	case header != "" && header != name:
		return "", refuse(wire.CodeBadRequest, "%s says %q and ?namespace= says %q; give one of them", wire.HeaderNamespace, clip(header), clip(name))
	}
	if !isName(name) {
		return "", refuse(wire.CodeBadRequest, "%q is no namespace; a name is a lower-case letter and then up to 62 of a-z, 0-9, _ and -", clip(name))
	}
	return name, nil
}

// idOf reads the task id in the path.
func idOf(c *fiber.Ctx) (queue.ID, error) {
	id, err := queue.ParseID(c.Params("id"))
	if err != nil {
		return id, refuse(wire.CodeNotFound, "%q is no task's id; an id is a UUID as POST /v1/tasks gives it", clip(c.Params("id")))
	}
	return id, nil
}

// nameOf reads a name in the path.
func nameOf(c *fiber.Ctx, what string, valid func(string) bool) (string, error) {
	name := c.Params("name")
	if !valid(name) {
		return "", refuse(wire.CodeBadRequest, "%q is no %s's name; %s", clip(name), what, nameRules[what])
	}
	return strings.Clone(name), nil
}

// context bounds how long the cluster may take to answer.
func (s *Server) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.running, s.cfg.Timeouts.Answer)
}

// sync makes what this node has applied recent enough: as usual says for this
// route, or as ?consistency= asks, and never older than ?min_index=.
func (s *Server) sync(c *fiber.Ctx, ctx context.Context, usual Consistency) error {
	level := usual
	switch asked := query(c, "consistency"); asked {
	case "":
	case wire.Stale:
		level = Stale
	case wire.Linearizable:
		level = Linearizable
	default:
		return refuse(wire.CodeBadRequest, "?consistency=%s is unknown; it is stale or linearizable", clip(asked))
	}
	minIndex, err := minIndexOf(c)
	if err != nil {
		return err
	}
	if level == Stale && minIndex == 0 {
		return nil
	}
	index, err := s.node.Sync(ctx, minIndex, level)
	if err != nil {
		return err
	}
	s.tellIndex(c, index)
	return nil
}

func minIndexOf(c *fiber.Ctx) (uint64, error) {
	text := query(c, "min_index")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, refuse(wire.CodeBadRequest, "?min_index=%s is no log index; give back what %s said", clip(text), wire.HeaderIndex)
	}
	return n, nil
}

// waitOf reads ?wait=; without a value it is 30 s.
func waitOf(c *fiber.Ctx) (wait time.Duration, given bool, err error) {
	args := c.Context().QueryArgs()
	if !args.Has("wait") {
		return 0, false, nil
	}
	text := string(args.Peek("wait"))
	if text == "" {
		return 30 * time.Second, true, nil
	}
	d, err := wire.ParseDuration(text)
	if err != nil {
		return 0, false, refuse(wire.CodeBadRequest, "?wait: %v", err)
	}
	if d.Std() > maxWait {
		return 0, false, refuse(wire.CodeBadRequest, "?wait=%s is longer than %s; wait in several requests", clip(text), wire.Duration(maxWait))
	}
	return d.Std(), true, nil
}

// flagOf reads a boolean parameter; without a value it is true.
func flagOf(c *fiber.Ctx, name string) (bool, error) {
	args := c.Context().QueryArgs()
	if !args.Has(name) {
		return false, nil
	}
	switch text := string(args.Peek(name)); text {
	case "", "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, refuse(wire.CodeBadRequest, "?%s=%s is neither true nor false", name, clip(text))
	}
}

// numberOf reads a whole number in [lowest, highest], usual where none is given.
func numberOf(c *fiber.Ctx, name string, lowest, highest, usual int) (int, error) {
	text := query(c, name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lowest || n > highest {
		return 0, refuse(wire.CodeBadRequest, "?%s=%s is no whole number from %d to %d", name, clip(text), lowest, highest)
	}
	return n, nil
}

// limitOf is how many items a page may have.
func limitOf(c *fiber.Ctx) (int, error) { return numberOf(c, "limit", 1, 1000, 100) }

// versionOf is ?version=, 0 for the newest.
func versionOf(c *fiber.Ctx) (uint32, error) {
	n, err := numberOf(c, "version", 1, 1<<31-1, 0)
	return uint32(n), err
}

// timeOf reads a time, or how long ago it was.
func timeOf(c *fiber.Ctx, name string) (int64, error) {
	text := query(c, name)
	if text == "" {
		return 0, nil
	}
	e, err := wire.ParseExpires(text)
	if err != nil {
		return 0, refuse(wire.CodeBadRequest, "?%s: %v", name, err)
	}
	if !e.At.IsZero() {
		return e.At.UnixNano(), nil
	}
	return time.Now().Add(-e.In.Std()).UnixNano(), nil
}

// cursors are opaque to clients, so that what is inside may change.
func cursorOf(c *fiber.Ctx) (string, error) {
	text := query(c, "cursor")
	if text == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || len(b) > 256 {
		return "", badCursor(text)
	}
	return string(b), nil
}

func badCursor(text string) error {
	return refuse(wire.CodeBadRequest, "?cursor=%s is none of this list; give back next_cursor as it came", clip(text))
}

func cursor(at string) string {
	if at == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(at))
}

// clip keeps what is quoted back short.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
