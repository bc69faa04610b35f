// Package fake is a Windrow server in memory for the tests of programs that
// use the client: Go functions play the tasks, so that neither a node nor Wasm
// is needed. It keeps the HTTP contract as far as package suite asks for it. It
// runs no guest, stores nothing and knows no limits of rate, pools or
// concurrency.
//
//	server := fake.New(map[string]fake.Func{"sums.main": sum})
//	defer server.Close()
//	client, err := windrow.New(windrow.Config{Servers: []string{server.URL}})
package fake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Server is the fake; it listens on loopback until it is closed.
type Server struct {
	URL string

	http *httptest.Server
	ctx  context.Context // of all running tasks
	stop context.CancelFunc
	runs sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	index   uint64
	funcs   map[string]Func
	tasks   map[string]*task
	order   []*task // oldest first
	// canvases are the runs, oldest first.
	canvases  []*run
	modules   map[name][]*version
	queues    map[name]*wire.Queue
	pools     map[name]*wire.Pool
	schedules map[name]*schedule
	routed    map[string][]wire.Route // by namespace
	seen      map[name]*seen          // by route and idempotency key
	cluster   wire.Cluster
	// happened is all that events tell, in order.
	happened []wire.Event
	before   func(w http.ResponseWriter, r *http.Request) bool
}

// name is a thing within its namespace.
type name struct{ namespace, name string }

// New starts a server on which the tasks that funcs name, as "MODULE.TASK",
// can be called. Their modules exist from the start.
func New(funcs map[string]Func) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		ctx: ctx, stop: stop, changed: make(chan struct{}), index: 1, funcs: funcs,
		tasks: map[string]*task{}, modules: map[name][]*version{}, queues: map[name]*wire.Queue{},
		pools: map[name]*wire.Pool{}, schedules: map[name]*schedule{}, routed: map[string][]wire.Route{}, seen: map[name]*seen{},
	}
	for task := range funcs {
		s.addModule(task)
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL
	addr := s.http.Listener.Addr().String()
	s.cluster = wire.Cluster{Leader: "fake-1", Term: 1, Node: "fake-1", Nodes: []wire.Node{
		{ID: "fake-1", Role: "all", State: "leader", Voter: true, HTTPAddr: addr, RaftAddr: "127.0.0.1:8090"}}}
	return s
}

// Close ends all tasks and the server.
func (s *Server) Close() {
	s.stop()
	s.runs.Wait()
	s.http.CloseClientConnections()
	s.http.Close()
}

// Before has f see every request first. Where it returns true it has answered
// itself: with a refusal, or by breaking the connection.
func (s *Server) Before(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// handler answers one route; an error becomes a problem document.
type handler func(r *http.Request) (status int, body any, err error)

func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	on := func(pattern string, h handler) { m.Handle(pattern, s.answer(h)) }
	on("POST /v1/tasks", s.submit)
	on("POST /v1/tasks/batch", s.submitBatch)
	on("POST /v1/tasks/revoke", s.revokeMany)
	on("GET /v1/tasks", s.listTasks)
	on("GET /v1/tasks/{id}", s.getTask)
	on("POST /v1/tasks/{id}/revoke", s.revoke)
	m.HandleFunc("GET /v1/tasks/{id}/logs", s.logs)
	on("POST /v1/canvas", s.submitCanvas)
	on("GET /v1/runs", s.listRuns)
	on("GET /v1/runs/{id}", s.getRun)
	on("GET /v1/runs/{id}/tasks", s.listRunTasks)
	for _, verb := range [...]string{"cancel", "pause", "resume"} {
		on("POST /v1/runs/{id}/"+verb, s.steer(verb))
	}
	m.HandleFunc("GET /v1/events", s.events)
	on("PUT /v1/modules/{name}", s.putModule)
	on("GET /v1/modules", s.listModules)
	on("GET /v1/modules/{name}", s.getModule)
	on("DELETE /v1/modules/{name}", s.deleteModule)
	m.HandleFunc("GET /v1/modules/{name}/wasm", s.wasm)
	on("GET /v1/queues", s.listQueues)
	on("GET /v1/queues/{name}", s.getQueue)
	on("PUT /v1/queues/{name}", s.putQueue)
	on("POST /v1/queues/{name}/pause", s.pauseQueue(true))
	on("POST /v1/queues/{name}/resume", s.pauseQueue(false))
	on("POST /v1/queues/{name}/purge", s.purge)
	on("GET /v1/queues/{name}/dead", s.listDead)
	on("POST /v1/queues/{name}/dead/replay", s.replay)
	on("GET /v1/schedules", s.listSchedules)
	on("GET /v1/schedules/{name}", s.getSchedule)
	on("PUT /v1/schedules/{name}", s.putSchedule)
	on("DELETE /v1/schedules/{name}", s.deleteSchedule)
	on("POST /v1/schedules/{name}/pause", s.pauseSchedule(true))
	on("POST /v1/schedules/{name}/resume", s.pauseSchedule(false))
	on("POST /v1/schedules/{name}/trigger", s.triggerSchedule)
	on("GET /v1/pools", s.listPools)
	on("GET /v1/pools/{name}", s.getPool)
	on("PUT /v1/pools/{name}", s.putPool)
	on("DELETE /v1/pools/{name}", s.deletePool)
	on("GET /v1/routes", s.getRoutes)
	on("PUT /v1/routes", s.putRoutes)
	on("DELETE /v1/routes", s.deleteRoutes)
	on("GET /v1/cluster", s.getCluster)
	on("GET /v1/workers", s.listWorkers)
	on("POST /v1/cluster/join", s.join)
	on("POST /v1/cluster/transfer", s.transfer)
	on("DELETE /v1/cluster/nodes/{name}", s.removeNode)
	return m
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before, index := s.before, s.index
	s.mu.Unlock()
	w.Header().Set(wire.HeaderIndex, strconv.FormatUint(index, 10))
	if before != nil && before(w, r) {
		return
	}
	mux := s.routes()
	if _, pattern := mux.Handler(r); pattern == "" {
		writeProblem(w, refuse(404, wire.CodeNoRoute, "no route has this path"))
		return
	}
	mux.ServeHTTP(w, r)
}

