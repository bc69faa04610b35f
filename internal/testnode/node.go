// Package testnode starts real windrowd processes for tests, stops them in
// every way they may stop, and gives clients to talk to them. It never waits
// by sleeping: it polls what can be seen, up to a deadline.
package testnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
)

// patience bounds everything that is polled for.
const patience = 60 * time.Second

// OverlayEnv names a file for go build -overlay, or a go.mod for -modfile: a
// windrowd in which a promise is broken on purpose, to see that a test notices.
const OverlayEnv = "WINDROW_TEST_OVERLAY"

var build struct {
	once sync.Once
	path string
	err  error
}

// Binary builds windrowd once a test process and gives its path.
func Binary(t testing.TB) string {
	t.Helper()
	build.once.Do(func() {
		sweepBuilds()
		//nolint:usetesting // all tests of the process use it
		dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", buildPrefix, os.Getpid()))
		if err != nil {
			build.err = err
			return
		}
		build.path = filepath.Join(dir, "windrowd")
		args := []string{"build", "-o", build.path}
		switch change := os.Getenv(OverlayEnv); {
		case strings.HasSuffix(change, ".mod"):
			args = append(args, "-modfile", change)
		case change != "":
			args = append(args, "-overlay", change)
		}
		//nolint:gosec // whoever sets the variable runs the tests, too
		cmd := exec.Command("go", append(args, "github.com/windrow-dev/windrow/cmd/node")...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			build.err = fmt.Errorf("build windrowd: %w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

// buildPrefix begins the name of a test process's folder with its windrowd; the
// process's pid follows.
const buildPrefix = "windrowd-test-"

// sweepBuilds removes what test processes that are gone have built.
func sweepBuilds() {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), buildPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), buildPrefix), "-")
		pid, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			_ = os.RemoveAll(folder) // the next one tries again
		}
	}
}

// Node is one windrowd with its folder and its addresses, which it keeps over
// restarts.
type Node struct {
	t        testing.TB
	Dir      string
	HTTPAddr string
	RaftAddr string
	Scheme   string // http, or https
	Flags    []string
	Token    string // of the administrator, for clients
	CAFile   string // that clients trust
	Env      []string
	// Dial connects clients to the node; nil is the usual way.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Wrap is a command put before windrowd's own, such as ip netns exec.
	Wrap []string

	cmd  *exec.Cmd
	log  *logFile
	done chan struct{}

	mu        sync.Mutex
	impatient *windrow.Client
	http      *http.Client
}

// New makes a node that has not been started.
func New(t testing.TB, flags ...string) *Node {
	t.Helper()
	n := &Node{t: t, Dir: t.TempDir(), HTTPAddr: FreeAddr(t), RaftAddr: FreeAddr(t), Scheme: "http", Flags: flags}
	t.Cleanup(n.cleanup)
	return n
}

// Start makes a node and starts it.
func Start(t testing.TB, flags ...string) *Node {
	t.Helper()
	n := New(t, flags...)
	n.Start()
	return n
}

// FreeAddr gives a loopback address that nobody listens on.
func FreeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// Launch starts the process and does not wait for it.
func (n *Node) Launch() {
	n.t.Helper()
	args := append(append([]string{}, n.Wrap...), Binary(n.t), "--data-dir", n.DataDir(), "--http-addr", n.HTTPAddr, "--raft-addr", n.RaftAddr)
	n.cmd = exec.Command(args[0], append(args[1:], n.Flags...)...)
	n.cmd.Dir = n.Dir
	n.cmd.Env = append(os.Environ(), n.Env...)
	n.log = &logFile{}
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("start windrowd: %v", err)
	}
	n.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(n.cmd, n.done)
}

// DataDir is the node's data folder.
func (n *Node) DataDir() string { return filepath.Join(n.Dir, "data") }

// Start starts the process and waits until it says that it is ready.
func (n *Node) Start() {
	n.t.Helper()
	n.Launch()
	n.WaitReady()
}

// WaitReady waits for the line that says so.
func (n *Node) WaitReady() {
	n.t.Helper()
	Poll(n.t, "windrowd to be ready", func() error {
		select {
		case <-n.done:
			n.t.Fatalf("windrowd ended instead of becoming ready:\n%s", n.Log())
		default:
		}
		if !strings.Contains(n.Log(), "msg=ready") {
			return errors.New(n.Log())
		}
		return nil
	})
}

