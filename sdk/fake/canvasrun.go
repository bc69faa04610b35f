package fake

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *Server) submitCanvas(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	var c wire.Canvas
	if err := c.UnmarshalJSON(body); err != nil {
		return 0, nil, fieldProblem(err)
	}
	s.mu.Lock()
	ids, again, err := s.idempotent(r, "", body, func() ([]string, error) {
		n, err := s.check(namespace(r), &c)
		if err != nil {
			return nil, err
		}
		return []string{s.beginRun(namespace(r), c, n).ID}, nil
	})
	s.mu.Unlock()
	if err != nil {
		return 0, nil, err
	}
	status, v := s.waitRun(r, ids[0], http.StatusAccepted)
	var out any = v
	if !r.URL.Query().Has("wait") {
		out = wire.Started{ID: v.ID, Kind: v.Kind, State: v.State}
	}
	if again {
		return status, &replayed{out}, nil
	}
	return status, out, nil
}

// beginRun lets a canvas run that was checked. The lock is held.
func (s *Server) beginRun(namespace string, c wire.Canvas, tasks int) *run {
	run := &run{s: s, namespace: namespace, canvas: c}
	run.Run = wire.Run{ID: newID(), Kind: kindOf(&c), State: wire.RunRunning, CreatedAt: now(), Labels: c.Labels, TaskCount: uint32(tasks), Open: 1}
	s.canvases = append(s.canvases, run)
	s.change()
	s.runs.Add(1)
	go run.drive()
	return run
}

// waitRun holds the answer back as ?wait= asks.
func (s *Server) waitRun(r *http.Request, id string, unfinished int) (int, *wire.Run) {
	d, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		s.mu.Lock()
		v, changed := s.shown(id), s.changed
		s.mu.Unlock()
		if wire.RunFinal(v.State) && d > 0 {
			return http.StatusOK, v
		}
		if d <= 0 {
			return unfinished, v
		}
		select {
		case <-changed:
		case <-timer.C:
			return unfinished, v
		case <-r.Context().Done():
			return unfinished, v
		case <-s.ctx.Done():
			return unfinished, v
		}
	}
}

// shown is a run with its tasks. The lock is held.
func (s *Server) shown(id string) *wire.Run {
	for _, r := range s.canvases {
		if r.ID == id {
			v := r.Run
			v.Tasks = map[string]wire.RunTask{}
			for _, n := range r.nodes {
				t := n.shown()
				t.Node = ""
				v.Tasks[n.name] = t
			}
			return &v
		}
	}
	return nil
}

func (n *node) shown() wire.RunTask {
	t := n.task
	return wire.RunTask{Node: n.name, TaskID: t.ID, Task: t.Task.Task, State: t.State, Callback: n.callback, Attempt: t.Attempt, Result: t.Result,
		Error: t.Error, StartedAt: t.StartedAt, FinishedAt: t.FinishedAt, Worker: t.Worker}
}

func (s *Server) findRun(r *http.Request) (*run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, run := range s.canvases {
		if run.ID == r.PathValue("id") && run.namespace == namespace(r) {
			return run, nil
		}
	}
	return nil, refuse(404, wire.CodeNotFound, "there is no run "+r.PathValue("id"))
}

func (s *Server) getRun(r *http.Request) (int, any, error) {
	run, err := s.findRun(r)
	if err != nil {
		return 0, nil, err
	}
	status, v := s.waitRun(r, run.ID, http.StatusOK)
	return status, v, nil
}

func (s *Server) listRuns(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	states := strings.Split(q.Get("state"), ",")
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []wire.Run
	for _, run := range slices.Backward(s.canvases) {
		if run.namespace == namespace(r) && (q.Get("state") == "" || slices.Contains(states, run.State)) && (q.Get("kind") == "" || q.Get("kind") == run.Kind) {
			v := run.Run
			v.Result = nil
			found = append(found, v)
		}
	}
	return page(r, found)
}

func (s *Server) listRunTasks(r *http.Request) (int, any, error) {
	run, err := s.findRun(r)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []wire.RunTask
	for _, n := range run.nodes {
		found = append(found, n.shown())
	}
	return page(r, found)
}

// steer plays cancel; a pause is only shown.
func (s *Server) steer(verb string) handler {
	return func(r *http.Request) (int, any, error) {
		run, err := s.findRun(r)
		if err != nil {
			return 0, nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case run.State == wire.RunCancelled && verb == "cancel":
		case wire.RunFinal(run.State):
			return 0, nil, refuse(409, wire.CodeAlreadyEnded, "run "+run.ID+" has ended with "+run.State)
		case verb == "cancel":
			run.cancelled = true
			for _, n := range run.nodes {
				if t := n.task; !wire.Final(t.State) {
					if t.cancel != nil {
						t.cancel()
					}
					s.end(t, wire.StateRevoked, nil, &wire.Error{Type: "revoked", Message: "revoked"})
				}
			}
		default:
			run.Paused = verb == "pause"
			s.change()
		}
		return http.StatusOK, wire.Started{ID: run.ID, Kind: run.Kind, State: run.State, Paused: run.Paused}, nil
	}
}
