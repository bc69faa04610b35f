package windrow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Event is one committed transition of a task, or with Type [EventReset] the
// news that there is a gap.
type Event = wire.Event

// EventReset is the Type of an event that says: the servers keep no events
// after the last one any more. Read the state anew; what follows goes on from
// the reset's ID.
const EventReset = wire.EventReset

// EventFilter picks events; what is zero picks all.
type EventFilter struct {
	Task  string // an id, or "MODULE.TASK"
	Queue string
	Types []string // "task.success", or "task." for all that begin so
	// After is the ID of an event; what came after it follows. Without it the
	// stream begins now.
	After string
}

func (f *EventFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"task": f.Task, "queue": f.Queue, "type": strings.Join(f.Types, ",")} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// InterruptedError says that a stream of events was cut off and no server takes
// it up for now.
type InterruptedError struct {
	After string // the place from which it goes on, for EventFilter.After
	Err   error
}

// Error tells what kept the stream from going on.
func (e *InterruptedError) Error() string {
	return "the stream of events is interrupted: " + e.Err.Error()
}

// Unwrap gives the last attempt's fault.
func (e *InterruptedError) Unwrap() error { return e.Err }

// streamSilence is how long a stream may say nothing: three heartbeats.
const streamSilence = 45 * time.Second

// Events follows what the cluster commits until ctx ends, which is its last
// error. Where a connection breaks the stream goes on after the last event, at
// another server if need be, so that none is missed and none comes twice;
// where that cannot be, an event of type [EventReset] says so.
//
// Once it has begun, a cluster that is out of reach for longer than
// [Config.RetryFor] is an *[InterruptedError]; who goes on with the loop has
// the stream try again. After any other error nothing follows.
func (c *Client) Events(ctx context.Context, filter EventFilter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &eventStream{c: c, query: filter.query(), after: filter.After}
		for round := 0; ; round++ {
			before := s.after
			err := s.follow(ctx, yield)
			var cut *InterruptedError
			switch {
			case errors.Is(err, errEnough):
				return
			case err != nil && (!yield(Event{}, err) || !errors.As(err, &cut)):
				return
			case s.after != before:
				round = 0
			}
			if err := c.sleep(ctx, backoff(round)); err != nil {
				yield(Event{}, fmt.Errorf("follow events: %w", err))
				return
			}
		}
	}
}

// errEnough says that the caller wants no more events.
var errEnough = errors.New("enough events")

// eventStream is a stream over all of its connections.
type eventStream struct {
	c     *Client
	query url.Values
	after string
	begun bool
}

// follow hands on the events of one connection until it breaks, which is no
// error.
func (s *eventStream) follow(ctx context.Context, yield func(Event, error) bool) error {
	body, err := s.connect(ctx)
	switch {
	case err == nil:
		return s.read(ctx, body, yield)
	case s.begun && IsUnreachable(err) && ctx.Err() == nil:
		return &InterruptedError{After: s.after, Err: err}
	}
	return err
}

func (s *eventStream) connect(ctx context.Context) (io.ReadCloser, error) {
	if s.after != "" {
		s.query.Set("after", s.after)
	}
	a, err := s.c.send(ctx, &request{method: http.MethodGet, path: "/events", query: s.query, accept: "text/event-stream", stream: true})
	if err != nil {
		return nil, err
	}
	s.begun = true
	if index, err := strconv.ParseUint(a.header.Get(wire.HeaderIndex), 10, 64); err == nil && s.after == "" && index > 0 {
		// A connection that breaks before its first event must not lose what
		// is committed until the next: whole entries up to here are behind.
		s.after = fmt.Sprintf("%d-%d", index-1, uint32(1<<32-1))
	}
	return a.stream, nil
}

func (s *eventStream) read(ctx context.Context, body io.ReadCloser, yield func(Event, error) bool) error {
	defer body.Close()
	silent := time.AfterFunc(streamSilence, func() { body.Close() })
	defer silent.Stop()
	in := bufio.NewReader(body)
	var m message
	for {
		silent.Reset(streamSilence)
		line, err := in.ReadBytes('\n')
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("follow events: %w", ctx.Err())
		case err != nil:
			return nil // a message that has come in part comes again
		case !m.add(bytes.TrimRight(line, "\r\n")):
			continue
		}
		e, err := m.event()
		if err != nil {
			return err
		}
		if m = (message{}); e == nil {
			continue
		}
		s.after = e.ID
		if !yield(*e, nil) {
			return errEnough
		}
	}
}

// message is one of server-sent events, as it comes line by line.
type message struct {
	id, kind string
	data     []byte
}

// add takes a line and reports whether the message is complete.
func (m *message) add(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "id":
		m.id = string(value)
	case "event":
		m.kind = string(value)
	case "data":
		if len(m.data) > 0 {
			m.data = append(m.data, '\n')
		}
		m.data = append(m.data, value...)
	}
	return len(line) == 0
}

// event reads the message; one without data, such as a heartbeat, is none.
func (m *message) event() (*Event, error) {
	switch {
	case m.kind == EventReset:
		return &Event{ID: m.id, Type: EventReset}, nil
	case len(m.data) == 0:
		return nil, nil
	}
	var e Event
	if err := json.Unmarshal(m.data, &e); err != nil {
		return nil, fmt.Errorf("the event %s is not what a Windrow server says: %w", m.id, err)
	}
	return &e, nil
}
