package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// ErrEventsGone says that events after an id are not kept any more.
var ErrEventsGone = errors.New("events are gone")

// Event is one committed transition of a task, or of a run.
type Event struct {
	ID        string // INDEX-N
	Time      int64  // T
	Namespace string
	TaskID    queue.ID
	Task      string
	Shadow    string // what people see in its place
	Queue     string
	To        queue.State
	Attempt   uint32
	Error     string
	RunID     queue.ID // that the task belongs to, or zero
	Run       bool     // it is the run's own; Task is its kind
	Schedule  string   // "fired", "skipped" … of a schedule's own, whose name is Task
}

// kind is the event's type.
func (e *Event) kind() string {
	switch {
	case e.Schedule != "":
		return "schedule." + e.Schedule
	case !e.Run:
		return "task." + e.To.String()
	}
	return "run." + runState(e.To).String()
}

// runState is the state of a run that its transition tells of in a task's.
func runState(s queue.State) workflow.RunState {
	switch s {
	case queue.Success:
		return workflow.Success
	case queue.Failure:
		return workflow.Failed
	case queue.Revoked:
		return workflow.Cancelled
	default:
		return workflow.Running
	}
}

// Events follows what this node has applied.
type Events interface {
	// NewestEvent is the id after which only what comes from now on follows.
	NewestEvent() string
	// FollowEvents calls fn for every event after an id, in order, and goes on
	// until ctx is done or fn fails. When there is nothing more for now it calls
	// idle. ErrEventsGone says that events after the id are not here; an id
	// that cannot be read gives an *Error.
	FollowEvents(ctx context.Context, after string, fn func(*Event) error, idle func() error) error
}

// heartbeat is how often a silent stream says that it lives, so that proxies
// keep it and a client notices when it does not.
const heartbeat = 15 * time.Second

// eventFilter picks what a stream carries.
type eventFilter struct {
	namespace string
	task, run queue.ID
	name      string // "MODULE.TASK"
	queue     string
	types     []string // exact, or up to a final dot
}

func eventsOf(c *fiber.Ctx) (f eventFilter, err error) {
	if f.namespace, err = namespaceOf(c); err != nil {
		return f, err
	}
	if text := query(c, "task"); text != "" {
		if f.task, err = queue.ParseID(text); err != nil {
			f.name = text
		}
	}
	f.queue = query(c, "queue")
	if text := query(c, "type"); text != "" {
		f.types = strings.Split(text, ",")
	}
	if text := query(c, "run"); text != "" {
		if f.run, err = queue.ParseID(text); err != nil {
			return f, refuse(wire.CodeBadRequest, "?run=%s: %v", clip(text), err)
		}
	}
	return f, nil
}

func (f *eventFilter) takes(e *Event, kind string) bool {
	if e.Namespace != f.namespace || !f.task.IsZero() && e.TaskID != f.task || !f.run.IsZero() && e.RunID != f.run || f.name != "" && (e.Task != f.name || e.Schedule != "") ||
		f.queue != "" && e.Queue != f.queue {
		return false
	}
	if len(f.types) == 0 {
		return true
	}
	for _, t := range f.types {
		if t == kind || strings.HasSuffix(t, ".") && strings.HasPrefix(kind, t) {
			return true
		}
	}
	return false
}

