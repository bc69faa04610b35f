//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	call    = `{"task":"noop.main","input":{"n":1}}`
	later   = `{"task":"noop.main","input":{"n":1},"queue":"parked"}`
	clients = 64
)

// percentiles notes p50 and p99 of a round.
func (b *bench) percentiles(name string, times []time.Duration) {
	slices.Sort(times)
	b.noteTime(name+", p50", times[len(times)/2])
	b.noteTime(name+", p99", times[len(times)*99/100])
}

// fsync is the disk's own time for a 300-byte append: what an acknowledgement
// cannot be quicker than.
func fsync(_ context.Context, b *bench) error {
	dir, err := os.MkdirTemp("", "windrow-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, 64<<20); err != nil {
		return err
	}
	var times []time.Duration
	for range 1000 {
		begun := time.Now()
		if _, err := f.Write(make([]byte, 300)); err != nil {
			return err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return err
		}
		times = append(times, time.Since(begun))
	}
	b.percentiles("append of 300 bytes and fdatasync", times)
	return nil
}

// startToFirst is a process's start to the end of its first task, with the
// module in the folder already.
func startToFirst(ctx context.Context, b *bench) error {
	n, err := b.start(ctx)
	if err != nil {
		return err
	}
	if err := n.push(); err != nil {
		return err
	}
	if err := n.send("POST", "/v1/tasks?wait=30s", "application/json", []byte(call)); err != nil {
		return err
	}
	n.kill()
	begun := time.Now()
	if err := n.launch(); err != nil {
		return err
	}
	if err := n.ready(ctx); err != nil {
		return err
	}
	b.noteTime("process start → ready", time.Since(begun))
	if err := n.send("POST", "/v1/tasks?wait=30s", "application/json", []byte(call)); err != nil {
		return err
	}
	b.noteTime("process start → first task's result", time.Since(begun))
	return nil
}

func (b *bench) idleOn(n *node, name string) error {
	var times []time.Duration
	for i := range 1050 {
		begun := time.Now()
		if err := n.send("POST", "/v1/tasks?wait=30s", "application/json", []byte(call)); err != nil {
			return err
		}
		if i >= 50 {
			times = append(times, time.Since(begun))
		}
	}
	b.percentiles(name, times)
	return nil
}

func idle(ctx context.Context, b *bench) error {
	n, err := b.start(ctx)
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	return b.idleOn(n, "idle node: submit → result over HTTP")
}

func idle3(ctx context.Context, b *bench) error {
	all, err := b.three(ctx)
	if err == nil {
		err = all[0].push()
	}
	if err != nil {
		return err
	}
	if err := b.idleOn(all[0], "three nodes idle: submit → result at the leader"); err != nil {
		return err
	}
	return b.idleOn(all[1], "three nodes idle: submit → result at a follower")
}

// each runs work on so many goroutines until it was done n times.
func each(workers, n int, work func() error) error {
	var left atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	faults := make(chan error, workers)
	for range workers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				if err := work(); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(faults)
	return <-faults
}

// single submits one by one from 64 clients into a queue that nobody serves.
func single(ctx context.Context, b *bench) error {
	n, err := b.start(ctx, "--queues", "default")
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	const count = 30_000
	begun := time.Now()
	if err := each(clients, count, func() error {
		err := n.send("POST", "/v1/tasks", "application/json", []byte(later))
		return err
	}); err != nil {
		return err
	}
	b.note("submitted singly by 64 clients", count/time.Since(begun).Seconds(), "/s")
	return nil
}

func batchOf(line string, n int) []byte {
	return []byte(strings.Repeat(line+"\n", n))
}

func batches(ctx context.Context, b *bench) error {
	n, err := b.start(ctx, "--queues", "default")
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	const size, count = 10_000, 20
	body := batchOf(later, size)
	begun := time.Now()
	if err := each(4, count, func() error {
		err := n.send("POST", "/v1/tasks/batch", "application/x-ndjson", body)
		return err
	}); err != nil {
		return err
	}
	b.note("submitted in batches of 10,000 by 4 clients", size*count/time.Since(begun).Seconds(), "/s")
	return nil
}

