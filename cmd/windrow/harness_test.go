package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/suite"
	"github.com/windrow-dev/windrow/sdk/wire"
)

var update = flag.Bool("update", false, "write the golden files and docs/cli.md anew")

// outcome is what one invocation came to.
type outcome struct {
	code           int
	stdout, stderr string
}

// noon is the time at which golden outputs are made.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// invoke runs the command line with a fixed clock.
func invoke(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	return invokeWith(t.Context(), stdin, args...)
}

func invokeWith(ctx context.Context, stdin string, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	a := newApp(strings.NewReader(stdin), &stdout, &stderr)
	a.now = func() time.Time { return noon }
	code := a.run(ctx, args)
	return outcome{code, stdout.String(), stderr.String()}
}

// want fails the test unless the exit code is this one.
func (o outcome) want(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// says insists on a part of stderr.
func (o outcome) says(t *testing.T, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(o.stderr, p) {
			t.Errorf("stderr lacks %q:\n%s", p, o.stderr)
		}
	}
}

// golden compares all of an outcome with a file.
func (o outcome) golden(t *testing.T, name string) {
	t.Helper()
	got := fmt.Sprintf("exit %d\n--- stdout\n%s--- stderr\n%s", o.code, o.stdout, o.stderr)
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// newFake is a server that runs the suite's guests.
func newFake(t *testing.T) *fake.Server {
	t.Helper()
	s := fake.New(suite.Functions())
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
	return s
}

// canned is a server that gives fixed answers by "METHOD path?query".
type canned map[string]any

func (c canned) serve(t *testing.T) {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
}

func (c canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, ok := c[r.Method+" "+r.URL.RequestURI()]
	if !ok {
		answer = &wire.Problem{Status: 404, Code: wire.CodeNoRoute, Title: "No such route", Detail: r.Method + " " + r.URL.RequestURI()}
	}
	switch a := answer.(type) {
	case *wire.Problem:
		w.Header().Set("Content-Type", wire.TypeProblem)
		w.WriteHeader(a.Status)
	case string:
		fmt.Fprint(w, a)
		return
	case nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone
}

// before is a time so long before noon.
func before(d time.Duration) wire.Time { return wire.Time{Time: noon.Add(-d)} }

// list is one page.
func list[T any](items ...T) wire.List[T] { return wire.List[T]{Items: items} }
