package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/sandbox"
)

// The test binary is its own sandbox, as the node is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "sandbox-child":
			os.Exit(sandbox.Main(os.Args[2:]...)) // layers to leave off, and the mark
		case "compile-child":
			os.Exit(sandbox.CompileMain())
		case "hostile-child":
			os.Exit(hostileChild(os.Args[2]))
		case "doomed-parent":
			os.Exit(doomedParent(os.Args[2]))
		}
	}
	goleak.VerifyTestMain(m)
}

// testCache is shared by the tests of one run, so that each guest is compiled
// once.
func newHost(t testing.TB, change ...func(*Config)) *Host {
	t.Helper()
	cfg := Config{
		Executable: executable(t), SandboxArgs: []string{"sandbox-child"}, CompileArgs: []string{"compile-child"},
		CacheDir: t.TempDir(), Concurrency: 4, Logger: testLogger(t),
	}
	for _, f := range change {
		f(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

func testLogger(t testing.TB) *slog.Logger {
	level := slog.LevelError
	if testing.Verbose() {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: level}))
}

// guest is a module of testdata.
func guest(t testing.TB, name, kind string) Module {
	t.Helper()
	path := filepath.Join("testdata", name+".wasm")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return Module{Digest: "sha256:" + hex.EncodeToString(sum[:]), Path: path, Kind: kind}
}

var lastID atomic.Uint64

func attempt(m Module, input string) *Attempt {
	a := &Attempt{Module: m, Task: "main", Number: 1, Input: []byte(input), Timeout: 20 * time.Second}
	n := lastID.Add(1)
	for i := range 8 {
		a.ID[15-i] = byte(n >> (8 * i))
	}
	return a
}

// submit starts an attempt and returns where its result comes.
func submit(h *Host, a *Attempt) <-chan Result {
	c := make(chan Result, 1)
	h.Submit(a, func(r Result) { c <- r })
	return c
}

func await(t testing.TB, c <-chan Result) Result {
	t.Helper()
	select {
	case r := <-c:
		return r
	case <-time.After(60 * time.Second):
		t.Fatal("no result")
		panic("unreachable")
	}
}

func run(t testing.TB, h *Host, a *Attempt) queue.Outcome {
	t.Helper()
	r := await(t, submit(h, a))
	if !r.Began && r.Outcome.Error == nil {
		t.Fatal("the attempt was handed back")
	}
	return r.Outcome
}

// cached is the file with a module's compiled code.
func cached(t *testing.T, h *Host, m Module) string {
	t.Helper()
	dir, err := h.compiler.directory(m)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	return files[0]
}
