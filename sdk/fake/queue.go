package fake

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// deadLetterTTL is the usual one.
const deadLetterTTL = wire.Duration(7 * 24 * time.Hour)

// queue finds a queue or makes it. The lock is held.
func (s *Server) queue(key name) *wire.Queue {
	q := s.queues[key]
	if q == nil {
		q = &wire.Queue{Name: key.name, DeadLetterTTL: deadLetterTTL}
		s.queues[key] = q
	}
	return q
}

// count is a queue with what stands in it now. The lock is held.
func (s *Server) count(key name) wire.Queue {
	q := *s.queue(key)
	for _, t := range s.order {
		if t.namespace != key.namespace || t.Queue != key.name {
			continue
		}
		switch {
		case t.Dead && t.ReplayedAs == "":
			q.Dead++
		case wire.Final(t.State):
		case t.State == wire.StateStarted:
			q.Running++
		case t.ReadyAt.After(time.Now()):
			q.Scheduled++
		default:
			q.Pending++
			q.OldestSeconds = max(q.OldestSeconds, time.Since(t.ReadyAt.Time).Seconds())
		}
	}
	return q
}

func (s *Server) listQueues(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.order {
		s.queue(name{t.namespace, t.Queue})
	}
	all := []wire.Queue{}
	for key := range s.queues {
		if key.namespace == namespace(r) {
			all = append(all, s.count(key))
		}
	}
	slices.SortFunc(all, func(a, b wire.Queue) int { return strings.Compare(a.Name, b.Name) })
	return page(r, all)
}

func (s *Server) getQueue(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, s.count(named(r)), nil
}

func (s *Server) putQueue(r *http.Request) (int, any, error) {
	var set wire.QueueSettings
	if err := readBody(r, &set); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue(named(r))
	if set.Paused != nil {
		q.Paused = *set.Paused
	}
	if set.RateLimit != nil && *set.RateLimit == "" {
		q.RateLimit = nil
	} else if set.RateLimit != nil {
		rate, err := wire.ParseRate(*set.RateLimit)
		if err != nil {
			return 0, nil, fieldProblem(err)
		}
		q.RateLimit = &rate
	}
	if set.DeadLetterTTL != nil {
		q.DeadLetterTTL = cmp.Or(*set.DeadLetterTTL, deadLetterTTL)
	}
	s.change()
	return http.StatusOK, s.count(named(r)), nil
}

func (s *Server) pauseQueue(paused bool) handler {
	return func(r *http.Request) (int, any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.queue(named(r)).Paused = paused
		s.change()
		return http.StatusOK, s.count(named(r)), nil
	}
}

func (s *Server) purge(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := named(r)
	for _, t := range s.order {
		if t.namespace == key.namespace && t.Queue == key.name && !wire.Final(t.State) && t.State != wire.StateStarted {
			s.end(t, wire.StateRevoked, nil, &wire.Error{Type: "revoked", Message: "the queue was purged"})
		}
	}
	return http.StatusOK, s.count(key), nil
}

// Bury makes a finished task a dead letter, as too many lost workers would.
func (s *Server) Bury(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tasks[id]; t != nil {
		t.Dead = true
		s.change()
	}
}

func (s *Server) listDead(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := named(r)
	return page(r, s.pick(func(t *task) bool {
		return t.namespace == key.namespace && t.Queue == key.name && t.Dead && t.ReplayedAs == ""
	}))
}

func (s *Server) replay(r *http.Request) (int, any, error) {
	var want wire.Replay
	if err := readBody(r, &want); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := named(r)
	out := wire.Replayed{IDs: []string{}, Replayed: []string{}}
	for _, t := range slices.Clone(s.order) {
		if t.namespace != key.namespace || t.Queue != key.name || !t.Dead || t.ReplayedAs != "" ||
			len(want.IDs) > 0 && !slices.Contains(want.IDs, t.ID) {
			continue
		}
		if want.Limit > 0 && len(out.IDs) == want.Limit {
			out.More = true
			break
		}
		anew, err := s.accept(t.namespace, t.call)
		if err != nil {
			return 0, nil, err
		}
		anew.ReplayOf, t.ReplayedAs = t.ID, anew.ID
		s.begin(anew)
		out.IDs, out.Replayed = append(out.IDs, t.ID), append(out.Replayed, anew.ID)
	}
	return http.StatusOK, out, nil
}

func (s *Server) listPools(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []wire.Pool{}
	for key, p := range s.pools {
		if key.namespace == namespace(r) {
			all = append(all, *p)
		}
	}
	slices.SortFunc(all, func(a, b wire.Pool) int { return strings.Compare(a.Name, b.Name) })
	return page(r, all)
}

func (s *Server) pool(r *http.Request) (*wire.Pool, error) {
	if p := s.pools[named(r)]; p != nil {
		return p, nil
	}
	return nil, refuse(404, wire.CodePoolNotFound, "there is no pool "+r.PathValue("name"))
}

func (s *Server) getPool(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.pool(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, *p, nil
}

func (s *Server) putPool(r *http.Request) (int, any, error) {
	var set wire.PoolSettings
	if err := readBody(r, &set); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &wire.Pool{Name: r.PathValue("name"), Slots: set.Slots}
	s.pools[named(r)] = p
	s.change()
	return http.StatusOK, *p, nil
}

func (s *Server) deletePool(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.pool(r); err != nil {
		return 0, nil, err
	}
	delete(s.pools, named(r))
	s.change()
	return http.StatusNoContent, nil, nil
}
