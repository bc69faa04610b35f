package fake

import (
	"net/http"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// labelsOf reads labels as a query string has them.
func labelsOf(query []string) map[string]string {
	labels := map[string]string{}
	for _, q := range query {
		name, value, _ := strings.Cut(q, "=")
		labels[name] = value
	}
	return labels
}

func labelled(t *task, want map[string]string) bool {
	for name, value := range want {
		if has, ok := t.Labels[name]; !ok || has != value {
			return false
		}
	}
	return true
}

func (s *Server) revokeMany(r *http.Request) (int, any, error) {
	var ask wire.RevokeMany
	if err := readBody(r, &ask); err != nil {
		return 0, nil, err
	}
	if len(ask.Labels) == 0 && ask.Queue == "" && ask.Task == "" {
		return 0, nil, fieldProblem(&wire.FieldError{Field: "labels", Reason: "is missing"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var out wire.RevokedMany
	for _, t := range s.order {
		if t.namespace != namespace(r) || wire.Final(t.State) || !labelled(t, ask.Labels) || ask.Queue != "" && t.Queue != ask.Queue ||
			ask.Task != "" && t.Task.Task != ask.Task || len(ask.States) > 0 && !slices.Contains(ask.States, t.State) {
			continue
		}
		if out.Revoked++; t.State == wire.StateStarted && !ask.Terminate {
			continue
		}
		if t.cancel != nil {
			t.cancel()
		}
		s.end(t, wire.StateRevoked, nil, &wire.Error{Type: "revoked", Message: "revoked"})
	}
	return http.StatusOK, out, nil
}
