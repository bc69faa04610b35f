package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/queue"
)

// lookAgain is how soon a follower looks whether a task has begun another
// attempt.
const lookAgain = 200 * time.Millisecond

// TaskLog implements api.Logs: the whole log of each attempt that has ended,
// and of one that runs what it says, as it comes.
func (n *node) TaskLog(ctx context.Context, namespace string, id queue.ID, q api.LogQuery, to api.LogSink) error {
	f := follower{n: n, id: id, q: q, to: to, sent: map[uint32]int64{}, worker: map[uint32]string{}}
	if p := q.After; p.Attempt > 0 {
		f.sent[p.Attempt], f.worker[p.Attempt] = p.Offset, p.Worker
	}
	for {
		d, ok, err := n.replica.Task(namespace, id)
		if err != nil {
			return err
		}
		if !ok {
			return api.ErrNotFound
		}
		if err := f.ended(ctx, d.Attempts); err != nil {
			return err
		}
		if d.State.Final() {
			return nil
		}
		if !q.Follow {
			return f.snapshot(&d.View)
		}
		if err := f.running(ctx, &d.View); err != nil {
			return err
		}
		again, cancel := context.WithTimeout(ctx, lookAgain)
		err = n.WaitTask(again, namespace, id)
		cancel()
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// follower hands on a task's log and knows how far each attempt's was.
type follower struct {
	n      *node
	id     queue.ID
	q      api.LogQuery
	to     api.LogSink
	sent   map[uint32]int64
	worker map[uint32]string // whose log that was
	told   []byte            // progress
	at     uint32            // attempt that running follows
}

// wants reports whether an attempt's log is asked for and not behind already.
func (f *follower) wants(attempt uint32) bool {
	return (f.q.Attempt == 0 || attempt == f.q.Attempt) && attempt >= f.q.After.Attempt
}

// by notes who makes an attempt. Where its worker was lost another makes it
// from the beginning, with a log of its own.
func (f *follower) by(attempt uint32, worker string) {
	if f.worker[attempt] != worker {
		f.worker[attempt], f.sent[attempt] = worker, 0
	}
}

// ended hands on what is left of the attempts that have ended.
func (f *follower) ended(ctx context.Context, list []queue.Attempt) error {
	for i := range list {
		a := &list[i]
		if !f.wants(a.Number) {
			continue
		}
		f.by(a.Number, a.Worker)
		f.at = a.Number
		if f.sent[a.Number] < a.LogLen {
			if err := f.copy(ctx, a); err != nil {
				return err
			}
			f.sent[a.Number] = math.MaxInt64
		}
		if a.Progress != nil {
			if err := f.reported(a.Progress); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *follower) copy(ctx context.Context, a *queue.Attempt) error {
	from := f.sent[a.Number]
	if a.LogBlob == "" {
		// Without a blob the tail is all, unless keeping the blob failed.
		begin := max(0, a.LogLen-int64(len(a.LogTail)))
		f.sent[a.Number] = max(from, begin)
		return f.heard(a.LogTail[min(max(from-begin, 0), int64(len(a.LogTail))):])
	}
	r, _, err := f.n.blobs.Open(ctx, a.LogBlob)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, from); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	_, err = io.Copy(logWriter{f}, r)
	return err
}

// logWriter is a follower to whom is written.
type logWriter struct{ f *follower }

// Write implements io.Writer.
func (w logWriter) Write(p []byte) (int, error) { return len(p), w.f.heard(p) }

// heard implements listener, for the attempt at hand.
func (f *follower) heard(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	f.sent[f.at] += int64(len(b))
	return f.to.Log(api.LogPlace{Attempt: f.at, Offset: f.sent[f.at], Worker: f.worker[f.at]}, b)
}

// reported implements listener.
func (f *follower) reported(b []byte) error {
	if bytes.Equal(b, f.told) {
		return nil
	}
	f.told = bytes.Clone(b)
	return f.to.Progress(f.at, f.told)
}

// running follows the present attempt.
func (f *follower) running(ctx context.Context, v *queue.View) error {
	if v.State != queue.Received || !f.wants(v.Attempt) {
		return nil
	}
	f.by(v.Attempt, v.Worker)
	f.at = v.Attempt
	from := f.sent[v.Attempt]
	if v.Worker == f.n.folder.NodeID() {
		return f.n.live.follow(ctx, f.id, v.Attempt, from, f)
	}
	if addr := f.n.addrOf(v.Worker); addr != "" {
		return f.n.followElsewhere(ctx, addr, logRequest{ID: f.id, Attempt: v.Attempt, From: from}, f)
	}
	return nil
}

// snapshot hands on what a running attempt has said on this node so far.
func (f *follower) snapshot(v *queue.View) error {
	if !f.wants(v.Attempt) {
		return nil
	}
	f.by(v.Attempt, v.Worker)
	f.at = v.Attempt
	log, _ := f.n.live.now(f.id, v.Attempt)
	return f.heard(log[min(f.sent[v.Attempt], int64(len(log))):])
}