// getEvents streams what is committed from now on, or after Last-Event-ID (or
// ?after=).
func (s *Server) getEvents(c *fiber.Ctx) error {
	f, err := eventsOf(c)
	if err != nil {
		return err
	}
	after := strings.Clone(string(c.Request().Header.Peek("Last-Event-ID")))
	if after == "" {
		after = query(c, "after")
	}
	if after == "" {
		after = s.node.NewestEvent()
	}
	select {
	case s.streams <- struct{}{}:
	default:
		return refuse(wire.CodeBusy, "the node keeps %d answers open at a time; try again later", cap(s.streams))
	}
	c.Response().Header.SetContentType(typeEvents)
	c.Response().Header.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().ImmediateHeaderFlush = true
	conn := c.Context().Conn()
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer func() { <-s.streams }()
		ctx, cancel := context.WithTimeout(s.running, s.cfg.Timeouts.Stream)
		var watch sync.WaitGroup
		watch.Go(func() { cancelWhenGone(ctx, cancel, conn, s.cfg.Timeouts.Probe) })
		defer watch.Wait()
		defer cancel()
		out := &eventStream{flushed: flushed{w: w, conn: conn, within: s.cfg.Timeouts.Write}, filter: f}
		if err := s.streamEvents(ctx, after, out); err != nil && ctx.Err() == nil && out.err == nil {
			s.log.Warn("event stream ended", slog.Any("error", err))
		}
	})
	return nil
}

// streamEvents follows, and starts over from now where events are gone.
func (s *Server) streamEvents(ctx context.Context, after string, out *eventStream) error {
	beat := time.AfterFunc(heartbeat, out.beat)
	defer beat.Stop()
	out.again = func() { beat.Reset(heartbeat) }
	for {
		err := s.node.FollowEvents(ctx, after, out.send, out.idle)
		var bad *Error
		switch {
		case errors.Is(err, ErrEventsGone):
			newest := s.node.NewestEvent()
			if newest == after { // the newest cannot be read either: a reset would follow the other
				return err
			}
			after = newest
			err = out.write(after, wire.EventReset, []byte(`{"after":"`+after+`"}`))
		case errors.As(err, &bad):
			after = s.node.NewestEvent()
			detail, _ := json.Marshal(bad.Detail)
			err = out.write(after, wire.EventReset, []byte(`{"detail":`+string(detail)+`}`))
		}
		if err != nil {
			return err
		}
	}
}

// eventStream writes events as server-sent events. What is written is flushed
// when there is nothing more for now.
type eventStream struct {
	mu sync.Mutex // against the heartbeat
	flushed
	filter eventFilter
	buf    bytes.Buffer
	again  func()
	dirty  bool
}

func (o *eventStream) send(e *Event) error {
	kind := e.kind()
	if !o.filter.takes(e, kind) {
		return nil
	}
	out := wire.Event{ID: e.ID, Type: kind, Time: wire.At(e.Time), Namespace: e.Namespace, Error: e.Error}
	if !e.RunID.IsZero() {
		out.RunID = e.RunID.String()
	}
	switch {
	case e.Schedule != "":
		out.Schedule = e.Task
	case e.Run:
		out.Kind, out.State = e.Task, runState(e.To).String()
	default:
		out.TaskID, out.Task, out.Queue, out.State, out.Attempt = e.TaskID.String(), e.Task, e.Queue, e.To.String(), e.Attempt
		out.Shadow = e.Shadow
	}
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return o.write(e.ID, kind, data)
}

func (o *eventStream) write(id, kind string, data []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Reset()
	if id != "" {
		o.buf.WriteString("id: " + id + "\n")
	}
	o.buf.WriteString("event: " + kind + "\ndata: ")
	o.buf.Write(data)
	o.buf.WriteString("\n\n")
	if err := o.conn.SetWriteDeadline(time.Now().Add(o.within)); err != nil {
		return o.failed(err)
	}
	o.dirty = true
	_, err := o.w.Write(o.buf.Bytes())
	return o.failed(err)
}

func (o *eventStream) idle() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dirty {
		return nil
	}
	o.dirty = false
	o.again()
	return o.failed(o.flush())
}

// beat writes a comment, which clients pass over.
func (o *eventStream) beat() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return
	}
	if _, err := o.w.WriteString(": alive\n\n"); err == nil {
		_ = o.failed(o.flush())
	}
	o.again()
}

func (o *eventStream) failed(err error) error {
	if err != nil {
		o.err = err
	}
	return err
}
