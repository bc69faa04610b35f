package fake

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// seen is what a request under an idempotency key was answered.
type seen struct {
	body [32]byte
	ids  []string
}

// replayed marks an answer that a key gave.
type replayed struct{ body any }

// idempotent runs fresh unless the request's key is known, and gives the ids.
// The lock is held.
func (s *Server) idempotent(r *http.Request, key string, body []byte, fresh func() ([]string, error)) (ids []string, again bool, err error) {
	if h := r.Header.Get(wire.HeaderIdempotencyKey); h != "" {
		key = h
	}
	if key == "" {
		ids, err = fresh()
		return ids, false, err
	}
	scope := name{namespace(r), r.URL.Path + " " + key}
	hash := sha256.Sum256(body)
	if old := s.seen[scope]; old != nil {
		if old.body != hash {
			return nil, false, refuse(409, wire.CodeIdempotency, "this key belongs to another request")
		}
		return old.ids, true, nil
	}
	if ids, err = fresh(); err == nil {
		s.seen[scope] = &seen{body: hash, ids: ids}
	}
	return ids, false, err
}

func (s *Server) submit(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	var call wire.Call
	if err := call.UnmarshalJSON(body); err != nil {
		return 0, nil, fieldProblem(err)
	}
	if len(call.Link)+len(call.LinkError) > 0 {
		return 0, nil, refuse(422, wire.CodeUnsupported, "the fake server calls callbacks of canvases alone; send the call to POST /v1/canvas")
	}
	s.mu.Lock()
	ids, again, err := s.idempotent(r, call.IdempotencyKey, body, func() ([]string, error) {
		t, err := s.accept(namespace(r), call)
		if err != nil {
			return nil, err
		}
		s.begin(t)
		return []string{t.ID}, nil
	})
	s.mu.Unlock()
	if err != nil {
		return 0, nil, err
	}
	status, v := s.wait(r, ids[0], http.StatusAccepted)
	if again {
		return status, &replayed{v}, nil
	}
	return status, v, nil
}

func fieldProblem(err error) error {
	if field, ok := errors.AsType[*wire.FieldError](err); ok {
		p := refuse(400, wire.CodeInvalidField, field.Error())
		p.Field = field.Field
		return p
	}
	return refuse(400, wire.CodeInvalidJSON, err.Error())
}

// accept checks a call and makes its task, which does not run yet. The lock is
// held.
func (s *Server) accept(namespace string, call wire.Call) (*task, error) {
	module, taskName, ok := strings.Cut(call.Task, ".")
	if !ok {
		return nil, fieldProblem(&wire.FieldError{Field: "task", Reason: "want MODULE.TASK"})
	}
	versions := s.modules[name{namespace, module}]
	if len(versions) == 0 {
		return nil, refuse(404, wire.CodeModuleNotFound, fmt.Sprintf("there is no module %q in namespace %q; PUT /v1/modules/%s uploads one", module, namespace, module))
	}
	newest := versions[len(versions)-1]
	if !slices.ContainsFunc(newest.Tasks, func(t wire.ModuleTask) bool { return t.Name == taskName }) {
		return nil, refuse(404, wire.CodeTaskNotFound, fmt.Sprintf("module %s has no task %q", module, taskName))
	}
	if call.UniqueKey != "" {
		for _, t := range s.order {
			if t.namespace == namespace && t.UniqueKey == call.UniqueKey && !wire.Final(t.State) {
				p := refuse(409, wire.CodeDuplicate, "task "+t.ID+" has this unique_key and has not ended")
				p.ID = t.ID
				return nil, p
			}
		}
	}
	s.route(namespace, &call)
	t := &task{namespace: namespace, call: call}
	t.Task = wire.Task{ID: newID(), Task: call.Task, Module: module, Version: newest.Version, Queue: "default",
		Priority: 5, State: wire.StatePending, Args: call.Args, Kwargs: call.Kwargs, Input: call.Input,
		CreatedAt: now(), UniqueKey: call.UniqueKey, FairnessKey: call.FairnessKey, Pool: call.Pool,
		Labels: call.Labels, Headers: call.Headers, Shadow: call.Shadow, Redact: call.Redact}
	if call.Queue != "" {
		t.Queue = call.Queue
	}
	if call.Priority != nil {
		t.Priority = uint8(*call.Priority)
	}
	t.ReadyAt = t.CreatedAt
	if call.Countdown != nil {
		t.ReadyAt = wire.Time{Time: t.CreatedAt.Add(call.Countdown.Std())}
	}
	if call.ETA != nil {
		t.ReadyAt = *call.ETA
	}
	if e := call.Expires; e != nil {
		t.ExpiresAt = e.At
		if e.At.IsZero() {
			t.ExpiresAt = wire.Time{Time: t.CreatedAt.Add(e.In.Std())}
		}
	}
	return t, nil
}

