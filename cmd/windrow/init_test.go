package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newProject makes a project and gives its folder.
func newProject(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "sub", name)
	invoke(t, "", "init", dir).want(t, exitOK)
	return dir
}

// offline is an environment in which Go can fetch nothing.
func offline() []string {
	return append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local")
}

// TestInitBuilds holds that a new project passes its tests and builds, with what
// is in its folder and nothing else.
func TestInitBuilds(t *testing.T) {
	dir := newProject(t, "hello")
	for _, args := range [][]string{{"vet", "."}, {"test", "."}, {"mod", "verify"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, offline()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	out, err := exec.Command("gofmt", "-l", dir).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("gofmt: %s, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".gitignore")); err != nil {
		t.Error(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.Contains(string(readme), "windrow task run hello.summarize") {
		t.Errorf("README: %s, %v", readme, err)
	}
}

func TestInitRefuses(t *testing.T) {
	dir := newProject(t, "hello")
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, "", "init", dir).want(t, exitUsage).says(t, "not empty")
	if b, err := os.ReadFile(main); err != nil || string(b) != "mine" {
		t.Errorf("main.go is %q, %v", b, err)
	}
	invoke(t, "", "init", filepath.Join(t.TempDir(), "Hello")).want(t, exitUsage).says(t, "no name of a module")
	invoke(t, "", "init", filepath.Join(t.TempDir(), "x"), "--lang", "cobol").want(t, exitUsage).says(t, "wasm32-wasip1")
	invoke(t, "", "init", filepath.Join(main, "x")).want(t, exitUsage)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	invoke(t, "", "init", empty, "-o", "json").want(t, exitOK)
}
