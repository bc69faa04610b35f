//go:build linux || darwin

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// The test binary is its own sandbox, as the program is.
func TestMain(m *testing.M) {
	if code, is := child(os.Args[1:]); is {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// local is task run --local with compiled code in a folder of the test's.
func local(t *testing.T, args ...string) outcome {
	t.Helper()
	return invoke(t, "", append([]string{"task", "run", "--local"}, args...)...)
}

func TestRunLocalCommand(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("WINDROW_SERVER", "http://127.0.0.1:1") // nobody
	echo, fail, logger := wasmFile(t, "echo"), wasmFile(t, "fail"), wasmFile(t, "logger")
	for want, args := range map[string][]string{
		`{"a":[1,2]}`:                  {"--input", `{"a":[1,2]}`},
		`{"args":[1],"kwargs":{}}`:     {"--arg", "1"},
		`"plain"`:                      {"--raw", "plain"},
		"plain text":                   {"--raw", "plain text", "-r", "--task", "main"},
		`{"args":[],"kwargs":{"a":2}}`: {"--kwarg", "a=2", "--task", "echo.main"},
	} {
		if o := local(t, append([]string{echo}, args...)...).want(t, exitOK); strings.TrimSpace(o.stdout) != want || o.stderr != "" {
			t.Errorf("%q: stdout %q, stderr %q, want %q", args, o.stdout, o.stderr, want)
		}
	}
	local(t, fail, "--input", "3").want(t, exitFailed).says(t, "task fail.main: failure (exit_code)", "the same with --logs")
	if o := local(t, logger, "--logs", "-o", "json").want(t, exitOK); !strings.Contains(o.stderr, "line") || !strings.Contains(o.stdout, `"state":"success"`) {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
	local(t, echo, "--task", "other").want(t, exitUsage).says(t, "its only task is main")
	local(t, echo, "--queue", "q").want(t, exitUsage).says(t, "--queue is a node's matter")
	local(t, echo+"x").want(t, exitUsage).says(t, "no such file")
	local(t, writeText(t, "bad.wasm", "no wasm")).want(t, exitRefused).says(t, "this module would be refused")
	invoke(t, "", "task", "run", "echo", "--local", echo).want(t, exitUsage)
	invoke(t, "", "task", "run", "echo", "--task", "x").want(t, exitUsage)
}

func TestRunLocalLimits(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	sleep := wasmFile(t, "sleep")
	local(t, sleep, "--input", "60000", "--timeout", "100ms").want(t, exitFailed).says(t, "(timeout)")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	invokeWith(ctx, "", "task", "run", "--local", sleep, "--input", "60000").want(t, exitInterrupted)
}

// Two at once must leave each other's sandboxes alone.
func TestRunLocalAtOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	sleep := wasmFile(t, "sleep")
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if o := invokeWith(t.Context(), "", "task", "run", "--local", sleep, "--input", "500"); o.code != exitOK {
				t.Errorf("exit code %d: %s", o.code, o.stderr)
			}
		})
	}
	all.Wait()
}

func TestRunLocalReactor(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := newProject(t, "hello")
	wasm := filepath.Join(dir, "hello.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", wasm, ".")
	cmd.Dir, cmd.Env = dir, append(offline(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o := local(t, wasm, "--task", "greet", "--input", `{"name": "you"}`, "--logs").want(t, exitOK)
	if o.stdout != "\"Hello, you!\"\n" || !strings.Contains(o.stderr, "greeting") {
		t.Errorf("stdout %q, stderr %q", o.stdout, o.stderr)
	}
	o = local(t, wasm, "--task", "hello.summarize", "--kwarg", "marks=[1,3]", "-o", "json").want(t, exitOK)
	var task wire.Task
	if err := json.Unmarshal([]byte(o.stdout), &task); err != nil || task.Task != "hello.summarize" || string(task.Result) != `{"count":2,"mean":2,"best":3}` || task.Usage.WallMS <= 0 {
		t.Errorf("got %s, %v", o.stdout, err)
	}
	local(t, wasm, "--task", "greet", "--input", `{"name": ""}`).want(t, exitFailed).says(t, "invalid_arguments", "name")
	local(t, wasm).want(t, exitUsage).says(t, "say which by --task: greet, summarize")
	local(t, wasm, "--task", "gret").want(t, exitUsage).says(t, "it has greet, summarize")
}
