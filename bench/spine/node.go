//go:build linux

package main

import (
	"bytes"
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
	"time"

	"github.com/windrow-dev/windrow/internal/guests"
)

// node is one windrowd under measurement.
type node struct {
	bin, dir   string
	http, raft string
	flags      []string
	cmd        *exec.Cmd
	client     *http.Client
}

func (b *bench) newNode(flags ...string) (*node, error) {
	dir, err := os.MkdirTemp("", "windrow-bench-")
	if err != nil {
		return nil, err
	}
	n := &node{bin: b.bin, dir: dir, flags: flags,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 5 * time.Minute}}
	for _, addr := range []*string{&n.http, &n.raft} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		*addr = ln.Addr().String()
		_ = ln.Close()
	}
	b.nodes = append(b.nodes, n)
	return n, nil
}

// start starts a node and waits until it is ready.
func (b *bench) start(ctx context.Context, flags ...string) (*node, error) {
	n, err := b.newNode(flags...)
	if err == nil {
		err = n.launch()
	}
	if err == nil {
		err = n.ready(ctx)
	}
	return n, err
}

// three starts a cluster of three and gives the leader first.
func (b *bench) three(ctx context.Context) ([]*node, error) {
	var all []*node
	var join []string
	for range 3 {
		n, err := b.newNode()
		if err != nil {
			return nil, err
		}
		all, join = append(all, n), append(join, n.raft)
	}
	for _, n := range all {
		n.flags = []string{"--bootstrap-expect", "3", "--join", strings.Join(join, ",")}
		if err := n.launch(); err != nil {
			return nil, err
		}
	}
	for i, n := range all {
		if err := n.ready(ctx); err != nil {
			return nil, err
		}
		if n.leads() {
			all[0], all[i] = all[i], all[0]
		}
	}
	return all, nil
}

func (n *node) leads() bool {
	text, err := n.get("/metrics")
	return err == nil && bytes.Contains(text, []byte("\nwindrow_leader 1"))
}

func (n *node) launch() error {
	args := append([]string{"--data-dir", filepath.Join(n.dir, "data"), "--http-addr", n.http, "--raft-addr", n.raft, "--log-level", "warn"}, n.flags...)
	n.cmd = exec.Command(n.bin, args...)
	n.cmd.Stderr = os.Stderr
	return n.cmd.Start()
}

// ready polls without pause, so that what is measured is the node.
func (n *node) ready(ctx context.Context) error {
	for begun := time.Now(); ; {
		if resp, err := n.client.Get("http://" + n.http + "/readyz"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ctx.Err() != nil || time.Since(begun) > time.Minute {
			return errors.Join(errors.New("the node does not become ready"), ctx.Err())
		}
	}
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

func (n *node) remove() {
	if n.cmd != nil && n.cmd.ProcessState == nil {
		n.kill()
	}
	_ = os.RemoveAll(n.dir)
}

func (n *node) get(path string) ([]byte, error) {
	resp, err := n.client.Get("http://" + n.http + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// send sends a body and wants it to be taken.
func (n *node) send(method, path, kind string, body []byte) error {
	_, err := n.ask(method, path, kind, body)
	return err
}

// ask is send for those who want the answer.
func (n *node) ask(method, path, kind string, body []byte) ([]byte, error) {
	req, err := http.NewRequest(method, "http://"+n.http+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	resp, err := n.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, text)
	}
	return text, err
}

// push uploads the guests that do nothing, and that wait.
func (n *node) push() error {
	for _, name := range []string{guests.Noop, guests.Sleep} {
		if err := n.send(http.MethodPut, "/v1/modules/"+name, "application/wasm", guests.Wasm(name)); err != nil {
			return err
		}
	}
	return nil
}

// rss is the resident memory of the process's own, in MiB: pages of the store's
// mapped files are the page cache's.
func (n *node) rss() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024
		}
	}
	return 0
}

// disk is what the data folder takes, in MiB.
func (n *node) disk() float64 {
	var sum int64
	_ = filepath.Walk(n.dir, func(_ string, i os.FileInfo, err error) error {
		if err == nil {
			sum += i.Size()
		}
		return nil
	})
	return float64(sum) / (1 << 20)
}