// begin stores an accepted task and lets it run. The lock is held.
func (s *Server) begin(t *task) {
	s.tasks[t.ID] = t
	s.order = append(s.order, t)
	s.moved(t)
	s.change()
	s.runs.Add(1)
	go s.drive(t)
}

func (s *Server) submitBatch(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, again, err := s.idempotent(r, "", body, func() ([]string, error) {
		var made []*task
		err := wire.EachCall(bytes.Clone(body), func(c *wire.Call) error {
			t, err := s.accept(namespace(r), *c)
			if p, ok := errors.AsType[*wire.Problem](err); ok {
				p.Line = len(made) + 1
			}
			made = append(made, t)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(made) > wire.MaxBatch {
			return nil, refuse(413, wire.CodeTooLarge, "a batch has 10,000 calls at most")
		}
		ids := make([]string, len(made))
		for i, t := range made {
			s.begin(t)
			ids[i] = t.ID
		}
		return ids, nil
	})
	if err != nil {
		return 0, nil, err
	}
	if again {
		return http.StatusAccepted, &replayed{wire.Batch{IDs: ids}}, nil
	}
	return http.StatusAccepted, wire.Batch{IDs: ids}, nil
}

// wait holds the answer back as ?wait= asks, and tells with which status an
// unfinished task is answered.
func (s *Server) wait(r *http.Request, id string, unfinished int) (int, *wire.Task) {
	d, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		s.mu.Lock()
		t, changed := s.tasks[id].Task, s.changed
		s.mu.Unlock()
		if wire.Final(t.State) && d > 0 {
			return http.StatusOK, &t
		}
		if d <= 0 {
			return unfinished, &t
		}
		select {
		case <-changed:
		case <-timer.C:
			return unfinished, &t
		case <-r.Context().Done():
			return unfinished, &t
		case <-s.ctx.Done():
			return unfinished, &t
		}
	}
}

func (s *Server) find(r *http.Request) (*task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[r.PathValue("id")]
	if t == nil || t.namespace != namespace(r) {
		return nil, refuse(404, wire.CodeNotFound, "there is no task "+r.PathValue("id"))
	}
	return t, nil
}

func (s *Server) getTask(r *http.Request) (int, any, error) {
	t, err := s.find(r)
	if err != nil {
		return 0, nil, err
	}
	status, v := s.wait(r, t.ID, http.StatusOK)
	return status, v, nil
}

func (s *Server) listTasks(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	states := strings.Split(q.Get("state"), ",")
	since, _ := wire.ParseTime(q.Get("since"))
	until, _ := wire.ParseTime(q.Get("until"))
	s.mu.Lock()
	defer s.mu.Unlock()
	return page(r, s.pick(func(t *task) bool {
		return t.namespace == namespace(r) &&
			(q.Get("state") == "" || slices.Contains(states, t.State)) &&
			labelled(t, labelsOf(q["label"])) &&
			(q.Get("queue") == "" || q.Get("queue") == t.Queue) &&
			(q.Get("task") == "" || q.Get("task") == t.Task.Task || strings.HasSuffix(q.Get("task"), ".") && strings.HasPrefix(t.Task.Task, q.Get("task"))) &&
			(since.IsZero() || !t.CreatedAt.Before(since.Time)) && (until.IsZero() || t.CreatedAt.Before(until.Time))
	}))
}

// pick lists tasks newest first, without what a list leaves out. The lock is
// held.
func (s *Server) pick(want func(*task) bool) []wire.Task {
	var found []wire.Task
	for _, t := range slices.Backward(s.order) {
		if want(t) {
			v := t.Task
			v.Args, v.Kwargs, v.Input, v.Result, v.Labels, v.Headers, v.Attempts, v.Progress = nil, nil, nil, nil, nil, nil, nil, nil
			found = append(found, v)
		}
	}
	return found
}

func (s *Server) revoke(r *http.Request) (int, any, error) {
	t, err := s.find(r)
	if err != nil {
		return 0, nil, err
	}
	var body wire.Revoke
	if r.ContentLength != 0 {
		if err := readBody(r, &body); err != nil {
			return 0, nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.State == wire.StateRevoked:
	case wire.Final(t.State):
		return 0, nil, refuse(409, wire.CodeAlreadyEnded, "task "+t.ID+" has ended with "+t.State)
	case t.State == wire.StateStarted && !body.Terminate:
		// What runs goes on.
	default:
		if t.cancel != nil {
			t.cancel()
		}
		s.end(t, wire.StateRevoked, nil, &wire.Error{Type: "revoked", Message: "revoked"})
	}
	return http.StatusOK, wire.Submitted{ID: t.ID, State: t.State, Task: t.Task.Task, Queue: t.Queue}, nil
}