func (s *Server) answer(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body, err := h(r)
		s.mu.Lock()
		w.Header().Set(wire.HeaderIndex, strconv.FormatUint(s.index, 10))
		s.mu.Unlock()
		if err != nil {
			writeProblem(w, err)
			return
		}
		if a, ok := body.(*replayed); ok {
			w.Header().Set(wire.HeaderReplayed, "true")
			body = a.body
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", wire.TypeJSON)
		w.WriteHeader(status)
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(body) // a client that is gone
	})
}

func writeProblem(w http.ResponseWriter, err error) {
	var p *wire.Problem
	if !errors.As(err, &p) {
		p = refuse(400, wire.CodeInvalidField, err.Error())
	}
	w.Header().Set("Content-Type", wire.TypeProblem)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a client that is gone
}

func refuse(status int, code, detail string) *wire.Problem {
	return &wire.Problem{Status: status, Code: code, Title: http.StatusText(status), Detail: detail}
}

// change tells everybody who waits that something is new. The lock is held.
func (s *Server) change() {
	s.index++
	close(s.changed)
	s.changed = make(chan struct{})
}

func namespace(r *http.Request) string {
	if n := r.URL.Query().Get("namespace"); n != "" {
		return n
	}
	if n := r.Header.Get(wire.HeaderNamespace); n != "" {
		return n
	}
	return "default"
}

// named is the thing that a request's path names.
func named(r *http.Request) name { return name{namespace(r), r.PathValue("name")} }

func readBody(r *http.Request, v any) error {
	err := json.NewDecoder(r.Body).Decode(v)
	if err != nil {
		return refuse(400, wire.CodeInvalidJSON, err.Error())
	}
	return nil
}

// page cuts a list by limit and cursor, the cursor being the place to go on.
func page[T any](r *http.Request, all []T) (int, any, error) {
	limit, start := 100, 0
	var err error
	if v := r.URL.Query().Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > 1000 {
			return 0, nil, refuse(400, wire.CodeInvalidField, "limit is a number from 1 to 1000")
		}
	}
	if v := r.URL.Query().Get("cursor"); v != "" {
		if start, err = strconv.Atoi(v); err != nil || start < 0 || start > len(all) {
			return 0, nil, refuse(400, wire.CodeInvalidField, "the cursor is none that was given out")
		}
	}
	end := min(start+limit, len(all))
	out := wire.List[T]{Items: slices.Clone(all[start:end])}
	if out.Items == nil {
		out.Items = []T{}
	}
	if end < len(all) {
		out.NextCursor = strconv.Itoa(end)
	}
	return http.StatusOK, out, nil
}

func now() wire.Time { return wire.Time{Time: time.Now().UTC()} }
