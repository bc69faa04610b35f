package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Want asks for blobs that something refers to; the fetcher passes over those
// that are here already. It is cheap, touches no disk and may be told of the
// same one often.
func (r *Replicator) Want(digests ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range digests {
		r.wanted[d] = struct{}{}
	}
	if len(r.wanted) > 0 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Forget takes back a Want: nothing refers to the blob any more.
func (r *Replicator) Forget(digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.wanted, digest)
}

// Wanted lists the blobs that are referred to and, as far as anybody has looked,
// not here, sorted.
func (r *Replicator) Wanted() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]string, 0, len(r.wanted))
	for d := range r.wanted {
		list = append(list, d)
	}
	slices.Sort(list)
	return list
}

// Open reads a blob, verified, fetching it first where it is not here or found
// damaged before.
func (r *Replicator) Open(ctx context.Context, digest string) (io.ReadCloser, int64, error) {
	rd, size, err := r.Local.Verified(digest)
	if !errors.Is(err, ErrNotFound) {
		return rd, size, err
	}
	if err := r.Fetch(ctx, digest); err != nil {
		return nil, 0, err
	}
	return r.Local.Verified(digest)
}

// Fetch brings a blob here from whichever server has it. Those who ask for the
// same one at once share one transfer, which goes on when they give up.
func (r *Replicator) Fetch(ctx context.Context, digest string) error {
	if r.Local.Has(digest) {
		r.Forget(digest)
		return nil
	}
	t := r.join(digest)
	if t == nil {
		return ErrClosed
	}
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		return fmt.Errorf("fetch %s: %w", digest, ctx.Err())
	}
}

// transfer is one blob on its way here; err is set before done closes.
type transfer struct {
	done chan struct{}
	err  error
}

// join finds the transfer of a blob or starts it; nil after Close.
func (r *Replicator) join(digest string) *transfer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.transfers[digest]; t != nil || r.closed {
		return t
	}
	t := &transfer{done: make(chan struct{})}
	r.transfers[digest] = t
	r.tasks.Go(func() {
		t.err = r.fetch(r.ctx, digest)
		r.mu.Lock()
		delete(r.transfers, digest)
		r.mu.Unlock()
		close(t.done)
	})
	return t
}

func (r *Replicator) fetch(ctx context.Context, digest string) error {
	faults := fmt.Errorf("%w: %s", ErrNotFound, digest)
	for _, peer := range r.peers.Others() {
		err := r.fetchFrom(ctx, peer, digest)
		if err == nil {
			r.Forget(digest)
			return nil
		}
		if !errors.Is(err, ErrNotFound) {
			faults = errors.Join(faults, fmt.Errorf("fetch from %s: %w", peer, err))
		}
	}
	return faults
}

func (r *Replicator) fetchFrom(ctx context.Context, peer, digest string) error {
	rd, err := r.peers.Fetch(ctx, peer, digest)
	if err != nil {
		return err
	}
	defer rd.Close()
	_, err = r.Local.Put(ctx, rd, digest, r.limit)
	return err
}

// fetcher brings what is wanted, one blob after the other. It sleeps without a
// timer while nothing is.
func (r *Replicator) fetcher() {
	pause := r.pause.least
	for {
		list := r.Wanted()
		var again <-chan time.Time
		if len(list) > 0 {
			if r.fetchAll(list) {
				pause = r.pause.least
			} else {
				pause = min(2*pause, r.pause.most)
			}
			if len(r.Wanted()) > 0 {
				again = time.After(pause)
			}
		}
		select {
		case <-r.ctx.Done():
			return
		case <-again:
		case <-r.wake:
		}
	}
}

// fetchAll tries each blob once and reports whether one came. What is here is
// struck off first, since one that is not may take long.
func (r *Replicator) fetchAll(list []string) (came bool) {
	list = slices.DeleteFunc(list, func(d string) bool {
		here := r.Local.Has(d)
		if here {
			r.Forget(d)
		}
		return here
	})
	for _, d := range list {
		if r.ctx.Err() != nil {
			return came
		}
		if err := r.Fetch(r.ctx, d); err != nil {
			r.log.Debug("a blob is not to be had yet", "digest", d, "error", err)
			continue
		}
		came = true
	}
	return came
}
