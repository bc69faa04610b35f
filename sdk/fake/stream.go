package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// logs answers with a task's log; followed, also as events with its progress.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	t, err := s.find(r)
	if err != nil {
		writeProblem(w, err)
		return
	}
	follow := r.URL.Query().Get("follow") == "true"
	l := logStream{w: w, events: follow && strings.Contains(r.Header.Get("Accept"), "text/event-stream"), attempt: 1}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if l.events {
		w.Header().Set("Content-Type", "text/event-stream")
		after := r.Header.Get("Last-Event-ID")
		if after == "" {
			after = r.URL.Query().Get("after")
		}
		_, offset, _ := strings.Cut(after, "-")
		l.sent, _ = strconv.Atoi(strings.TrimSuffix(offset, "-fake-1")) // 0 without
	}
	for {
		s.mu.Lock()
		part := slices.Clone(t.log[min(l.sent, len(t.log)):])
		progress, state, changed := t.Progress, t.State, s.changed
		s.mu.Unlock()
		if err := l.write(part, progress, state); err != nil || wire.Final(state) || !follow {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// logStream is one answer to logs.
type logStream struct {
	w       http.ResponseWriter
	events  bool
	attempt uint32
	sent    int
	told    string // progress
}

func (l *logStream) write(part []byte, progress json.RawMessage, state string) error {
	l.sent += len(part)
	if !l.events {
		if _, err := l.w.Write(part); err != nil {
			return err
		}
		return http.NewResponseController(l.w).Flush()
	}
	if len(part) > 0 {
		if err := l.event(wire.NewsLog, wire.News{Attempt: l.attempt, Text: string(part)}); err != nil {
			return err
		}
	}
	if string(progress) != l.told {
		l.told = string(progress)
		if err := l.event(wire.NewsProgress, wire.News{Attempt: l.attempt, Progress: progress}); err != nil {
			return err
		}
	}
	if wire.Final(state) {
		if err := l.event(wire.NewsEnd, wire.News{Attempt: l.attempt, State: state}); err != nil {
			return err
		}
	}
	return http.NewResponseController(l.w).Flush()
}

func (l *logStream) event(kind string, n wire.News) error {
	return writeEvent(l.w, fmt.Sprintf("%d-%d-fake-1", l.attempt, l.sent), kind, n)
}

func writeEvent(w http.ResponseWriter, id, kind string, data any) error {
	raw, err := json.Marshal(data)
	if err == nil {
		_, err = fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", id, kind, raw)
	}
	return err
}

// moved notes a transition for those who follow events. The lock is held.
func (s *Server) moved(t *task) {
	e := wire.Event{ID: fmt.Sprintf("%d-0", s.index+1), Type: "task." + t.State, Time: now(), Namespace: t.namespace, TaskID: t.ID,
		Task: t.Task.Task, Queue: t.Queue, State: t.State, Attempt: t.Attempt}
	if t.Error != nil {
		e.Error = t.Error.Type
	}
	s.happened = append(s.happened, e)
}

// events streams what has happened, from now on or after an event.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = q.Get("after")
	}
	s.mu.Lock()
	next := len(s.happened)
	if after != "" {
		index := eventIndex(after)
		next, _ = slices.BinarySearchFunc(s.happened, index+1, func(e wire.Event, want uint64) int { return int(eventIndex(e.ID)) - int(want) })
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		s.mu.Lock()
		news, changed := s.happened[next:len(s.happened):len(s.happened)], s.changed
		s.mu.Unlock()
		next += len(news)
		for i := range news {
			if e := &news[i]; wantsEvent(r, e) && writeEvent(w, e.ID, e.Type, e) != nil {
				return
			}
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

func eventIndex(id string) uint64 {
	index, _, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseUint(index, 10, 64) // 0 without
	return n
}

func wantsEvent(r *http.Request, e *wire.Event) bool {
	q := r.URL.Query()
	if e.Namespace != namespace(r) || q.Get("queue") != "" && q.Get("queue") != e.Queue {
		return false
	}
	if t := q.Get("task"); t != "" && t != e.TaskID && t != e.Task {
		return false
	}
	types := q.Get("type")
	return types == "" || slices.ContainsFunc(strings.Split(types, ","), func(t string) bool {
		return t == e.Type || strings.HasSuffix(t, ".") && strings.HasPrefix(e.Type, t)
	})
}
