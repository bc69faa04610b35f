package windrow_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func news(id, kind, data string) string {
	return fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", id, kind, data)
}

func TestFollowGoesOnWhereItBroke(t *testing.T) {
	const half = "id: 1-9-w\nevent: log\ndata: {\"attempt\":1,\"text\":\"never"
	steps := []http.HandlerFunc{
		stream(": alive\n\n" + news("1-4-w", "log", `{"attempt":1,"text":"one\n"}`) + half),
		problem(503, wire.CodeNoLeader),
		stream(news("1-8-w", "log", `{"attempt":1,"text":"two\n"}`) + news("1-8-w", "progress", `{"attempt":1,"progress":{"done":1}}`)),
		stream(news("1-8-w", "later", `{"new":true}`) + news("2-6-v", "log", `{"attempt":2,"text":"again\n"}`) + news("2-6-v", "end", `{"attempt":2,"state":"success"}`)),
	}
	s := newScript(t, steps...)
	other := newScript(t, problem(502, ""))
	c := newClient(t, windrow.Config{Servers: []string{s.URL, other.URL}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for n, err := range c.Follow(ctx, "id", windrow.LogOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(n.Type, " ", n.Attempt, " ", n.Text, string(n.Progress), n.State))
	}
	if want := []string{"log 1 one\n", "log 1 two\n", `progress 1 {"done":1}`, "log 2 again\n", "end 2 success"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var after []string
	for _, r := range s.requests() {
		q, _ := http.NewRequest("GET", "/?"+r.query, nil)
		after = append(after, q.URL.Query().Get("after"))
	}
	if want := []string{"", "1-4-w", "1-4-w", "1-8-w"}; !slices.Equal(after, want) {
		t.Errorf("asked after %q, want %q", after, want)
	}
	if len(other.requests()) == 0 {
		t.Error("the other server was not tried")
	}

	c = newClient(t, windrow.Config{Servers: []string{newScript(t, steps...).URL}})
	r, err := c.Logs(ctx, "id", windrow.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || string(text) != "one\ntwo\nagain\n" {
		t.Errorf("the text is %q, %v", text, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestFollowRefused(t *testing.T) {
	c := newClient(t, windrow.Config{Servers: []string{newScript(t, problem(404, wire.CodeNotFound)).URL}})
	n := 0
	for _, err := range c.Follow(t.Context(), "id", windrow.LogOptions{}) {
		if n++; !windrow.HasCode(err, wire.CodeNotFound) {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors, want one", n)
	}
	if _, err := c.Logs(t.Context(), "id", windrow.LogOptions{Follow: true}); !windrow.HasCode(err, wire.CodeNotFound) {
		t.Errorf("the log: %v", err)
	}
}

// TestFollowIsLeft: a reader that is closed ends the following, and a server
// that stays away is told of, not waited for in silence.
func TestFollowIsLeft(t *testing.T) {
	s := newScript(t, stream(news("1-4-w", "log", `{"attempt":1,"text":"one\n"}`)), problem(503, wire.CodeNoLeader))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: -1})
	r, err := c.Logs(t.Context(), "id", windrow.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s = newScript(t, stream(news("1-4-w", "log", `{"attempt":1,"text":"one\n"}`)), problem(503, wire.CodeNoLeader))
	c = newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: -1})
	for _, err := range c.Follow(t.Context(), "id", windrow.LogOptions{}) {
		if cut, ok := errors.AsType[*windrow.InterruptedError](err); ok {
			if cut.After != "1-4-w" {
				t.Errorf("it goes on after %q", cut.After)
			}
			return
		}
	}
	t.Error("nothing told of the interruption")
}