// drainOn queues tasks in a paused queue, lets it go, and waits for the last.
func (b *bench) drainOn(n *node, name string, count int) error {
	if err := n.send("POST", "/v1/queues/default/pause", "application/json", []byte("{}")); err != nil {
		return err
	}
	body := batchOf(call, 10_000)
	for range count / 10_000 {
		if err := n.send("POST", "/v1/tasks/batch", "application/x-ndjson", body); err != nil {
			return err
		}
	}
	begun := time.Now()
	if err := n.send("POST", "/v1/queues/default/resume", "application/json", []byte("{}")); err != nil {
		return err
	}
	if err := n.empty(); err != nil {
		return err
	}
	b.note(name, float64(count)/time.Since(begun).Seconds(), "/s")
	return nil
}

// empty waits until nothing of the default queue waits or runs.
func (n *node) empty() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		text, err := n.get("/v1/queues/default")
		if err != nil {
			return err
		}
		var q struct{ Pending, Running int }
		if err := json.Unmarshal(text, &q); err != nil {
			return err
		}
		if q.Pending+q.Running == 0 {
			return nil
		}
	}
	return nil
}

// counts waits until a queue has so many: what a batch brought last becomes
// ready in steps.
func (n *node) counts(want int) error {
	var text []byte
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		var err error
		if text, err = n.get("/v1/queues/default"); err != nil {
			return err
		}
		if bytes.Contains(text, fmt.Appendf(nil, `"pending":%d,`, want)) {
			return nil
		}
	}
	return fmt.Errorf("the queue is %s", text)
}

func drain(ctx context.Context, b *bench) error {
	n, err := b.start(ctx)
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	return b.drainOn(n, "drain of 100,000 tasks, a fresh sandbox each", 100_000)
}

func drain3(ctx context.Context, b *bench) error {
	all, err := b.three(ctx)
	if err == nil {
		err = all[0].push()
	}
	if err != nil {
		return err
	}
	return b.drainOn(all[0], "drain of 100,000 tasks, three nodes on this machine", 100_000)
}

// failover kills the leader of three and submits at another node until one
// submission is acknowledged.
func failover(ctx context.Context, b *bench) error {
	all, err := b.three(ctx)
	if err == nil {
		err = all[0].push()
	}
	if err != nil {
		return err
	}
	all[0].kill()
	begun := time.Now()
	for time.Since(begun) < 30*time.Second {
		if err = all[1].send("POST", "/v1/tasks", "application/json", []byte(call)); err == nil {
			b.noteTime("leader killed → first acknowledgement elsewhere", time.Since(begun))
			return nil
		}
	}
	return err
}

// million queues a million tasks, restarts the node and drains it.
func million(ctx context.Context, b *bench) error {
	for _, payload := range []int{10, 1000} {
		if err := millionOf(ctx, b, payload); err != nil {
			return err
		}
		b.close()
	}
	return nil
}

func millionOf(ctx context.Context, b *bench, payload int) error {
	const count = 1_000_000
	n, err := b.start(ctx)
	if err == nil {
		err = n.push()
	}
	if err != nil {
		return err
	}
	named := func(what string) string { return fmt.Sprintf("1,000,000 tasks of %d bytes: %s", payload, what) }
	if err := n.send("POST", "/v1/queues/default/pause", "application/json", []byte("{}")); err != nil {
		return err
	}
	line := `{"task":"noop.main","input":"` + strings.Repeat("x", payload) + `"}`
	body := batchOf(line, 10_000)
	before, begun := n.rss(), time.Now()
	for range count / 10_000 {
		if err := n.send("POST", "/v1/tasks/batch", "application/x-ndjson", body); err != nil {
			return err
		}
	}
	b.note(named("submit rate"), count/time.Since(begun).Seconds(), "/s")
	b.note(named("memory beyond the idle node's"), n.rss()-before, "MiB")
	b.note(named("data folder"), n.disk(), "MiB")
	n.kill()
	begun = time.Now()
	if err := n.launch(); err != nil {
		return err
	}
	if err := n.ready(ctx); err != nil {
		return err
	}
	b.noteTime(named("kill -9, start → ready"), time.Since(begun))
	b.note(named("memory after the restart"), n.rss(), "MiB")
	if err := n.counts(count); err != nil {
		return err
	}
	begun = time.Now()
	if err := n.send("POST", "/v1/queues/default/resume", "application/json", []byte("{}")); err != nil {
		return err
	}
	if err := n.empty(); err != nil {
		return err
	}
	b.note(named("drain rate"), count/time.Since(begun).Seconds(), "/s")
	b.note(named("memory after the drain"), n.rss(), "MiB")
	return nil
}
