package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// bench is a server in front of a fake node.
type bench struct {
	t    testing.TB
	node *fake
	srv  *Server
	url  string
	log  *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start serves on loopback until the test ends.
func start(t testing.TB, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, node: newFake(), log: &safeBuffer{}}
	cfg := Config{Node: b.node, Log: slog.New(slog.NewTextHandler(b.log, nil))}
	for _, fn := range change {
		fn(&cfg)
	}
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.srv, b.url = srv, "http://"+ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		http.DefaultClient.CloseIdleConnections()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return b
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do asks with a body whose type is guessed; headers are "Name: value".
func (b *bench) do(method, path, body string, headers ...string) *answer {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", wire.TypeJSON)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
		if value == "" {
			req.Header.Del(name)
		}
	}
	return b.send(req)
}

func (b *bench) send(req *http.Request) *answer {
	b.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if resp.Header.Get(wire.HeaderIndex) == "" {
		b.t.Errorf("%s %s: no %s", req.Method, req.URL.Path, wire.HeaderIndex)
	}
	return &answer{t: b.t, status: resp.StatusCode, header: resp.Header, body: string(body)}
}

// ok wants a status and decodes the body into v.
func (a *answer) ok(status int, v any) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("got %d %s, want %d", a.status, a.body, status)
	}
	if v != nil {
		d := json.NewDecoder(strings.NewReader(a.body))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			a.t.Fatalf("%v in %s", err, a.body)
		}
	}
	return a
}

// problem wants an error answer of a code.
func (a *answer) problem(status int, code string) wire.Problem {
	a.t.Helper()
	var p wire.Problem
	if a.header.Get("Content-Type") != wire.TypeProblem {
		a.t.Fatalf("got %d %s %s, want a problem", a.status, a.header.Get("Content-Type"), a.body)
	}
	a.ok(status, &p)
	if p.Code != code || p.Status != status || p.Title == "" || p.Detail == "" {
		a.t.Fatalf("got %s, want %d %s", a.body, status, code)
	}
	return p
}

// submit makes a task and gives its id.
func (b *bench) submit(body string, headers ...string) queue.ID {
	b.t.Helper()
	var sub wire.Submitted
	b.do("POST", "/v1/tasks", body, headers...).ok(202, &sub)
	id, err := queue.ParseID(sub.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) task(id queue.ID) wire.Task {
	b.t.Helper()
	var task wire.Task
	b.do("GET", "/v1/tasks/"+id.String(), "").ok(200, &task)
	return task
}

// until polls, with a bound that only a fault reaches.
func (b *bench) until(holds func() bool) {
	b.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	give := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-give:
			b.t.Fatal("it never came to hold")
		}
	}
}

// TestShutdownBeforeServe: a node that is stopped while it starts does not
// serve on.
func TestShutdownBeforeServe(t *testing.T) {
	srv, err := New(Config{Node: newFake(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(ln); err != nil {
		t.Fatal(err)
	}
}
