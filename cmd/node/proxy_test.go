package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// workerNode is a worker node before a server at an address.
func workerNode(t *testing.T, cfg Config, addr string) *node {
	t.Helper()
	n := &node{cfg: cfg, log: slog.New(slog.DiscardHandler)}
	link, err := peer.Listen(peer.Config{Addr: "127.0.0.1:0", NodeID: "w", Log: n.log, Cluster: func() peer.ClusterID { return peer.ClusterID{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	n.servers = &servers{net: link, known: []server{{ID: "s", HTTPAddr: addr}}}
	return n
}

func ask(t *testing.T, p http.Handler, method string) (int, wire.Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(method, "/v1/tasks", strings.NewReader("{}")))
	var out wire.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body.String(), err)
	}
	return w.Code, out
}

// TestProxy_tellsWhetherAnythingWasDone: a request that a server may have got
// must not be called undone.
func TestProxy_tellsWhetherAnythingWasDone(t *testing.T) {
	dying := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = c.Close()
		}
	}))
	defer dying.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for _, tc := range []struct {
		addr, method string
		status       int
		code         string
	}{
		{dying.Listener.Addr().String(), "POST", 504, wire.CodeUnknownOutcome},
		{dying.Listener.Addr().String(), "DELETE", 504, wire.CodeUnknownOutcome},
		{dying.Listener.Addr().String(), "GET", 503, wire.CodeNoLeader},
		{gone.Addr().String(), "POST", 503, wire.CodeNoLeader},
	} {
		n := workerNode(t, Config{HTTPAddr: "127.0.0.1:0"}, tc.addr)
		status, p := ask(t, newProxy(n, "http", &http.Transport{}), tc.method)
		if status != tc.status || p.Code != tc.code || p.Status != status {
			t.Errorf("%s to %s: %d %+v", tc.method, tc.addr, status, p)
		}
	}
}

// TestProxy_refusesWithoutTokens: a worker beyond loopback opens no way round
// servers that trust everybody who reaches them.
func TestProxy_refusesWithoutTokens(t *testing.T) {
	var served int
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served++; _, _ = io.WriteString(w, "{}") }))
	defer srv.Close()
	for name, tc := range map[string]struct {
		cfg    Config
		guards bool
		served int
	}{
		"beyond loopback":                  {Config{HTTPAddr: "0.0.0.0:8080", Auth: "token"}, false, 0},
		"beyond loopback, with tokens":     {Config{HTTPAddr: "0.0.0.0:8080", Auth: "token"}, true, 1},
		"beyond loopback, though insecure": {Config{HTTPAddr: "0.0.0.0:8080", Insecure: true}, false, 1},
		"loopback":                         {Config{HTTPAddr: "127.0.0.1:8080"}, false, 1},
	} {
		served = 0
		n := workerNode(t, tc.cfg, srv.Listener.Addr().String())
		n.servers.guards = tc.guards
		status, p := ask(t, newProxy(n, "http", &http.Transport{}), "GET")
		if served != tc.served || tc.served == 0 && (status != 503 || p.Code == "") {
			t.Errorf("%s: served %d, %d %+v", name, served, status, p)
		}
	}
}

// TestProxy_slowBodies: a body has so long to arrive, the answer as long as it
// likes.
func TestProxy_slowBodies(t *testing.T) {
	got := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitBody(w, r, 50*time.Millisecond)
		_, err := io.ReadAll(r.Body)
		got <- err
	}))
	defer srv.Close()
	body, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	go func() {
		resp, err := http.Post(srv.URL, "application/json", body)
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	if _, err := writer.Write([]byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err == nil {
		t.Error("a body that never ends was waited for")
	}
}
