//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/windrow-dev/windrow/internal/guests"
	windrow "github.com/windrow-dev/windrow/sdk"
)

// node is the windrowd that is measured.
type node struct {
	dir    string
	cmd    *exec.Cmd
	client *windrow.Client
}

// start starts a node that has the guest that does nothing.
func start(ctx context.Context, bin string) (*node, error) {
	dir, err := os.MkdirTemp("", "windrow-bench-")
	if err != nil {
		return nil, err
	}
	n := &node{dir: dir}
	http, raft := freeAddr(), freeAddr()
	n.cmd = exec.Command(bin, "--data-dir", filepath.Join(dir, "data"), "--http-addr", http, "--raft-addr", raft, "--log-level", "warn")
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	if n.client, err = windrow.New(windrow.Config{Servers: []string{"http://" + http}}); err == nil {
		_, _, err = n.client.PushModule(ctx, "noop", strings.NewReader(string(guests.Wasm(guests.Noop))))
	}
	for range 20 { // until its sandbox is there
		if err == nil {
			err = n.run(ctx, windrow.S("noop.main"))
		}
	}
	if err != nil {
		n.remove()
	}
	return n, err
}

func freeAddr() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0"
	}
	defer ln.Close()
	return ln.Addr().String()
}

// run runs a canvas to its result.
func (n *node) run(ctx context.Context, c windrow.Canvas) error {
	run, err := n.client.CanvasWait(ctx, c)
	if err == nil && run.State != "success" {
		err = fmt.Errorf("it ended as %s", run.State)
	}
	return err
}

func (n *node) remove() {
	if n.cmd.ProcessState == nil {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
	}
	_ = os.RemoveAll(n.dir)
}

// memory is the process's own, in bytes; that of mapped files is left out.
func (n *node) memory() float64 { return n.proc("status", "RssAnon:") * 1024 }

// written is how many bytes the process has sent to the disk: log and store.
func (n *node) written() float64 { return n.proc("io", "write_bytes:") }

// proc reads a number from one of the process's files.
func (n *node) proc(file, name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", n.cmd.Process.Pid, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if v, err := strconv.ParseFloat(strings.Fields(rest)[0], 64); err == nil {
				return v
			}
		}
	}
	return 0
}
