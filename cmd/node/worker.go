package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/blob"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
	"github.com/windrow-dev/windrow/runtime/module"
	"github.com/windrow-dev/windrow/runtime/worker"
)

// handBack is how long what runs must have run before what waits behind it is
// handed back.
const handBack = 10 * time.Millisecond

// workerLeader gives the worker its links to whoever leads. The two sides know
// each other by messages alone; here the one's are made into the other's.
type workerLeader struct{ attach link.Attacher }

// Attach implements worker.Leader.
func (l workerLeader) Attach(ctx context.Context, h *worker.Hello) (worker.Link, error) {
	hello := link.Hello{Worker: h.Worker, Incarnation: h.Incarnation, Queues: h.Queues, Labels: h.Labels, Session: h.Session}
	for _, x := range h.Held {
		hello.Held = append(hello.Held, link.Held(x))
	}
	c, err := l.attach.Attach(ctx, &hello)
	if err != nil {
		return nil, err
	}
	return workerLink{c}, nil
}

type workerLink struct{ conn link.Conn }

// Attached implements worker.Link.
func (l workerLink) Attached() worker.Attached { return worker.Attached(l.conn.Attached()) }

// Recv implements worker.Link.
func (l workerLink) Recv(ctx context.Context) (worker.Push, error) {
	p, err := l.conn.Recv(ctx)
	out := worker.Push{Seq: p.Seq}
	for _, a := range p.Assignments {
		out.Assignments = append(out.Assignments, worker.Assignment(a))
	}
	for _, k := range p.Kills {
		out.Kills = append(out.Kills, worker.Kill(k))
	}
	return out, err
}

// Beat implements worker.Link.
func (l workerLink) Beat(ctx context.Context, b worker.Beat) error {
	out := link.Beat{Seq: b.Seq}
	for _, x := range b.Begun {
		out.Begun = append(out.Begun, link.Begun(x))
	}
	return l.conn.Beat(ctx, out)
}

// Report implements worker.Link.
func (l workerLink) Report(ctx context.Context, r *worker.Report) (worker.Answer, error) {
	out := link.Report{Limit: link.Limit(r.Limit)}
	for _, h := range r.HandBacks {
		out.HandBacks = append(out.HandBacks, command.Held(h))
	}
	for _, x := range r.Results {
		out.Results = append(out.Results, command.TaskResult{ID: x.ID, Fence: x.Fence, Outcome: x.Outcome, Blobs: x.Blobs})
	}
	a, err := l.conn.Report(ctx, &out)
	return worker.Answer(a), err
}

// End implements worker.Link.
func (l workerLink) End(ctx context.Context, begun []queue.Fence) error {
	return l.conn.End(ctx, begun)
}

// Close implements worker.Link.
func (l workerLink) Close() { l.conn.Close() }

// modules finds modules by digest, and knows their kind by reading them once.
type modules struct {
	blobs blobs
	limit int64
	mu    sync.Mutex
	known map[string]*knownModule
}

// knownModule is a module that was read, and when it was last asked for.
type knownModule struct {
	host.Module
	used time.Time
}

// Local implements worker.Modules.
func (m *modules) Local(digest string) (host.Module, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.known[digest]
	if found == nil {
		return host.Module{}, false
	}
	found.used = time.Now()
	return found.Module, true
}

// keep reports whether a module was used within an age, and forgets it if not:
// its file is about to go.
func (m *modules) keep(digest string, age time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.known[digest]; found != nil && time.Since(found.used) < age {
		return true
	}
	delete(m.known, digest)
	return false
}

// Fetch implements worker.Modules.
func (m *modules) Fetch(ctx context.Context, digest string) (host.Module, error) {
	path, wasm, err := m.read(ctx, digest)
	if errors.Is(err, blob.ErrDamaged) { // it was put aside; another server may have it whole
		path, wasm, err = m.read(ctx, digest)
	}
	if err != nil {
		return host.Module{}, err
	}
	limits := module.Defaults()
	limits.ModuleBytes = int(m.limit)
	info, err := module.Read(wasm, limits)
	if err != nil {
		return host.Module{}, err
	}
	found := host.Module{Digest: digest, Path: path, Kind: string(info.Kind)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[digest] = &knownModule{found, time.Now()}
	return found, nil
}

// read gives a module's file and its bytes, checked.
func (m *modules) read(ctx context.Context, digest string) (string, []byte, error) {
	_ = m.blobs.Local.Touch(digest) // what is here must not be swept now
	path, err := m.blobs.File(ctx, digest)
	if err != nil {
		return "", nil, err
	}
	wasm, err := m.blobs.Local.ReadAll(digest, m.limit)
	return path, wasm, err
}

// values implements worker.Blobs.
type values struct{ blobs blobs }

// Get implements worker.Blobs.
func (v values) Get(ctx context.Context, digest string) ([]byte, error) {
	_ = v.blobs.Local.Touch(digest) // it may be asked for again soon
	r, size, err := v.blobs.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := bytes.NewBuffer(make([]byte, 0, size))
	_, err = io.Copy(b, r)
	return b.Bytes(), err
}

// Put implements worker.Blobs.
func (v values) Put(ctx context.Context, value []byte) (string, error) {
	digest, _, err := v.blobs.Put(ctx, bytes.NewReader(value), "")
	return digest, err
}

// openWorker starts this node's worker, unless the node is a server only.
func (n *node) openWorker(ctx context.Context) error {
	if n.cfg.Role == roleServer {
		return nil
	}
	var leader link.Attacher = route{n}
	if n.servers != nil {
		leader = n.servers
	}
	w := worker.New(worker.Config{
		Name: n.folder.NodeID(), Incarnation: uint64(time.Now().UnixNano()), Queues: n.cfg.Queues, Labels: append([]string{addrLabel + n.raftAddr()}, n.cfg.Labels...),
		Concurrency: n.cfg.Concurrency, Leader: workerLeader{leader}, Host: n.host,
		Modules: n.modules, Blobs: values{n.blobs}, Logs: n.live, MaxLog: n.cfg.MaxLog, MaxResult: n.cfg.MaxValue, Logger: n.log,
	})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	n.run(func() {
		defer close(done)
		if err := w.Run(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			n.fail(err)
		}
	})
	n.onCloseWithin("worker", func(ctx context.Context) error {
		defer func() { cancel(); <-done }()
		ctx, stop := context.WithTimeout(ctx, drainWithin)
		defer stop()
		return w.Drain(ctx)
	})
	return nil
}
