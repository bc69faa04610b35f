package fake

import (
	"fmt"
	"net/http"
	"path"

	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *Server) getRoutes(r *http.Request) (int, any, error) {
	list := s.routed[namespace(r)]
	if list == nil {
		list = []wire.Route{}
	}
	return http.StatusOK, wire.Routes{Routes: list}, nil
}

func (s *Server) putRoutes(r *http.Request) (int, any, error) {
	var ask wire.Routes
	if err := readBody(r, &ask); err != nil {
		return 0, nil, err
	}
	for i := range ask.Routes {
		if _, err := path.Match(ask.Routes[i].Match, ""); err != nil || ask.Routes[i].Match == "" {
			return 0, nil, fieldProblem(&wire.FieldError{Field: fmt.Sprintf("routes[%d].match", i), Reason: "is no pattern"})
		}
	}
	s.routed[namespace(r)] = ask.Routes
	return http.StatusOK, ask, nil
}

func (s *Server) deleteRoutes(r *http.Request) (int, any, error) {
	delete(s.routed, namespace(r))
	return http.StatusNoContent, nil, nil
}

// route gives a call the queue and the priority of the first route that fits.
// The lock is held.
func (s *Server) route(namespace string, call *wire.Call) {
	for _, r := range s.routed[namespace] {
		if fits, _ := path.Match(r.Match, call.Task); !fits {
			continue
		}
		if call.Queue == "" {
			call.Queue = r.Queue
		}
		if call.Priority == nil {
			call.Priority = r.Priority
		}
		return
	}
}