// ReadyOrEnd waits until the node is ready or has ended by itself, and tells
// which, with the exit code.
func (n *Node) ReadyOrEnd() (code int, ended bool) {
	n.t.Helper()
	Poll(n.t, "windrowd to be ready or to end", func() error {
		switch {
		case !n.Running():
			ended = true
		case !strings.Contains(n.Log(), "msg=ready"):
			return errors.New(n.Log())
		}
		return nil
	})
	if ended {
		return n.Wait(), true
	}
	return 0, false
}

// Kill is kill -9; it returns once the process is gone.
func (n *Node) Kill() { n.signal(syscall.SIGKILL) }

// Running reports whether the process is there.
func (n *Node) Running() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// Stop is SIGTERM; it returns the exit code once the process is gone.
func (n *Node) Stop() int {
	n.signal(syscall.SIGTERM)
	return n.cmd.ProcessState.ExitCode()
}

// Pause and Resume are SIGSTOP and SIGCONT.
func (n *Node) Pause() { _ = n.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (n *Node) Resume() { _ = n.cmd.Process.Signal(syscall.SIGCONT) }

func (n *Node) signal(s syscall.Signal) {
	n.t.Helper()
	_ = n.cmd.Process.Signal(s)
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("windrowd did not end after %v:\n%s", s, n.Log())
	}
}

// Terminate is SIGTERM without waiting for the end.
func (n *Node) Terminate() { _ = n.cmd.Process.Signal(syscall.SIGTERM) }

// Wait returns the exit code of a process that ends by itself.
func (n *Node) Wait() int {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("windrowd did not end by itself:\n%s", n.Log())
	}
	return n.cmd.ProcessState.ExitCode()
}

// Pid is the process's.
func (n *Node) Pid() int { return n.cmd.Process.Pid }

// Log is what the process has said since its last start.
func (n *Node) Log() string { return n.log.String() }

// URL is the node's HTTP address.
func (n *Node) URL() string { return n.Scheme + "://" + n.HTTPAddr }

// Client talks to this node alone.
func (n *Node) Client() *windrow.Client {
	n.t.Helper()
	return n.dial(windrow.Config{Servers: []string{n.URL()}})
}

// Impatient is a Client that asks once and tells what came of it. It is the
// same one each time.
func (n *Node) Impatient() *windrow.Client {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.impatient == nil {
		n.impatient = n.dial(windrow.Config{Servers: []string{n.URL()}, RetryFor: -1})
	}
	return n.impatient
}

// Client talks to the servers at the URLs.
func Client(t testing.TB, urls ...string) *windrow.Client {
	t.Helper()
	return dial(t, windrow.Config{Servers: urls})
}

// dial makes a client that is let in as this node's are.
func (n *Node) dial(config windrow.Config) *windrow.Client {
	n.t.Helper()
	config.Token, config.Transport = n.Token, n.transport()
	return dial(n.t, config)
}

func dial(t testing.TB, config windrow.Config) *windrow.Client {
	t.Helper()
	c, err := windrow.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Push uploads guests of internal/guests under their names.
func Push(t testing.TB, c *windrow.Client, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, _, err := c.PushModule(context.Background(), name, strings.NewReader(string(guests.Wasm(name)))); err != nil {
			t.Fatalf("push %s: %v", name, err)
		}
	}
}

func (n *Node) cleanup() {
	if n.cmd == nil {
		return
	}
	select {
	case <-n.done:
	default:
		n.Resume()
		_ = n.cmd.Process.Kill()
		<-n.done
	}
	// Where a test has found that sandboxes outlive their node, they would compute
	// on beside all other tests.
	for _, pid := range n.Children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if n.t.Failed() {
		n.t.Logf("log of %s:\n%s", n.HTTPAddr, n.Log())
	}
}

// Poll tries until there is no error.
func Poll(t testing.TB, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", patience, what, err)
		}
		<-tick.C
	}
}

// logFile keeps a process's output.
type logFile struct {
	mu sync.Mutex
	b  strings.Builder
}

var _ io.Writer = (*logFile)(nil)

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logFile) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
