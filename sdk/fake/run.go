package fake

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Job is one attempt as a Func sees it.
type Job struct {
	ID      string
	Call    wire.Call
	Attempt int
	Log     io.Writer
	// Progress tells how far the attempt is, as any JSON.
	Progress func(v any) error
}

// Func plays a task: what it returns becomes the result as JSON, an error the
// task's failure. Its context ends when the task is terminated, times out or
// the server is closed.
type Func func(ctx context.Context, job Job) (any, error)

// Failure is an error with a type of its own. Any other error has the type
// "exit_code".
type Failure struct {
	Type, Message string
	ExitCode      int32
}

// Error gives type and message.
func (f *Failure) Error() string { return f.Type + ": " + f.Message }

// task is a task with what drives it.
type task struct {
	wire.Task
	namespace string
	call      wire.Call
	log       []byte
	cancel    context.CancelFunc // of the running attempt
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16|uint64(b[6])<<8|uint64(b[7]))
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// drive takes one task from its submission to its end.
func (s *Server) drive(t *task) {
	defer s.runs.Done()
	for attempt := 1; ; attempt++ {
		if !s.ready(t) {
			return
		}
		retry, delay := s.attempt(t, attempt)
		if !retry {
			return
		}
		s.update(t, func() {
			t.State = wire.StateRetry
			t.ReadyAt = wire.Time{Time: time.Now().Add(delay).UTC()}
			s.moved(t)
		})
	}
}

// ready waits for the task's time and its queue; false means that it ended
// before.
func (s *Server) ready(t *task) bool {
	for {
		s.mu.Lock()
		if wire.Final(t.State) {
			s.mu.Unlock()
			return false
		}
		now := time.Now()
		if !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt.Time) && t.Attempt == 0 {
			s.end(t, wire.StateRevoked, nil, &wire.Error{Type: "expired", Message: "not started in time"})
			s.mu.Unlock()
			return false
		}
		paused := s.queue(name{t.namespace, t.Queue}).Paused
		if !paused && !now.Before(t.ReadyAt.Time) {
			s.mu.Unlock()
			return true
		}
		wake := t.ReadyAt.Sub(now)
		if paused || !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(t.ReadyAt.Time) {
			wake = 10 * time.Millisecond
		}
		changed := s.changed
		s.mu.Unlock()
		timer := time.NewTimer(wake)
		select {
		case <-changed:
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// attempt calls the task's function once and says whether and when it is to be
// tried again.
func (s *Server) attempt(t *task, n int) (retry bool, delay time.Duration) {
	limit := 5 * time.Minute
	if t.call.Timeout != nil {
		limit = t.call.Timeout.Std()
	}
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	s.mu.Lock()
	f := s.funcs[t.Task.Task]
	t.State, t.Attempt, t.StartedAt, t.cancel = wire.StateStarted, uint32(n), now(), cancel
	t.Delivery++
	t.Progress = nil
	s.moved(t)
	s.change()
	s.mu.Unlock()
	if f == nil {
		f = echo
	}
	result, err := f(ctx, Job{ID: t.ID, Call: t.call, Attempt: n, Log: &taskLog{s, t}, Progress: func(v any) error { return s.progress(t, v) }})
	s.mu.Lock()
	defer s.mu.Unlock()
	if wire.Final(t.State) {
		return false, 0 // terminated meanwhile
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &Failure{Type: "timeout", Message: "killed after " + limit.String()}
	}
	if err == nil {
		raw, merr := encode(result)
		if merr == nil {
			s.end(t, wire.StateSuccess, raw, nil)
			return false, 0
		}
		err = &Failure{Type: "invalid_output", Message: merr.Error()}
	}
	e := errorOf(err)
	t.Attempts = append(t.Attempts, wire.Attempt{Number: uint32(n), Worker: "fake-1", StartedAt: t.StartedAt, FinishedAt: now(), Error: e})
	if r := t.call.Retry; r != nil && n <= r.Max && wants(r, e.Type) {
		if r.Backoff != nil {
			delay = r.Backoff.Std()
		}
		return true, delay
	}
	s.end(t, wire.StateFailure, nil, e)
	return false, 0
}

// wants reports whether a policy retries an error type.
func wants(r *wire.Retry, kind string) bool {
	return kind != "fatal" && !slices.Contains(r.NotOn, kind) && (len(r.On) == 0 || slices.Contains(r.On, kind))
}

// encode writes a result as a guest would have it, without escapes for HTML.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

func errorOf(err error) *wire.Error {
	if f, ok := errors.AsType[*Failure](err); ok {
		return &wire.Error{Type: f.Type, Message: f.Message, ExitCode: f.ExitCode}
	}
	return &wire.Error{Type: "exit_code", Message: err.Error(), ExitCode: 1}
}

// end is the only way into a final state. The lock is held.
func (s *Server) end(t *task, state string, result json.RawMessage, e *wire.Error) {
	t.State, t.Result, t.Error, t.FinishedAt = state, result, e, now()
	t.WaitsFor = ""
	s.moved(t)
	if t.call.IgnoreResult {
		t.Result = nil
	}
	if !t.StartedAt.IsZero() {
		wall := t.FinishedAt.Sub(t.StartedAt.Time)
		t.Usage = &wire.Usage{WallMS: float64(wall) / 1e6, CPUMS: 0.1, MemoryBytes: 1 << 16}
	}
	s.change()
}

// progress keeps what an attempt tells of itself.
func (s *Server) progress(t *task, v any) error {
	raw, err := encode(v)
	if err != nil {
		return err
	}
	s.update(t, func() { t.Progress = raw })
	return nil
}

func (s *Server) update(t *task, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !wire.Final(t.State) {
		f()
		s.change()
	}
}

// echo plays a task without a function: its input is its result.
func echo(_ context.Context, job Job) (any, error) {
	if job.Call.Input != nil {
		return job.Call.Input, nil
	}
	given := struct {
		Args   json.RawMessage `json:"args"`
		Kwargs json.RawMessage `json:"kwargs"`
	}{job.Call.Args, job.Call.Kwargs}
	if given.Args == nil {
		given.Args = json.RawMessage("[]")
	}
	if given.Kwargs == nil {
		given.Kwargs = json.RawMessage("{}")
	}
	return given, nil
}

type taskLog struct {
	s *Server
	t *task
}

func (l *taskLog) Write(p []byte) (int, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.t.log = append(l.t.log, p...)
	l.t.LogBytes = int64(len(l.t.log))
	l.s.change()
	return len(p), nil
}
