package main

import (
	"context"
	"io"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/queue"
)

// TaskLog implements api.Logs: the whole log of each attempt that has ended,
// and of one that runs what its worker has said so far.
func (n *node) TaskLog(ctx context.Context, namespace string, id queue.ID, attempt uint32, follow bool, w io.Writer) error {
	written := map[uint32]bool{}
	for {
		d, ok, err := n.replica.Task(namespace, id)
		if err != nil {
			return err
		}
		if !ok {
			return api.ErrNotFound
		}
		for i := range d.Attempts {
			a := &d.Attempts[i]
			if written[a.Number] || attempt != 0 && a.Number != attempt {
				continue
			}
			written[a.Number] = true
			if err := n.copyLog(ctx, a, w); err != nil {
				return err
			}
		}
		if !follow || d.State.Final() {
			return nil
		}
		if err := n.WaitTask(ctx, namespace, id); err != nil {
			return err
		}
	}
}

func (n *node) copyLog(ctx context.Context, a *queue.Attempt, w io.Writer) error {
	if a.LogBlob == "" {
		_, err := w.Write(a.LogTail)
		return err
	}
	r, _, err := n.blobs.Open(ctx, a.LogBlob)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}
