package api

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// logEvents writes a task's log and progress as server-sent events. The id of
// each is a place in the log, from which another node can go on.
type logEvents struct {
	stream *eventStream
	place  LogPlace // behind what was sent
	held   []byte   // the beginning of a character whose rest is to come
}

func newLogEvents(out *flushed) *logEvents {
	return &logEvents{stream: &eventStream{flushed: *out}}
}

// streamLog follows a task until it has ended, and says so: a stream that
// breaks off without is to be taken up again.
func (s *Server) streamLog(ctx context.Context, namespace string, id queue.ID, q LogQuery, out *logEvents) error {
	beat := time.AfterFunc(heartbeat, out.stream.beat)
	defer beat.Stop()
	out.stream.again = func() { beat.Reset(heartbeat) }
	out.place = q.After
	if err := s.node.TaskLog(ctx, namespace, id, q, out); err != nil {
		return err
	}
	if err := out.rest(); err != nil {
		return err
	}
	v, ok, err := s.node.TaskState(namespace, id)
	if err != nil || !ok {
		return err
	}
	return out.send(wire.NewsEnd, &wire.News{State: v.State.String(), Attempt: v.Attempt})
}

// Log implements LogSink. A character that comes in two pieces is sent whole.
func (o *logEvents) Log(p LogPlace, b []byte) error {
	if p.Attempt != o.place.Attempt || p.Worker != o.place.Worker {
		if err := o.rest(); err != nil {
			return err
		}
	}
	text := append(o.held, b...)
	end := wholeText(text)
	o.held = append([]byte(nil), text[end:]...)
	p.Offset -= int64(len(o.held))
	o.place = p
	if end == 0 {
		return nil
	}
	return o.send(wire.NewsLog, &wire.News{Attempt: p.Attempt, Text: string(text[:end])})
}

// rest sends what was held back, when nothing more of it will come.
func (o *logEvents) rest() error {
	text := o.held
	o.held = nil
	if len(text) == 0 {
		return nil
	}
	o.place.Offset += int64(len(text))
	return o.send(wire.NewsLog, &wire.News{Attempt: o.place.Attempt, Text: string(text)})
}

// wholeText is how much of a text ends with a whole character.
func wholeText(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		c := b[len(b)-n:]
		if utf8.RuneStart(c[0]) {
			if !utf8.FullRune(c) {
				return len(b) - n
			}
			break
		}
	}
	return len(b)
}

// Progress implements LogSink.
func (o *logEvents) Progress(attempt uint32, b []byte) error {
	return o.send(wire.NewsProgress, &wire.News{Attempt: attempt, Progress: b})
}

func (o *logEvents) send(kind string, n *wire.News) error {
	data, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encode news of a task: %w", err)
	}
	id := ""
	if o.place.Attempt > 0 {
		id = o.place.String()
	}
	if err := o.stream.write(id, kind, data); err != nil {
		return err
	}
	return o.stream.idle()
}
