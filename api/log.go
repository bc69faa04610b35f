package api

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"strings"
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
	q := LogQuery{Attempt: uint32(attempt), Follow: follow && c.Method() != fiber.MethodHead}
	after := strings.Clone(string(c.Request().Header.Peek("Last-Event-ID")))
	if after == "" {
		after = query(c, "after")
	}
	if q.After, err = parsePlace(after); err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, err := s.taskNow(c, ctx, namespace, id); err != nil {
		return err
	}
	// What a guest writes must never be taken for a page.
	c.Response().Header.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	if q.Follow {
		return s.followLog(c, namespace, id, q)
	}
	var b logText
	if err := s.node.TaskLog(ctx, namespace, id, q, &b); err != nil {
		return err
	}
	c.Response().Header.SetContentType(typeText)
	c.Response().SetBodyRaw(b.Bytes())
	return nil
}

// String is the place as the id of an event.
func (p LogPlace) String() string {
	return strconv.FormatUint(uint64(p.Attempt), 10) + "-" + strconv.FormatInt(p.Offset, 10) + "-" + p.Worker
}

// parsePlace reads what String wrote; empty is the beginning.
func parsePlace(text string) (p LogPlace, err error) {
	if text == "" {
		return p, nil
	}
	attempt, rest, _ := strings.Cut(text, "-")
	offset, worker, ok := strings.Cut(rest, "-")
	n, err := strconv.ParseUint(attempt, 10, 31)
	if err == nil {
		p.Offset, err = strconv.ParseInt(offset, 10, 64)
	}
	if err != nil || !ok || n == 0 || p.Offset < 0 {
		return LogPlace{}, refuse(wire.CodeBadRequest, "%s is no place in a log; give back the id of an event as it came", clip(text))
	}
	p.Attempt, p.Worker = uint32(n), worker
	return p, nil
}

// logText gathers the text of a log.
type logText struct{ bytes.Buffer }

// Log implements LogSink.
func (t *logText) Log(_ LogPlace, b []byte) error {
	_, err := t.Write(b)
	return err
}

// Progress implements LogSink: it is no text.
func (t *logText) Progress(uint32, []byte) error { return nil }

// followLog streams: the text alone, or events for a client that accepts them.
// The writer runs after the handler has returned, so it gets copies alone,
// never c.
func (s *Server) followLog(c *fiber.Ctx, namespace string, id queue.ID, q LogQuery) error {
	select {
	case s.streams <- struct{}{}:
	default:
		return refuse(wire.CodeBusy, "the node keeps %d answers open at a time; try again later, or without follow", cap(s.streams))
	}
	events := strings.Contains(string(c.Request().Header.Peek(fiber.HeaderAccept)), typeEvents)
	c.Response().Header.SetContentType(typeText)
	if events {
		c.Response().Header.SetContentType(typeEvents)
		c.Response().Header.Set(fiber.HeaderCacheControl, "no-store")
	}
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
		var err error
		if events {
			news := newLogEvents(out)
			err = s.streamLog(ctx, namespace, id, q, news)
			out.err = news.stream.err
		} else {
			err = s.node.TaskLog(ctx, namespace, id, q, out)
		}
		if err != nil && ctx.Err() == nil && out.err == nil {
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

// Log implements LogSink.
func (f *flushed) Log(_ LogPlace, b []byte) error {
	_, err := f.Write(b)
	return err
}

// Progress implements LogSink: it is no text.
func (f *flushed) Progress(uint32, []byte) error { return nil }
