package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"

	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/queue"
)

// liveLogs is what the attempts on this node have logged while they run. It
// implements worker.Logs, and is gone with them: what lasts is in their
// outcomes.
type liveLogs struct {
	mu     sync.Mutex
	byTask map[queue.ID]*liveLog
}

func newLiveLogs() *liveLogs { return &liveLogs{byTask: map[queue.ID]*liveLog{}} }

// liveLog is one attempt's.
type liveLog struct {
	attempt uint32
	bytes   []byte
	ended   bool
	changed chan struct{}
}

// Log implements worker.Logs.
func (l *liveLogs) Log(id queue.ID, attempt uint32, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.byTask[id]
	if x == nil || x.attempt != attempt {
		x = &liveLog{attempt: attempt, changed: make(chan struct{})}
		l.byTask[id] = x
	}
	x.bytes = append(x.bytes, b...)
	x.tell()
}

// Ended implements worker.Logs.
func (l *liveLogs) Ended(id queue.ID, attempt uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byTask[id]; x != nil && x.attempt == attempt {
		x.ended = true
		x.tell()
		delete(l.byTask, id)
	}
}

func (x *liveLog) tell() {
	close(x.changed)
	x.changed = make(chan struct{})
}

// follow writes a running attempt's log from an offset on until the attempt has
// ended, and says how far it came. It returns at once where there is no such
// attempt.
func (l *liveLogs) follow(ctx context.Context, id queue.ID, attempt uint32, from int64, w io.Writer) (int64, error) {
	l.mu.Lock()
	x := l.byTask[id]
	l.mu.Unlock()
	if x == nil || x.attempt != attempt {
		return from, nil
	}
	for {
		l.mu.Lock()
		var news []byte
		if from < int64(len(x.bytes)) {
			news = x.bytes[from:]
		}
		ended, changed := x.ended, x.changed
		l.mu.Unlock()
		if len(news) > 0 {
			if _, err := w.Write(news); err != nil {
				return from, err
			}
			from += int64(len(news))
			continue
		}
		if ended {
			return from, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return from, ctx.Err()
		}
	}
}

// now is what a running attempt has said so far.
func (l *liveLogs) now(id queue.ID, attempt uint32) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byTask[id]; x != nil && x.attempt == attempt {
		return x.bytes
	}
	return nil
}

// logKind is the kind of stream on which one node follows another's logs.
const logKind = "log"

// logRequest begins such a stream.
type logRequest struct {
	ID      queue.ID `json:"id"`
	Attempt uint32   `json:"attempt"`
	From    int64    `json:"from"`
}

// serveLog answers another node that follows.
func (n *node) serveLog(ctx context.Context, s peer.Stream) {
	defer func() { _ = s.Close() }()
	head, err := s.Recv()
	if err != nil {
		return
	}
	var q logRequest
	if json.Unmarshal(head, &q) != nil {
		return
	}
	_, _ = n.live.follow(ctx, q.ID, q.Attempt, q.From, streamWriter{s}) // the other side notices its end
}

// streamWriter sends what is written as frames.
type streamWriter struct{ s peer.Stream }

// Write implements io.Writer.
func (w streamWriter) Write(p []byte) (int, error) { return len(p), w.s.Send(p) }

// followElsewhere follows an attempt that runs on another node.
func (n *node) followElsewhere(ctx context.Context, addr string, q logRequest, w io.Writer) (int64, error) {
	s, err := n.net.Dial(ctx, addr, logKind)
	if err != nil {
		return q.From, nil // its worker may be gone; what it had said is lost with it
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	defer func() { _ = s.Close() }()
	head, err := json.Marshal(q)
	if err != nil {
		return q.From, err
	}
	if s.Send(head) != nil {
		return q.From, nil
	}
	for {
		b, err := s.Recv()
		if err != nil {
			return q.From, ctx.Err()
		}
		if _, err := w.Write(b); err != nil {
			return q.From, err
		}
		q.From += int64(len(b))
	}
}

// addrLabel is the label by which a worker says where it can be reached.
const addrLabel = "windrow/raft-addr="

// addrOf is where a worker's node can be reached; empty is not known.
func (n *node) addrOf(worker string) string {
	for _, w := range n.Workers() {
		if w.Worker != worker {
			continue
		}
		for _, l := range w.Labels {
			if addr, ok := strings.CutPrefix(l, addrLabel); ok {
				return addr
			}
		}
	}
	return ""
}
