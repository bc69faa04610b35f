//go:build linux

package host

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// doomedParent is a node that will be killed: it runs a guest that never ends,
// says so, and waits.
func doomedParent(arg string) int {
	dir, exe, _ := strings.Cut(arg, ",")
	h, err := New(Config{
		Executable: exe, SandboxArgs: []string{"sandbox-child"}, CompileArgs: []string{"compile-child"}, CacheDir: dir,
	})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for _, input := range []string{"spin", "sleep 1000000"} {
		m := Module{Digest: "acts", Path: "testdata/acts.wasm", Kind: KindCommand}
		h.Submit(within(time.Hour, attempt(m, input)), func(Result) {})
	}
	for tick := time.Tick(time.Millisecond); begun(h) < 2; {
		<-tick
	}
	fmt.Println("running")
	<-time.After(time.Hour)
	return 0
}

// children lists the processes with a node's mark.
func children(t *testing.T, mark string) (pids []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if marked("/proc/"+e.Name()+"/cmdline", mark) {
			pids = append(pids, e.Name())
		}
	}
	return pids
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for tick := time.Tick(time.Millisecond); !f(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatal("never: ", what)
		}
	}
}

// A node that is killed leaves no child behind, not even one that computes.
func TestNoOrphans(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe, "doomed-parent", dir+","+executable(t))
	said, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if line != "running\n" {
		_ = parent.Process.Kill()
		t.Fatal(line, err)
	}
	mark := ownerMark(dir)
	if n := len(children(t, mark)); n != 2 {
		t.Errorf("%d children run", n)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "the children die", func() bool { return len(children(t, mark)) == 0 })
}

// What an earlier life left is swept away at the start.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	stray := exec.Command("sleep", "1000")
	stray.Args = []string{"sleep", "1000"}
	other := exec.Command("sh", "-c", "read x", "sh", ownerMark(dir))
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, c := range []*exec.Cmd{stray, other} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Process.Kill() }() // unless it has ended
	}
	eventually(t, "the stray has its mark", func() bool { return len(children(t, ownerMark(dir))) == 1 })
	newHost(t, func(c *Config) { c.CacheDir = dir })
	if err := other.Wait(); err == nil || other.ProcessState.Sys() == nil {
		t.Errorf("the marked one ended with %v", err)
	}
	if err := unix.Kill(stray.Process.Pid, 0); err != nil {
		t.Errorf("the unmarked one: %v", err)
	}
	_ = stray.Process.Kill()
	_ = stray.Wait()
}

// A start without what the children need says so.
func TestNewRefuses(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("no configuration")
	}
	_, err := New(Config{Executable: "/bin/false", SandboxArgs: []string{"x"}, CompileArgs: []string{"x"}, CacheDir: t.TempDir()})
	if err == nil {
		t.Error("an executable that is no sandbox")
	}
}
