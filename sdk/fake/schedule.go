package fake

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// schedule is one whose clock stands still: it runs when it is triggered.
type schedule struct {
	wire.Schedule
	canvas wire.Canvas
}

func (s *Server) listSchedules(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []wire.Schedule{}
	for key, x := range s.schedules {
		if key.namespace == namespace(r) {
			all = append(all, x.Schedule)
		}
	}
	slices.SortFunc(all, func(a, b wire.Schedule) int { return strings.Compare(a.Name, b.Name) })
	return page(r, all)
}

// schedule finds one. The lock is held.
func (s *Server) schedule(r *http.Request) (*schedule, error) {
	if x := s.schedules[named(r)]; x != nil {
		return x, nil
	}
	return nil, refuse(404, wire.CodeNotFound, "there is no schedule "+r.PathValue("name"))
}

func (s *Server) getSchedule(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.schedule(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, x.Schedule, nil
}

func (s *Server) putSchedule(r *http.Request) (int, any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	var d wire.ScheduleDefinition
	if err := wire.DecodeSchedule(body, &d); err != nil {
		return 0, nil, fieldProblem(err)
	}
	x := &schedule{canvas: wire.Canvas{Call: d.Call}}
	if d.Canvas != nil {
		x.canvas = *d.Canvas
	}
	x.Name, x.Version, x.NextFires, x.UpdatedAt = r.PathValue("name"), 1, []wire.Time{}, now()
	if x.Definition, err = json.Marshal(d); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.check(namespace(r), &x.canvas); err != nil {
		return 0, nil, err
	}
	if r.URL.Query().Has("dry_run") {
		x.Version = 0
		return http.StatusOK, x.Schedule, nil
	}
	status := http.StatusCreated
	if old := s.schedules[named(r)]; old != nil {
		status = http.StatusOK
		x.Version, x.Paused, x.LastRun, x.Fired = old.Version, old.Paused, old.LastRun, old.Fired
		if string(old.Definition) != string(x.Definition) {
			x.Version++
		}
	}
	s.schedules[named(r)] = x
	s.change()
	return status, x.Schedule, nil
}

func (s *Server) deleteSchedule(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.schedule(r); err != nil {
		return 0, nil, err
	}
	delete(s.schedules, named(r))
	s.change()
	return http.StatusNoContent, nil, nil
}

func (s *Server) pauseSchedule(paused bool) handler {
	return func(r *http.Request) (int, any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		x, err := s.schedule(r)
		if err != nil {
			return 0, nil, err
		}
		x.Paused = paused
		s.change()
		return http.StatusOK, x.Schedule, nil
	}
}

func (s *Server) triggerSchedule(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.schedule(r)
	if err != nil {
		return 0, nil, err
	}
	ids, again, err := s.idempotent(r, "", nil, func() ([]string, error) {
		n, err := s.check(namespace(r), &x.canvas)
		if err != nil {
			return nil, err
		}
		run := s.beginRun(namespace(r), x.canvas, n)
		run.Schedule = x.Name
		x.LastRun = run.ID
		x.Fired++
		return []string{run.ID}, nil
	})
	if err != nil {
		return 0, nil, err
	}
	out := wire.Started{ID: ids[0], Kind: kindOf(&x.canvas), State: wire.RunRunning}
	if again {
		return http.StatusAccepted, &replayed{out}, nil
	}
	return http.StatusAccepted, out, nil
}
