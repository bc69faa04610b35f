//go:build !cgo

package lead_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
	"github.com/windrow-dev/windrow/runtime/worker"
)

// The tests of this file run guests in real sandboxes. They want a binary
// without cgo, which alone can shield its children fully.

// onDisk has one guest.
type onDisk struct {
	atHand
	module host.Module
}

func newOnDisk(t testing.TB, name string) onDisk {
	t.Helper()
	b := guests.Wasm(name)
	path := filepath.Join(t.TempDir(), name+".wasm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return onDisk{module: host.Module{Digest: "sha256:" + hex.EncodeToString(sum[:]), Path: path, Kind: host.KindCommand}}
}

func (d onDisk) Local(string) (host.Module, bool) { return d.module, true }

// startReal is a leader and a worker with real sandboxes.
func startReal(t testing.TB, guest string, commit time.Duration, streams bool) (*cluster, *ends) {
	t.Helper()
	c := newCluster(t)
	c.commit = commit
	e := &ends{waiting: map[queue.ID]chan struct{}{}}
	c.after = e.entry
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(host.Config{Executable: exe, SandboxArgs: []string{"sandbox-child"}, CompileArgs: []string{"compile-child"},
		CacheDir: t.TempDir(), Concurrency: 8, HandBack: 10 * time.Millisecond, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	c.lead()
	d := newOnDisk(t, guest)
	var a link.Attacher = c
	var served sync.WaitGroup
	if streams {
		a = far{c, nil, &served}
	}
	w := worker.New(worker.Config{Name: "w", Incarnation: 1, Concurrency: 8, Leader: leaderFor{a}, Host: h,
		Modules: d, Blobs: d, Logger: logger(t)})
	done := make(chan error, 1)
	go func() { done <- w.Run(context.Background()) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Drain(ctx); err != nil {
			t.Errorf("drain: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := h.Close(ctx); err != nil {
			t.Errorf("close the host: %v", err)
		}
		c.depose()
		served.Wait()
	})
	return c, e
}

// ends tells of tasks that have ended. The cluster's mutex guards it.
type ends struct{ waiting map[queue.ID]chan struct{} }

func (e *ends) entry(a state.Applied) {
	for _, m := range a.Effects.Moves {
		if ch := e.waiting[m.ID]; ch != nil && m.To.Final() {
			delete(e.waiting, m.ID)
			close(ch)
		}
	}
}

// submitAll submits tasks whose ends it gives.
func (c *cluster) submitAll(e *ends, first, n int, input string) []chan struct{} {
	c.t.Helper()
	s := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}}
	all := make([]chan struct{}, n)
	c.mu.Lock()
	for i := range n {
		id := queue.ID{6: 0x70, 8: 0x80, 12: byte((first + i) >> 24), 13: byte((first + i) >> 16), 14: byte((first + i) >> 8), 15: byte(first + i)}
		all[i] = make(chan struct{})
		e.waiting[id] = all[i]
		s.Calls.List = append(s.Calls.List, command.Call{ID: id, Payload: (&queue.Payload{Input: []byte(input)}).Append(nil)})
	}
	c.mu.Unlock()
	if r, err := c.Propose(context.Background(), s); err != nil || r[0].Code != command.OK {
		c.t.Fatalf("submit: %+v %v", r, err)
	}
	return all
}

func TestRealSandbox(t *testing.T) {
	c, _ := startReal(t, guests.Echo, 0, false)
	id := c.submit(7, nil)
	v, result := c.await(id)
	if v.State != queue.Success || result != "7" || v.Usage.WallNanos == 0 {
		t.Fatalf("ended as %+v with %q", v, result)
	}
}

func TestRealSandboxLongHead(t *testing.T) {
	c, e := startReal(t, guests.Sleep, 0, false)
	start := time.Now()
	for _, done := range c.submitAll(e, 1, 40, "50") {
		<-done
	}
	backs := 0
	for _, x := range c.log() {
		if x == "*command.HandBack" {
			backs++
		}
	}
	t.Logf("40 sleeps of 50 ms took %s with %d hand-backs in %d commands", time.Since(start), backs, len(c.log()))
	if backs > 20 {
		t.Errorf("%d hand-backs: the worker asks for what it cannot begin", backs)
	}
}

// BenchmarkIdle is one task at a time, from submission to its result's commit.
func BenchmarkIdle(b *testing.B) {
	c, e := startReal(b, guests.Echo, 0, false)
	<-c.submitAll(e, 0, 1, "1")[0]
	n := 1
	for b.Loop() {
		<-c.submitAll(e, n, 1, "1")[0]
		n++
	}
}

// BenchmarkDrain is a backlog of 10,000.
func BenchmarkDrain(b *testing.B) {
	for _, x := range []struct {
		commit  time.Duration
		streams bool
	}{{0, false}, {300 * time.Microsecond, false}, {300 * time.Microsecond, true}} {
		b.Run(fmt.Sprintf("commit=%s/streams=%v", x.commit, x.streams), func(b *testing.B) {
			c, e := startReal(b, guests.Echo, x.commit, x.streams)
			<-c.submitAll(e, 0, 1, "1")[0]
			n := 1
			for b.Loop() {
				var last []chan struct{}
				for range 20 {
					last = append(last, c.submitAll(e, n, 500, "1")...)
					n += 500
				}
				for _, done := range last {
					<-done
				}
			}
			b.ReportMetric(float64(b.N)*10000/b.Elapsed().Seconds(), "tasks/s")
			b.ReportMetric(float64(len(c.log()))/float64(n), "commands/task")
		})
	}
}
