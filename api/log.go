package api

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

const typeText = "text/plain; charset=utf-8"

// getLog gives what a task's attempts wrote, with ?follow=true as it comes.
func (s *Server) getLog(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	id, err := idOf(c)
	if err != nil {
		return err
	}
	follow, err := flagOf(c, "follow")
	if err != nil {
		return err
	}
	attempt, err := numberOf(c, "attempt", 1, 1<<31-1, 0)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, err := s.taskNow(c, ctx, namespace, id); err != nil {
		return err
	}
	// What a guest writes must never be taken for a page.
	c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	if follow && c.Method() != fiber.MethodHead {
		return s.followLog(c, namespace, id, uint32(attempt))
	}
	var b bytes.Buffer
	if err := s.node.TaskLog(ctx, namespace, id, uint32(attempt), false, &b); err != nil {
		return err
	}
	c.Response().Header.SetContentType(typeText)
	c.Response().SetBodyRaw(b.Bytes())
	return nil
}

// followLog streams. The writer runs after the handler has returned, so it gets
// copies alone, never c.
func (s *Server) followLog(c *fiber.Ctx, namespace string, id queue.ID, attempt uint32) error {
	select {
	case s.streams <- struct{}{}:
	default:
		return refuse(wire.CodeBusy, "the node keeps %d answers open at a time; try again later, or without follow", cap(s.streams))
	}
	c.Response().Header.SetContentType(typeText)
	c.Response().ImmediateHeaderFlush = true // even if the guest is silent
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer func() { <-s.streams }()
		ctx, cancel := context.WithTimeout(s.running, s.cfg.Timeouts.Stream)
		var watch sync.WaitGroup
		watch.Go(func() { cancelWhenGone(ctx, cancel, conn, s.cfg.Timeouts.Probe) })
		defer watch.Wait()
		defer cancel()
		out := &flushed{w: w, conn: conn, within: s.cfg.Timeouts.Write}
		if err := s.node.TaskLog(ctx, namespace, id, attempt, true, out); err != nil && ctx.Err() == nil && out.err == nil {
			s.log.Warn("log stream ended", slog.String("task_id", id.String()), slog.Any("error", err))
		}
	})
	return nil
}

// flushed sends each piece at once and gives the client a while to take it.
type flushed struct {
	w      *bufio.Writer
	conn   net.Conn
	within time.Duration
	err    error
}

// Write implements io.Writer.
func (f *flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.flush()
	}
	f.err = err
	return n, err
}

func (f *flushed) flush() error {
	if err := f.conn.SetWriteDeadline(time.Now().Add(f.within)); err != nil {
		return err
	}
	return f.w.Flush()
}
