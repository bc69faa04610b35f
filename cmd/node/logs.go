package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/queue"
)

// lookAgain is how soon a follower looks whether a task has begun another
// attempt.
const lookAgain = 200 * time.Millisecond

// TaskLog implements api.Logs: the whole log of each attempt that has ended,
// and of one that runs what it says, as it comes.
func (n *node) TaskLog(ctx context.Context, namespace string, id queue.ID, attempt uint32, follow bool, w io.Writer) error {
	f := follower{n: n, id: id, only: attempt, w: w, sent: map[uint32]int64{}}
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
		if !follow {
			return f.snapshot(d.Attempt)
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

// follower writes a task's log and knows how far each attempt's was written.
type follower struct {
	n    *node
	id   queue.ID
	only uint32 // one attempt; 0 is all
	w    io.Writer
	sent map[uint32]int64
}

// ended writes what is left of the attempts that have ended.
func (f *follower) ended(ctx context.Context, list []queue.Attempt) error {
	for i := range list {
		a := &list[i]
		if f.only != 0 && a.Number != f.only || f.sent[a.Number] >= a.LogLen {
			continue
		}
		if err := f.copy(ctx, a); err != nil {
			return err
		}
		f.sent[a.Number] = a.LogLen
	}
	return nil
}

func (f *follower) copy(ctx context.Context, a *queue.Attempt) error {
	from := f.sent[a.Number]
	if a.LogBlob == "" {
		// Without a blob the tail is all, unless keeping the blob failed.
		begin := max(0, a.LogLen-int64(len(a.LogTail)))
		_, err := f.w.Write(a.LogTail[min(max(from-begin, 0), int64(len(a.LogTail))):])
		return err
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
	_, err = io.Copy(f.w, r)
	return err
}

// running follows the present attempt.
func (f *follower) running(ctx context.Context, v *queue.View) error {
	if v.State != queue.Received || f.only != 0 && v.Attempt != f.only {
		return nil
	}
	from := f.sent[v.Attempt]
	var err error
	if v.Worker == f.n.folder.NodeID() {
		from, err = f.n.live.follow(ctx, f.id, v.Attempt, from, f.w)
	} else if addr := f.n.addrOf(v.Worker); addr != "" {
		from, err = f.n.followElsewhere(ctx, addr, logRequest{ID: f.id, Attempt: v.Attempt, From: from}, f.w)
	}
	f.sent[v.Attempt] = from
	return err
}

// snapshot writes what a running attempt has said on this node so far.
func (f *follower) snapshot(attempt uint32) error {
	if f.only != 0 && attempt != f.only {
		return nil
	}
	_, err := f.w.Write(f.n.live.now(f.id, attempt))
	return err
}
