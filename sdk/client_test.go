package windrow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// script is a server that answers request after request as it is told, and
// keeps what it was asked.
type script struct {
	*httptest.Server
	mu    sync.Mutex
	steps []http.HandlerFunc
	asked []asked
}

type asked struct {
	method, path, query, key, body string
	header                         http.Header
}

func newScript(t *testing.T, steps ...http.HandlerFunc) *script {
	t.Helper()
	s := &script{steps: steps}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what a broken request has sent
	s.mu.Lock()
	s.asked = append(s.asked, asked{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get(wire.HeaderIdempotencyKey), string(body), r.Header})
	n := len(s.asked) - 1
	step := s.steps[min(n, len(s.steps)-1)]
	s.mu.Unlock()
	step(w, r)
}

func (s *script) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// The answers of a script.
func ok(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func problem(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", wire.TypeProblem)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(wire.Problem{Status: status, Code: code, Title: "Title of " + code, Detail: "what to do"})
	}
}

// hangUp breaks the connection after the request has arrived.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func newClient(t *testing.T, config windrow.Config) *windrow.Client {
	t.Helper()
	c, err := windrow.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// closedAddr is an address at which nobody listens.
func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

const accepted = `{"id": "01890a5d-ac96-774b-bcce-b302099a8057", "state": "pending"}`

func TestPostIsRepeatedUnderOneKey(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"connection broken": hangUp,
		"no leader":         problem(503, wire.CodeNoLeader),
		"outcome unknown":   problem(504, wire.CodeUnknownOutcome),
		"answer cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "999")
			fmt.Fprint(w, "{")
		},
		"bad gateway's HTML": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, fault, fault, ok(accepted))
			c := newClient(t, windrow.Config{Servers: []string{s.URL}})
			if _, err := c.Submit(t.Context(), windrow.Call{Task: "a.main", Input: []byte("1")}); err != nil {
				t.Fatal(err)
			}
			asked := s.requests()
			if len(asked) != 3 {
				t.Fatalf("%d requests, want 3", len(asked))
			}
			for _, a := range asked {
				if a.key == "" || a.key != asked[0].key || a.body != asked[0].body {
					t.Errorf("request %+v differs from the first, %+v", a, asked[0])
				}
			}
		})
	}
}

