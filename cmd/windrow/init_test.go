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

// TestInitC: the C project builds where there is a clang for it, runs, is built
// anew by dev, and says what is missing elsewhere.
func TestInitC(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "counter")
	o := invoke(t, "", "init", dir, "--lang", "c").want(t, exitOK)
	if !strings.Contains(o.stdout, "./build.sh") {
		t.Errorf("it says %q", o.stdout)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.Contains(string(readme), "windrow task run --local counter.wasm") {
		t.Errorf("README: %s, %v", readme, err)
	}
	none := exec.Command(filepath.Join(dir, "build.sh"))
	none.Env = []string{"PATH=/bin:/usr/bin", "WASI_SDK_PATH=" + t.TempDir()}
	out, err := none.CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "apt-get install clang") {
		t.Errorf("without a compiler: %v, %s", err, out)
	}
	if _, err := os.Stat("/usr/lib/wasm32-wasi/libc.a"); err != nil && os.Getenv("WASI_SDK_PATH") == "" {
		t.Skip("neither wasi-libc is installed nor WASI_SDK_PATH set")
	}
	s := newFake(t)
	if o := invoke(t, "", "dev", dir, "--once").want(t, exitOK); !strings.Contains(o.stderr, "counter is version 1") {
		t.Errorf("dev says %q", o.stderr)
	}
	s.Close()
	if out, err := exec.Command(filepath.Join(dir, "build.sh")).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("build.sh: %v, %s", err, out)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	o = local(t, filepath.Join(dir, "counter.wasm"), "--raw", "one two\nthree", "--logs").want(t, exitOK)
	if strings.TrimSpace(o.stdout) != `{"bytes":13,"lines":1,"words":3}` || !strings.Contains(o.stderr, "attempt 1: counted 13 bytes") {
		t.Errorf("%q %q", o.stdout, o.stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte("int main(void) { return x; }"), 0o600); err != nil {
		t.Fatal(err)
	}
	newFake(t)
	invoke(t, "", "dev", dir, "--once").want(t, exitUsage).says(t, "error: use of undeclared identifier", "does not build")
}
