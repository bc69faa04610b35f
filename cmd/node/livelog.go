package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/queue"
)

// liveLogs is what the attempts on this node have logged and reported while
// they run. It implements worker.Logs, and is gone with them: what lasts is in
// their outcomes.
type liveLogs struct {
	mu     sync.Mutex
	byTask map[queue.ID]*liveLog
}

func newLiveLogs() *liveLogs { return &liveLogs{byTask: map[queue.ID]*liveLog{}} }

// liveLog is one attempt's.
type liveLog struct {
	attempt  uint32
	bytes    []byte
	progress []byte // the newest, one JSON text
	reports  uint64 // how many of those there were
	ended    bool
	changed  chan struct{}
}

// Log implements worker.Logs.
func (l *liveLogs) Log(id queue.ID, attempt uint32, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.of(id, attempt)
	x.bytes = append(x.bytes, b...)
	x.tell()
}

// Progress implements worker.Logs.
func (l *liveLogs) Progress(id queue.ID, attempt uint32, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.of(id, attempt)
	x.progress = b
	x.reports++
	x.tell()
}

// of is an attempt's, made where it is not there. The caller holds the lock.
func (l *liveLogs) of(id queue.ID, attempt uint32) *liveLog {
	x := l.byTask[id]
	if x == nil || x.attempt != attempt {
		x = &liveLog{attempt: attempt, changed: make(chan struct{})}
		l.byTask[id] = x
	}
	return x
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

// listener takes what a running attempt says.
type listener interface {
	heard(b []byte) error
	reported(progress []byte) error
}

// follow hands on a running attempt's log from an offset on, and its progress,
// until the attempt has ended. It returns at once where there is no such
// attempt.
func (l *liveLogs) follow(ctx context.Context, id queue.ID, attempt uint32, from int64, to listener) error {
	l.mu.Lock()
	x := l.byTask[id]
	l.mu.Unlock()
	if x == nil || x.attempt != attempt {
		return nil
	}
	var told uint64
	for {
		l.mu.Lock()
		var news, progress []byte
		if from < int64(len(x.bytes)) {
			news = x.bytes[from:]
		}
		if x.reports > told {
			progress, told = x.progress, x.reports
		}
		ended, changed := x.ended, x.changed
		l.mu.Unlock()
		switch {
		case news != nil || progress != nil:
			from += int64(len(news))
			if err := tell(to, news, progress); err != nil {
				return err
			}
			continue
		case ended:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func tell(to listener, news, progress []byte) error {
	if news != nil {
		if err := to.heard(news); err != nil {
			return err
		}
	}
	if progress != nil {
		return to.reported(progress)
	}
	return nil
}

// now is what a running attempt has said and reported so far.
func (l *liveLogs) now(id queue.ID, attempt uint32) (log, progress []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byTask[id]; x != nil && x.attempt == attempt {
		return x.bytes, x.progress
	}
	return nil, nil
}

// logKind is the kind of stream on which one node follows another's logs.
const logKind = "log"

// The first byte of a frame of such a stream.
const (
	frameLog      = 'l'
	frameProgress = 'p'
)

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
	_ = n.live.follow(ctx, q.ID, q.Attempt, q.From, logSender{s}) // the other side notices its end
}

// logSender sends what is heard as frames.
type logSender struct{ s peer.Stream }

func (w logSender) heard(b []byte) error { return w.s.Send(append([]byte{frameLog}, b...)) }

func (w logSender) reported(b []byte) error { return w.s.Send(append([]byte{frameProgress}, b...)) }

// followElsewhere follows an attempt that runs on another node. That its worker
// cannot be reached is no error: what it had said is lost with it.
func (n *node) followElsewhere(ctx context.Context, addr string, q logRequest, to listener) error {
	s, err := n.net.Dial(ctx, addr, logKind)
	if err != nil {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	defer func() { _ = s.Close() }()
	head, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("follow a log: %w", err)
	}
	if s.Send(head) != nil {
		return nil
	}
	for {
		b, err := s.Recv()
		if err != nil || len(b) == 0 {
			return ctx.Err()
		}
		switch b[0] {
		case frameLog:
			err = to.heard(b[1:])
		case frameProgress:
			err = to.reported(b[1:])
		}
		if err != nil {
			return err
		}
	}
}
