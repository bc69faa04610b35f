// Package wasm_test builds the examples as the Makefile does, and runs them as
// the command modules that they are.
package wasm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	judge "github.com/windrow-dev/windrow/runtime/module"
)

// memoryPages is what a task has by default: 64 MiB.
const memoryPages = 64 << 20 >> 16

func TestLogETL(t *testing.T) {
	m := build(t, "log-etl")
	log, err := os.ReadFile("log-etl/data/access.log")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, m.run(t, log), "", "  "); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("log-etl/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Error("the module's result is not log-etl/expected.json")
	}
}

func TestGradeUpdates(t *testing.T) {
	m := build(t, "grade-updates")
	calls, err := exec.Command("go", "run", "./grade-updates/split", "-data", "grade-updates/data").Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []json.RawMessage
	for line := range bytes.Lines(calls) {
		var call struct{ Input json.RawMessage }
		if err := json.Unmarshal(line, &call); err != nil {
			t.Fatal(err)
		}
		results = append(results, m.run(t, call.Input))
	}
	merge, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		Grades string `json:"grades_csv"`
	}
	if err := json.Unmarshal(m.run(t, merge), &summary); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("grade-updates/expected-grades.csv")
	if err != nil {
		t.Fatal(err)
	}
	if summary.Grades != string(want) {
		t.Error("the module's grades are not grade-updates/expected-grades.csv")
	}
}

type module struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// build makes the module with the Makefile's flags and compiles it.
func build(t *testing.T, name string) module {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, msg)
	}
	return load(t, name, read(t, file))
}

// load compiles a command module that a node would take.
func load(t *testing.T, name string, code []byte) module {
	t.Helper()
	if info, err := judge.Read(code, judge.Defaults()); err != nil || info.Kind != judge.Command {
		t.Fatalf("a node would refuse %s: %v", name, err)
	}
	rt := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfig().WithMemoryLimitPages(memoryPages))
	t.Cleanup(func() { _ = rt.Close(context.Background()) })
	wasi_snapshot_preview1.MustInstantiate(t.Context(), rt)
	compiled, err := rt.CompileModule(t.Context(), code)
	if err != nil {
		t.Fatalf("compile %s: %v", name, err)
	}
	return module{runtime: rt, compiled: compiled}
}

// run gives stdin to a fresh instance and returns what it prints.
func (m module) run(t *testing.T, stdin []byte) []byte {
	t.Helper()
	stdout, stderr, code := m.start(t, stdin)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	if stderr == "" {
		t.Error("the task logs nothing")
	}
	return stdout
}

// fails holds a task to exit code 1 and a line of its log.
func (m module) fails(t *testing.T, stdin, want string) {
	t.Helper()
	if stdout, stderr, code := m.start(t, []byte(stdin)); code != 1 || len(stdout) > 0 || !strings.Contains(stderr, want) {
		t.Errorf("%q: exit code %d, stdout %q, stderr %q, want %q", stdin, code, stdout, stderr, want)
	}
}

// start runs a fresh instance to its end.
func (m module) start(t *testing.T, stdin []byte) (out []byte, logged string, code uint32) {
	t.Helper()
	var stdout, stderr strings.Builder
	config := wazero.NewModuleConfig().WithName("").WithStdin(bytes.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr).
		WithSysWalltime().WithSysNanotime()
	// Instantiating runs _start to its end.
	mod, err := m.runtime.InstantiateModule(t.Context(), m.compiled, config)
	var exit *sys.ExitError
	switch {
	case err == nil:
		if err := mod.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	case errors.As(err, &exit):
		code = exit.ExitCode()
	default:
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return []byte(stdout.String()), stderr.String(), code
}
