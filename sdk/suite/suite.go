// Package suite is the contract of a Windrow server as tests that go through
// the client. The same tests run against the fake server, so that tests which
// use the fake mean something, and against real nodes. They need a namespace
// in which nothing else happens; what they make they name with a prefix and
// leave behind.
package suite

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// guests are copies of the repository's internal/guests/wasm, so that this
// module needs nothing outside itself.
//
//go:embed wasm/*.wasm
var guests embed.FS

// limit is how long one test may take; only a server that hangs needs it.
const limit = time.Minute

// Functions play the guests that the suite pushes, for the fake server.
func Functions() map[string]fake.Func {
	return map[string]fake.Func{
		"suite-fail.main": func(_ context.Context, job fake.Job) (any, error) {
			_, _ = io.WriteString(job.Log, "fail: as asked\n")
			code := int32(1)
			if json.Unmarshal(job.Call.Input, &code) != nil {
				code = 1
			}
			return nil, &fake.Failure{Type: "exit_code", Message: "the guest ended with exit code", ExitCode: code}
		},
		"suite-sleep.main": func(ctx context.Context, job fake.Job) (any, error) {
			ms := 100
			if job.Call.Input != nil {
				if err := json.Unmarshal(job.Call.Input, &ms); err != nil {
					return nil, err
				}
			}
			select {
			case <-time.After(time.Duration(ms) * time.Millisecond):
				return ms, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		"suite-logger.main": func(_ context.Context, job fake.Job) (any, error) {
			_, err := io.WriteString(job.Log, "line 1\nline 2\nline 3\n")
			return 3, err
		},
	}
}

// Exercise runs the whole contract against the server that client speaks to.
func Exercise(t *testing.T, client *windrow.Client) {
	t.Helper()
	s := &suite{T: t, c: client}
	s.push()
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"a task runs and gives its input back", (*suite).echo},
		{"args and kwargs arrive", (*suite).arguments},
		{"a failure has its type and exit code", (*suite).failure},
		{"a failed attempt is retried as often as asked", (*suite).retries},
		{"a result is read as a Go value", (*suite).typed},
		{"the same idempotency key makes one task", (*suite).idempotency},
		{"another body under a key is refused", (*suite).idempotencyConflict},
		{"a unique key holds until its task has ended", (*suite).unique},
		{"a batch keeps its order", (*suite).batch},
		{"a batch is all or none", (*suite).batchRefused},
		{"a list pages through everything once", (*suite).list},
		{"a waiting task can be revoked", (*suite).revoke},
		{"a running task can be terminated", (*suite).terminate},
		{"a running task that is revoked without that goes on", (*suite).revokeRunning},
		{"a task expires", (*suite).expires},
		{"a task that takes too long is killed", (*suite).timeout},
		{"a log is kept and can be followed", (*suite).logs},
		{"what is followed ends with the task", (*suite).follow},
		{"events tell of every step once, in order", (*suite).events},
		{"a canvas of every kind has its result", (*suite).results},
		{"what a failure of a part does to the others", (*suite).failures},
		{"callbacks are called once, with what they are for", (*suite).callbacks},
		{"a run is listed, cancelled and known by its key", (*suite).runs},
		{"a canvas that is wrong is refused", (*suite).badCanvases},
		{"modules keep their versions", (*suite).modules},
		{"bytes that are no module are refused", (*suite).badModule},
		{"a module that is needed stays", (*suite).moduleInUse},
		{"what does not exist is not found", (*suite).notFound},
		{"a wrong field is named", (*suite).wrongField},
		{"a queue is paused, resumed and purged", (*suite).queues},
		{"a pool is made, changed and removed", (*suite).pools},
		{"a schedule is put, triggered, paused and removed", (*suite).schedules},
		{"calls are routed by the names of their tasks", (*suite).routes},
		{"tasks are found and revoked by their labels", (*suite).labels},
		{"the cluster knows its leader", (*suite).cluster},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(&suite{T: t, c: client}) })
	}
}

// suite is one test with the client that it uses.
type suite struct {
	*testing.T
	c *windrow.Client
}

// bounded is the context of one step.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// push uploads the guests.
func (s *suite) push() {
	t := s.T
	t.Helper()
	for _, name := range []string{"echo", "fail", "sleep", "logger"} {
		if _, _, err := s.c.PushModule(bounded(t), "suite-"+name, strings.NewReader(string(Guest(name)))); err != nil {
			t.Fatalf("push %s: %v", name, err)
		}
	}
}

// Guest gives a guest's Wasm bytes: echo, fail, sleep or logger. It panics for
// any other name.
func Guest(name string) []byte {
	b, err := guests.ReadFile("wasm/" + name + ".wasm")
	if err != nil {
		panic("no guest " + name)
	}
	return b
}

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// run submits a call and waits for its end.
func (s *suite) run(call windrow.Call) *windrow.Task {
	t := s.T
	t.Helper()
	return must[*windrow.Task](t)(s.c.SubmitWait(bounded(t), call))
}

// submit submits a call.
func (s *suite) submit(call windrow.Call) string {
	t := s.T
	t.Helper()
	return must[*windrow.Submitted](t)(s.c.Submit(bounded(t), call)).ID
}

// refused insists on a refusal with this status and code that says what to do;
// an empty code is any.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	e, ok := errors.AsType[*windrow.APIError](err)
	if !ok {
		t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
	if e.Status != status || code != "" && e.Code != code {
		t.Fatalf("got %d %s (%s), want %d %s", e.Status, e.Code, e.Detail, status, code)
	}
	if e.Detail == "" {
		t.Errorf("the refusal %s does not say what to do", e.Code)
	}
}

// until polls for a state that must come.
func (s *suite) until(id string, want ...string) {
	t := s.T
	t.Helper()
	ctx := bounded(t)
	for {
		task := must[*windrow.Task](t)(s.c.Task(ctx, id))
		if slices.Contains(want, task.State) {
			return
		}
		if wire.Final(task.State) {
			t.Fatalf("task %s ended with %s, want %v", id, task.State, want)
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("task %s stays %s, want %v", id, task.State, want)
		}
	}
}

// jsonEqual compares two JSON texts by their values.
func jsonEqual(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%q is no JSON: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	gb, _ := json.Marshal(g) // what was just read
	wb, _ := json.Marshal(w)
	if string(gb) != string(wb) {
		t.Fatalf("got %s, want %s", gb, wb)
	}
}