func TestKeysDiffer(t *testing.T) {
	s := newScript(t, ok(accepted))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	call := windrow.Call{Task: "a.main"}
	for range 2 {
		if _, err := c.Submit(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
	call.IdempotencyKey = "mine"
	_, err := c.Submit(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Submit(t.Context(), call, windrow.IdempotencyKey("stronger")); err != nil {
		t.Fatal(err)
	}
	a := s.requests()
	if a[0].key == a[1].key || a[2].key != "mine" || a[3].key != "stronger" {
		t.Errorf("keys %q, %q, %q, %q", a[0].key, a[1].key, a[2].key, a[3].key)
	}
}

func TestRefusalIsNotRepeated(t *testing.T) {
	s := newScript(t, problem(409, wire.CodeDuplicate))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	_, err := c.Submit(t.Context(), windrow.Call{Task: "a.main"})
	var e *windrow.APIError
	if !errors.As(err, &e) || e.Status != 409 || e.Code != wire.CodeDuplicate || e.Title == "" || e.Detail != "what to do" {
		t.Fatalf("got %#v", err)
	}
	if !windrow.IsConflict(err) || windrow.IsNotFound(err) || windrow.IsUnreachable(err) || !windrow.HasCode(err, "duplicate") {
		t.Error("the helpers misjudge it")
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAnswerThatIsNoProblem(t *testing.T) {
	s := newScript(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "<html>\nproxy</html>")
	})
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	_, err := c.Cluster(t.Context())
	var e *windrow.APIError
	if !errors.As(err, &e) || e.Status != http.StatusTeapot || !strings.Contains(e.Error(), "<html>") || strings.Contains(e.Error(), "proxy") {
		t.Errorf("got %v", err)
	}
	s2 := newScript(t, ok("<html>fine</html>"))
	c2 := newClient(t, windrow.Config{Servers: []string{s2.URL}})
	if _, err := c2.Cluster(t.Context()); err == nil || windrow.IsUnreachable(err) {
		t.Errorf("an answer that is no JSON gave %v", err)
	}
}

func TestFailover(t *testing.T) {
	good := newScript(t, ok(`{"leader": "n1"}`))
	c := newClient(t, windrow.Config{Servers: []string{closedAddr(t), good.URL}, RetryFor: -1})
	for range 3 {
		if got, err := c.Cluster(t.Context()); err != nil || got.Leader != "n1" {
			t.Fatalf("got %+v, %v", got, err)
		}
	}
	if n := len(good.requests()); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestFailoverStaysWithTheServerThatAnswers(t *testing.T) {
	first := newScript(t, hangUp)
	second := newScript(t, ok(`{}`))
	c := newClient(t, windrow.Config{Servers: []string{first.URL, second.URL}})
	for range 5 {
		if _, err := c.Cluster(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// The transport itself may repeat a GET whose connection broke once.
	if n := len(first.requests()); n > 2 {
		t.Errorf("the broken server was asked %d times", n)
	}
}

func TestUnreachable(t *testing.T) {
	addr := closedAddr(t)
	c := newClient(t, windrow.Config{Servers: []string{addr}, RetryFor: -1})
	_, err := c.Submit(t.Context(), windrow.Call{Task: "a.main"})
	var e *windrow.UnreachableError
	if !errors.As(err, &e) || e.Unknown || !slices.Equal(e.Servers, []string{addr}) {
		t.Errorf("got %#v", err)
	}
	if !windrow.IsUnreachable(err) {
		t.Error("IsUnreachable does not see it")
	}
}

func TestUnknownOutcomeIsSaid(t *testing.T) {
	s := newScript(t, hangUp)
	c := newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: -1})
	_, err := c.Submit(t.Context(), windrow.Call{Task: "a.main"})
	var e *windrow.UnreachableError
	if !errors.As(err, &e) || !e.Unknown || e.Key == "" || e.Key != s.requests()[0].key {
		t.Errorf("got %#v", err)
	}
	if !strings.Contains(err.Error(), e.Key) {
		t.Errorf("the text %q does not name the key", err)
	}
	s = newScript(t, problem(504, wire.CodeUnknownOutcome))
	c = newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: -1})
	_, err = c.Submit(t.Context(), windrow.Call{Task: "a.main"})
	if !errors.As(err, &e) || !e.Unknown || !windrow.HasCode(err, wire.CodeUnknownOutcome) {
		t.Errorf("got %#v", err)
	}
}

func TestCallerEndsTheRequest(t *testing.T) {
	s := newScript(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err := c.Cluster(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read gave %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = c.Submit(ctx, windrow.Call{Task: "a.main"})
	var e *windrow.UnreachableError
	if !errors.As(err, &e) || !e.Unknown || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a submission gave %#v", err)
	}
}

func TestReadYourWrites(t *testing.T) {
	index := "41"
	s := newScript(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.HeaderIndex, index)
		fmt.Fprint(w, accepted)
	})
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	ctx := t.Context()
	if _, err := c.Task(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	index = "40" // another node, further behind
	if _, err := c.Submit(ctx, windrow.Call{Task: "a.main"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.In("other").Task(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	a := s.requests()
	if a[0].query != "" || a[1].query != "" || a[2].query != "min_index=41" {
		t.Errorf("queries %q, %q, %q", a[0].query, a[1].query, a[2].query)
	}
	if c.Index() != 41 {
		t.Errorf("index %d", c.Index())
	}
}

func TestHeaders(t *testing.T) {
	s := newScript(t, ok(`{}`))
	c := newClient(t, windrow.Config{Servers: []string{s.URL + "/"}, Namespace: "team", Token: "secret"})
	if _, err := c.Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.In("other").Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.requests()
	if h := a[0].header; h.Get("Authorization") != "Bearer secret" || h.Get("X-Windrow-Namespace") != "team" || a[0].key != "" || a[0].path != "/v1/cluster" {
		t.Errorf("got %+v", a[0])
	}
	if a[1].header.Get("X-Windrow-Namespace") != "other" {
		t.Errorf("In is not heeded: %+v", a[1])
	}
}

func TestDeleteThatMayHaveHappened(t *testing.T) {
	s := newScript(t, hangUp, problem(404, wire.CodeModuleNotFound))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	if err := c.RemoveModule(t.Context(), "m", 0); err != nil {
		t.Errorf("after a broken attempt: %v", err)
	}
	s = newScript(t, problem(404, wire.CodeModuleNotFound))
	c = newClient(t, windrow.Config{Servers: []string{s.URL}})
	if err := c.RemoveModule(t.Context(), "m", 0); !windrow.IsNotFound(err) {
		t.Errorf("at once: %v", err)
	}
}

func TestPushIsRepeatedFromItsStart(t *testing.T) {
	wasm := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // over the size that waits for 100 Continue
	file := filepath.Join(t.TempDir(), "m.wasm")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	push := map[string]func(*windrow.Client) error{
		"file": func(c *windrow.Client) error { _, _, err := c.PushModuleFile(t.Context(), "m", file); return err },
		"pipe": func(c *windrow.Client) error {
			_, _, err := c.PushModule(t.Context(), "m", io.MultiReader(bytes.NewReader(wasm)))
			return err
		},
	}
	for name, do := range push {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, hangUp, problem(503, wire.CodeBusy), ok(`{"name": "m", "version": 1}`))
			c := newClient(t, windrow.Config{Servers: []string{s.URL}})
			if err := do(c); err != nil {
				t.Fatal(err)
			}
			a := s.requests()
			if last := a[len(a)-1]; last.body != string(wasm) || last.header.Get("Content-Type") != wire.TypeWasm || last.method != "PUT" {
				t.Errorf("%s with %d of %d bytes", last.method, len(last.body), len(wasm))
			}
		})
	}
}

func TestRefusedUploadTellsWhy(t *testing.T) {
	s := httptest.NewServer(problem(413, wire.CodeTooLarge))
	defer s.Close()
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	_, _, err := c.PushModule(t.Context(), "m", bytes.NewReader(make([]byte, 32<<20)))
	if !windrow.HasCode(err, wire.CodeTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestDownloadChecksTheDigest(t *testing.T) {
	s := newScript(t, ok(`{"name": "m", "version": 2, "digest": "sha256:00"}`), ok("other bytes"))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	if _, err := c.DownloadModule(t.Context(), "m", 0, io.Discard); err == nil || !strings.Contains(err.Error(), "digest") {
		t.Errorf("got %v", err)
	}
	if a := s.requests()[1]; a.query != "version=2" {
		t.Errorf("the download asks for %q: not the version whose digest it knows", a.query)
	}
}

func TestBatchIsSplit(t *testing.T) {
	server := fake.New(map[string]fake.Func{"a.main": nil})
	defer server.Close()
	if _, err := newClient(t, windrow.Config{Servers: []string{server.URL}}).PauseQueue(t.Context(), "q"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var keys []string
	server.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get(wire.HeaderIdempotencyKey))
		return false
	})
	c := newClient(t, windrow.Config{Servers: []string{server.URL}})
	calls := make([]windrow.Call, wire.MaxBatch+2)
	for i := range calls {
		calls[i] = windrow.Call{Task: "a.main", Queue: "q"}
	}
	ids, err := c.SubmitBatch(t.Context(), calls, windrow.IdempotencyKey("k"))
	if err != nil || len(ids) != len(calls) || !slices.Equal(keys, []string{"k", "k-1"}) {
		t.Fatalf("%d ids, keys %v, %v", len(ids), keys, err)
	}
	calls[wire.MaxBatch+1].Task = "nothing.main"
	ids, err = c.SubmitBatch(t.Context(), calls)
	var partly *windrow.BatchError
	var refused *windrow.APIError
	if !errors.As(err, &partly) || partly.Accepted != wire.MaxBatch || len(ids) != wire.MaxBatch {
		t.Fatalf("%d ids, %v", len(ids), err)
	}
	if !errors.As(err, &refused) || refused.Line != wire.MaxBatch+2 {
		t.Errorf("the refusal names call %d", refused.Line)
	}
}

func TestListGoesThroughShortPages(t *testing.T) {
	s := newScript(t, ok(`{"items": [{"id": "1"}], "next_cursor": "a"}`), ok(`{"items": [], "next_cursor": "b"}`), ok(`{"items": [{"id": "2"}]}`))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	tasks, err := windrow.Collect(c.Tasks(t.Context(), windrow.TaskFilter{Queue: "q"}), 0)
	if err != nil || len(tasks) != 2 || tasks[1].ID != "2" {
		t.Fatalf("got %+v, %v", tasks, err)
	}
	if a := s.requests(); a[0].query != "queue=q" || a[1].query != "cursor=a&queue=q" || a[2].query != "cursor=b&queue=q" {
		t.Errorf("asked %+v", a)
	}
	s = newScript(t, ok(`{"items": [], "next_cursor": "a"}`))
	c = newClient(t, windrow.Config{Servers: []string{s.URL}})
	if _, err := windrow.Collect(c.Modules(t.Context()), 0); err == nil {
		t.Error("a cursor that stands still is an error, not a loop")
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(ok(`{"leader": "n1"}`))
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimPrefix(s.URL, "https://")
	c := newClient(t, windrow.Config{Servers: []string{addr}, CAFile: ca})
	if got, err := c.Cluster(t.Context()); err != nil || got.Leader != "n1" {
		t.Errorf("with the authority: %v", err)
	}
	// A certificate that nobody vouches for is no reason to go on trying.
	strict := newClient(t, windrow.Config{Servers: []string{s.URL}, RetryFor: time.Hour})
	_, err := strict.Submit(t.Context(), windrow.Call{Task: "a.main"})
	var e *windrow.UnreachableError
	if !errors.As(err, &e) || e.Unknown {
		t.Errorf("without it: %v", err)
	}
}

func TestConfigFaults(t *testing.T) {
	for name, config := range map[string]windrow.Config{
		"scheme":   {Servers: []string{"ftp://host"}},
		"no host":  {Servers: []string{"http://"}},
		"query":    {Servers: []string{"http://host?x=1"}},
		"password": {Servers: []string{"http://me:secret@host"}},
		"ca":       {CAFile: "/does/not/exist"},
		"token":    {Token: "a\nb"},
	} {
		if _, err := windrow.New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c := newClient(t, windrow.Config{})
	if got := c.Servers(); !slices.Equal(got, []string{windrow.DefaultServer}) {
		t.Errorf("default servers %v", got)
	}
}

func TestResult(t *testing.T) {
	if _, err := windrow.Result[int](&windrow.Task{ID: "x", State: wire.StateSuccess, Result: []byte(`"text"`)}); err == nil {
		t.Error("a string was read as a number")
	}
	if v, err := windrow.Result[*int](&windrow.Task{State: wire.StateSuccess}); err != nil || v != nil {
		t.Errorf("no result gave %v, %v", v, err)
	}
	_, err := windrow.Result[int](&windrow.Task{ID: "x", Task: "a.main", State: wire.StateRevoked, Error: &wire.Error{Type: "expired", Message: "late"}})
	var failed *windrow.TaskError
	if !errors.As(err, &failed) || failed.Task.State != wire.StateRevoked || err.Error() != "task x (a.main): revoked: expired: late" {
		t.Errorf("got %v", err)
	}
}

func TestLocalFaultIsNotAServersFault(t *testing.T) {
	s := newScript(t, ok(`{}`))
	c := newClient(t, windrow.Config{Servers: []string{s.URL}})
	_, err := c.SubmitBatch(t.Context(), []windrow.Call{{Task: "a.main", Input: []byte("{")}})
	if err == nil || windrow.IsUnreachable(err) || !strings.Contains(err.Error(), "encode call 0") {
		t.Errorf("got %v", err)
	}
}
