package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/fake"
)

// commandSource is a module without the SDK, so that it builds in a moment.
const commandSource = "package main\n\nfunc main() { println(\"VERSION\") }\n"

func commandProject(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "hello")
	write := func(name, text string) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module hello\n\ngo 1.26\n")
	write("main.go", commandSource)
	return dir
}

func devFake(t *testing.T) {
	t.Helper()
	s := fake.New(map[string]fake.Func{
		"hello.main": func(context.Context, fake.Job) (any, error) { return "done", nil },
		"bad.main":   func(context.Context, fake.Job) (any, error) { return nil, errors.New("no") },
	})
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
}

func TestDevOnce(t *testing.T) {
	devFake(t)
	dir := commandProject(t)
	o := invoke(t, "", "dev", dir, "--once", "--task", "main").want(t, exitOK)
	if o.stdout != "\"done\"\n" {
		t.Errorf("stdout %q", o.stdout)
	}
	o.says(t, "hello is version 2", "built in")
	invoke(t, "", "dev", dir, "--once").want(t, exitOK).says(t, "hello is still version 2")
	invoke(t, "", "dev", dir, "--once", "--name", "bad", "--task", "main").want(t, exitFailed)
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { undefined() }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, "", "dev", dir, "--once").want(t, exitUsage).says(t, "undefined: undefined", "does not build")
	invoke(t, "", "dev", t.TempDir()).want(t, exitUsage).says(t, "windrow init NAME")
	invoke(t, "", "dev", dir, "--task", "main", "--input", "-").want(t, exitUsage).says(t, "once only")
	invoke(t, "", "dev", dir, "--name", "Hello World").want(t, exitUsage).says(t, "--name")
}

// screen is what a command has written so far.
type screen struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.Write(p)
}

func (s *screen) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		s.mu.Lock()
		found := strings.Contains(s.all.String(), text)
		s.mu.Unlock()
		if found {
			return
		}
	}
	t.Fatalf("%q was not written, but\n%s", text, s.all.String())
}

func TestDevSeesChanges(t *testing.T) {
	devFake(t)
	dir := commandProject(t)
	change := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs screen
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int)
	go func() {
		code <- newApp(strings.NewReader(""), &out, &errs).run(ctx, []string{"dev", dir, "--task", "main"})
	}()
	errs.await(t, "waiting for a change")
	out.await(t, "\"done\"\n")
	change("package main\n\nfunc main() { println(1 +) }\n")
	errs.await(t, "does not build")
	change(strings.Replace(commandSource, "VERSION", "another one", 1))
	errs.await(t, "hello is version 3")
	out.await(t, "\"done\"\n\"done\"\n")
	cancel()
	if c := <-code; c != exitOK {
		t.Errorf("exit code %d", c)
	}
}

func TestSnapshot(t *testing.T) {
	dir := commandProject(t)
	before := snapshot(dir)
	for _, name := range []string{".hidden", "out.wasm", "main.go~"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !same(before, snapshot(dir)) {
		t.Error("what makes no difference is seen")
	}
	if err := os.Remove(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	if same(before, snapshot(dir)) {
		t.Error("a file that is gone is not missed")
	}
}
