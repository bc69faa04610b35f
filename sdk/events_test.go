package windrow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// stream answers with text and then hangs up.
func stream(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderIndex, "7")
		fmt.Fprint(w, text)
	}
}

func sse(id, kind string) string {
	return fmt.Sprintf("id: %s\nevent: %s\ndata: {\"id\":%q,\"type\":%q}\n\n", id, kind, id, kind)
}

// take gathers events until want have come or one is an error.
func take(t *testing.T, c *windrow.Client, want int, f windrow.EventFilter) (ids []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for e, err := range c.Events(ctx, f) {
		if err != nil {
			return ids, err
		}
		if ids = append(ids, e.ID+" "+e.Type); len(ids) == want {
			break
		}
	}
	return ids, nil
}

func TestEventsGoOnWhereTheyBroke(t *testing.T) {
	a := newScript(t,
		stream(": alive\n\n"), // breaks before anything came
		stream(sse("8-0", "task.pending")+sse("8-1", "task.started")+"id: 8-2\nevent: task.succ"),
		problem(503, wire.CodeNoLeader),
		stream(sse("8-2", "task.success")+": alive\n\nid: 9-4294967295\nevent: reset\ndata: {}\n\n"))
	b := newScript(t, problem(502, ""))
	c := newClient(t, windrow.Config{Servers: []string{a.URL, b.URL}})
	ids, err := take(t, c, 4, windrow.EventFilter{Task: "m.t", Types: []string{"task.", "x"}, Queue: "q"})
	want := []string{"8-0 task.pending", "8-1 task.started", "8-2 task.success", "9-4294967295 reset"}
	if err != nil || !slices.Equal(ids, want) {
		t.Fatalf("got %q, %v", ids, err)
	}
	var after []string
	for _, r := range a.requests() {
		q, _ := http.NewRequest("GET", "/?"+r.query, nil)
		after = append(after, q.URL.Query().Get("after"))
		if v := q.URL.Query(); v.Get("task") != "m.t" || v.Get("type") != "task.,x" || v.Get("queue") != "q" {
			t.Errorf("asked %s", r.query)
		}
	}
	if want := []string{"", "6-4294967295", "8-1", "8-1"}; !slices.Equal(after, want) {
		t.Errorf("asked after %q, want %q", after, want)
	}
	if len(b.requests()) == 0 {
		t.Error("the other server was not tried")
	}
}

func TestEventsRefused(t *testing.T) {
	s := newScript(t, problem(400, wire.CodeBadRequest))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	n := 0
	for _, err := range c.Events(t.Context(), windrow.EventFilter{}) {
		if n++; !windrow.HasCode(err, wire.CodeBadRequest) {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors, want one", n)
	}
	s = newScript(t, stream("id: 1-0\nevent: task.pending\ndata: <html>\n\n"))
	if _, err := take(t, newClient(t, windrow.Config{Servers: []string{s.URL}}), 1, windrow.EventFilter{}); err == nil {
		t.Error("nonsense is taken for an event")
	}
	if _, err := take(t, newClient(t, windrow.Config{Servers: []string{closedAddr(t)}, RetryFor: -1}), 1, windrow.EventFilter{}); !windrow.IsUnreachable(err) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestEventsInterrupted(t *testing.T) {
	var down atomic.Bool
	s := newScript(t, stream(sse("8-0", "task.pending")), func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			problem(503, wire.CodeNoLeader)(w, r)
			return
		}
		stream(sse("8-1", "task.success"))(w, r)
	})
	down.Store(true)
	c := newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: -1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []string
	for e, err := range c.Events(ctx, windrow.EventFilter{}) {
		var cut *windrow.InterruptedError
		switch {
		case errors.As(err, &cut):
			if cut.After != "8-0" {
				t.Errorf("it goes on after %q", cut.After)
			}
			down.Store(false)
		case err == nil:
			if got = append(got, e.ID); e.ID == "8-1" {
				cancel()
			}
		case !errors.Is(err, context.Canceled):
			t.Errorf("got %v", err)
		}
	}
	if !slices.Equal(got, []string{"8-0", "8-1"}) {
		t.Errorf("got %q", got)
	}
}
