package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Peers is how blobs reach the other servers and come from them.
// All methods may be called at once.
type Peers interface {
	// Others names the other servers that count for a majority.
	Others() []string
	// Need is how many of so many others make a majority of the servers: one
	// less where this node is a server itself.
	Need(others int) int
	// Push gives a blob to a server and returns once it is synced there. The
	// reader must be read within the call.
	Push(ctx context.Context, peer, digest string, size int64, r io.Reader) error
	// Fetch reads a blob from a server; ErrNotFound if it has none.
	Fetch(ctx context.Context, peer, digest string) (io.ReadCloser, error)
}

// Replicator holds blobs on a majority and fetches those that are missing here.
type Replicator struct {
	Local *Store
	peers Peers
	log   *slog.Logger
	// limit bounds a fetched blob.
	limit int64
	pause pauses

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu     sync.Mutex
	closed bool // no task starts any more
	wanted map[string]struct{}
	// transfers are the blobs on their way here.
	transfers map[string]*transfer
	wake      chan struct{}
}

// pauses are how long to wait before trying again, growing from least to most,
// and how long a push goes on after the majority has the blob.
type pauses struct{ least, most, late time.Duration }

// NewReplicator starts one; it fetches in the background until Close. No blob
// is larger than limit.
func NewReplicator(local *Store, peers Peers, limit int64, log *slog.Logger) *Replicator {
	return newReplicator(local, peers, limit, log, pauses{least: 50 * time.Millisecond, most: 5 * time.Second, late: 30 * time.Second})
}

func newReplicator(local *Store, peers Peers, limit int64, log *slog.Logger, p pauses) *Replicator {
	r := &Replicator{Local: local, peers: peers, log: log, limit: limit, pause: p,
		wanted: map[string]struct{}{}, transfers: map[string]*transfer{}, wake: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	local.onDamaged = func(digest string) { r.Want(digest) }
	r.start(r.fetcher)
	return r
}

// start runs a task that Close waits for; false after Close.
func (r *Replicator) start(task func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.tasks.Go(task)
	return true
}

// Close stops pushes and fetches and waits for them.
func (r *Replicator) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.tasks.Wait()
}

// Put stores a blob here and returns when a majority of servers has it synced,
// this node counted if it is one. The remaining ones get it in the background. On
// error the blob may be on some servers; nothing refers to it, so that it is
// swept.
func (r *Replicator) Put(ctx context.Context, rd io.Reader, want string, limit int64) (Info, error) {
	info, err := r.Local.Put(ctx, rd, want, limit)
	if err != nil {
		return Info{}, err
	}
	return info, r.Ensure(ctx, info.Digest)
}

// Ensure returns when a majority of servers has a blob that is here.
func (r *Replicator) Ensure(ctx context.Context, digest string) error {
	info, err := r.Local.Stat(digest)
	if err != nil {
		return err
	}
	others := r.peers.Others()
	need := r.peers.Need(len(others))
	if need == 0 {
		return nil
	}
	held := make(chan error, len(others))
	late, done := context.WithCancel(r.ctx)
	started := r.start(func() {
		defer done()
		var pushes sync.WaitGroup
		for _, peer := range others {
			pushes.Go(func() { held <- r.push(late, peer, info) })
		}
		pushes.Wait()
	})
	if !started {
		done()
		return ErrClosed
	}
	defer time.AfterFunc(r.pause.late, done) // whoever is not reached by then fetches it
	return await(ctx, r.ctx, held, len(others), need)
}

// await counts successes until there are as many as needed, or cannot be.
func await(ctx, closed context.Context, held <-chan error, asked, need int) error {
	var faults error
	for range asked {
		select {
		case err := <-held:
			if err == nil {
				need--
			}
			faults = errors.Join(faults, err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w: %w", ErrNoQuorum, ctx.Err(), faults)
		case <-closed.Done():
			return ErrClosed
		}
		if need == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrNoQuorum, faults)
}

// push gives one blob to one server, again and again until the context ends.
func (r *Replicator) push(ctx context.Context, peer string, info Info) error {
	for pause := r.pause.least; ; pause = min(2*pause, r.pause.most) {
		err := r.pushOnce(ctx, peer, info)
		if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrMismatch) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("push to %s: %w", peer, err)
		case <-time.After(pause):
		}
	}
}

func (r *Replicator) pushOnce(ctx context.Context, peer string, info Info) error {
	f, err := r.Local.Open(info.Digest)
	if err != nil {
		return err
	}
	defer f.Close()
	return r.peers.Push(ctx, peer, info.Digest, info.Size, f)
}
