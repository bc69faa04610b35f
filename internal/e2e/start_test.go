package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestStartRefusals: what a node cannot start with, it names, with what to do,
// and ends.
func TestStartRefusals(t *testing.T) {
	running := testnode.Start(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(file, []byte("htttp_addr: 127.0.0.1:9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  func(n *testnode.Node)
		code int
		says []string
	}{
		{"folder in use", func(n *testnode.Node) { n.Dir = running.Dir }, 1, []string{"in use by pid", running.Dir}},
		{"HTTP port in use", func(n *testnode.Node) { n.HTTPAddr = taken.Addr().String() }, 1, []string{"--http-addr", "address already in use"}},
		{"Raft port in use", func(n *testnode.Node) { n.RaftAddr = taken.Addr().String() }, 1, []string{"--raft-addr", "address already in use"}},
		{"folder is a file", func(n *testnode.Node) { n.Flags = []string{"--data-dir", notAFolder} }, 1, []string{notAFolder, "not a directory"}},
		{"folder cannot be written", func(n *testnode.Node) { n.Flags = []string{"--data-dir", "/proc/windrow"} }, 1, []string{"/proc/windrow", "no such file"}},
		{"unknown flag", func(n *testnode.Node) { n.Flags = []string{"--colour"} }, 2, []string{"--colour", "--help"}},
		{"an argument", func(n *testnode.Node) { n.Flags = []string{"task", "run"} }, 2, []string{`"task"`, "windrow"}},
		{"unknown role", func(n *testnode.Node) { n.Flags = []string{"--role", "boss"} }, 2, []string{"--role", "all, server, worker"}},
		{"worker of nobody", func(n *testnode.Node) { n.Flags = []string{"--role", "worker"} }, 2, []string{"--join"}},
		{"no concurrency", func(n *testnode.Node) { n.Flags = []string{"--concurrency", "0"} }, 2, []string{"--concurrency", "at least 1"}},
		{"a size of words", func(n *testnode.Node) { n.Flags = []string{"--memory", "much"} }, 2, []string{"--memory"}},
		{"a duration of words", func(n *testnode.Node) { n.Flags = []string{"--max-timeout", "soon"} }, 2, []string{"--max-timeout"}},
		{"an address without port", func(n *testnode.Node) { n.Flags = []string{"--http-addr", "localhost"} }, 2, []string{"--http-addr", "HOST:PORT"}},
		{"half of TLS", func(n *testnode.Node) { n.Flags = []string{"--tls-cert", "x.pem"} }, 2, []string{"--tls-cert, --tls-key and --tls-ca belong together"}},
		{"no such certificate", func(n *testnode.Node) {
			n.Flags = []string{"--tls-cert", "/x.pem", "--tls-key", "/x.key", "--tls-ca", "/ca.pem"}
		}, 1, []string{"/x.pem", "no such file"}},
		{"HTTP for everybody", func(n *testnode.Node) { n.Flags = []string{"--http-addr", "0.0.0.0:0"} }, 2, []string{"--auth token", "--insecure"}},
		{"Raft for everybody", func(n *testnode.Node) { n.Flags = []string{"--raft-addr", "0.0.0.0:0"} }, 1, []string{"--raft-addr", "--tls-cert"}},
		{"unknown key in the file", func(n *testnode.Node) { n.Flags = []string{"--config", file} }, 2, []string{"htttp_addr", "--config"}},
		{"no file", func(n *testnode.Node) { n.Flags = []string{"--config", file + ".not"} }, 2, []string{file + ".not", "no such file"}},
		{"a bad name", func(n *testnode.Node) { n.Flags = []string{"--node-id", "a b"} }, 1, []string{"a b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := testnode.New(t)
			c.set(n)
			n.Launch()
			if code := n.Wait(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(n.Log(), want) {
					t.Errorf("it does not say %q:\n%s", want, n.Log())
				}
			}
			if strings.Contains(n.Log(), "goroutine ") {
				t.Errorf("it shows its inside:\n%s", n.Log())
			}
		})
	}
	// None of them has hurt the one that runs.
	testnode.Push(t, running.Client(), guests.Noop)
	if code := running.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
