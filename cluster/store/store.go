package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// Errors of a store. ErrNoSpace in Health passes by itself once there is room.
var (
	ErrNotFound = errors.New("not found")
	ErrClosed   = errors.New("the store is closed")
	ErrNoSpace  = errors.New("no space for a checkpoint")
)

// Store is one node's records on disk and what is on its way there.
//
// One goroutine applies: for each log entry it calls Begin, then Put, Delete
// and Expire as often as it likes, then Applied (or Publish, and Wait). All other methods may be
// called from anywhere.
type Store struct {
	opt  Options
	log  *slog.Logger
	db   *badger.DB
	wal  *walFiles
	room *reserve

	// turn is the exclusion of entries and cuts: whoever has put a token in
	// holds it.
	turn chan struct{}
	// pending, expiring and arena belong to the holder of the turn: what the
	// entry being applied has written so far.
	pending  []record
	expiring []expiry
	arena    arena
	// dirty is what Cut would write, as last heard.
	dirty atomic.Int64

	// mu guards the overlay; readers copy from it and never wait for a disk
	// inside.
	mu     sync.RWMutex
	open   *generation
	flight *generation // nil while no checkpoint is being written
	// version is Badger's timestamp of the last whole checkpoint, last its
	// bookkeeping; both are changed by the flusher alone.
	version uint64
	last    meta

	life life

	applied, appliedTerm, durable atomic.Uint64
	fault                         atomic.Pointer[error] // for good
	short                         atomic.Pointer[error] // for now: no space

	slot    chan *generation // a cut generation on its way to the flusher
	wake    chan struct{}    // the open generation got its first entry
	retired chan struct{}    // a checkpoint ended
	quit    chan struct{}
	stopped chan struct{}
	closing sync.Once

	readers views
	sweep   sweeper
	// swept is the time of the last checkpoint, for NextExpiry.
	swept atomic.Int64
}

var _ state.Sink = (*Store)(nil)

// Open opens the store in a directory or makes one. A store that it cannot
// read is left as it is.
func Open(opt Options) (*Store, error) {
	if err := opt.fill(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{
		opt: opt, log: opt.Logger,
		turn: make(chan struct{}, 1), open: newGeneration(0),
		slot: make(chan *generation, 1), wake: make(chan struct{}, 1), retired: make(chan struct{}, 1),
		quit: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := s.openFiles(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", opt.Dir, err)
	}
	go s.flusher()
	return s, nil
}

// Begin starts a log entry: from here to Applied no cut takes place. The
// machine must be changed inside only.
func (s *Store) Begin() { s.turn <- struct{}{} }

// Put implements state.Sink. It copies.
func (s *Store) Put(key, value []byte) {
	mustBeForeign(key)
	if len(value) > maxValue {
		panic(fmt.Sprintf("store: a value of %d bytes under %x", len(value), key[:min(len(key), 64)]))
	}
	s.pending = append(s.pending, record{key: s.arena.copy(key), value: s.arena.copy(value)})
}

// Delete implements state.Sink. It copies.
func (s *Store) Delete(key []byte) {
	mustBeForeign(key)
	s.pending = append(s.pending, record{key: s.arena.copy(key), deleted: true})
}

// Expire implements state.Sink. It is final: the keys go even if they were
// written anew meanwhile.
func (s *Store) Expire(shard uint16, at int64, id queue.ID, attempts uint32) {
	s.expiring = append(s.expiring, expiry{minute: dueMinute(at), shard: shard, attempts: attempts, id: id})
}

// ExpireRun implements state.Sink. It is final as Expire is.
func (s *Store) ExpireRun(shard uint16, at int64, id queue.ID, tasks uint32) {
	s.expiring = append(s.expiring, expiry{minute: dueMinute(at), shard: shard, attempts: tasks, id: id, run: true})
}

// Applied ends a log entry, now being the machine's time. What the entry wrote
// becomes readable in one step. It begins a checkpoint when it is time for
// one, and blocks while too much waits for the disk. It is Publish and Wait.
func (s *Store) Applied(index, term uint64, now int64) {
	s.Publish(index, term, now)
	s.Wait()
}

// Publish is Applied without the wait, for a caller that holds a lock which
// readers want: on a full disk the wait is long.
func (s *Store) Publish(index, term uint64, now int64) {
	defer s.endTurn()
	first := s.publish(func(g *generation) {
		g.index, g.term, g.time = index, term, now
		if g.opened.IsZero() {
			g.opened = s.opt.now()
		}
	})
	s.applied.Store(index)
	s.appliedTerm.Store(term)
	if s.opt.Dirty != nil {
		s.dirty.Store(int64(s.opt.Dirty()))
	}
	if first {
		signal(s.wake)
	}
	if s.due() {
		s.cut()
	}
}

// Wait blocks the applying goroutine, before its next Begin, while too much
// waits for the disk.
func (s *Store) Wait() {
	for s.pressed() {
		select {
		case <-s.retired:
		case <-s.stopped:
			return
		}
	}
}

// AppliedIndex is the index of the last entry, or at start of the last one on
// disk.
func (s *Store) AppliedIndex() uint64 { return s.applied.Load() }

// AppliedTerm is the term of the entry that AppliedIndex names.
func (s *Store) AppliedTerm() uint64 { return s.appliedTerm.Load() }

// DurableIndex is an index up to which everything is on disk, synced. The log
// may be truncated up to it and not further.
func (s *Store) DurableIndex() uint64 { return s.durable.Load() }

// Health is nil, or what keeps checkpoints from being written: ErrNoSpace
// passes when there is room again, any other error is for good.
func (s *Store) Health() error {
	if p := s.fault.Load(); p != nil {
		return *p
	}
	if p := s.short.Load(); p != nil {
		return *p
	}
	return nil
}

// Checkpoint writes all that is applied and returns when it is synced. It must
// not be called between Begin and Applied, nor from Cut.
func (s *Store) Checkpoint(ctx context.Context) error {
	target := s.applied.Load()
	for s.durable.Load() < target {
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stopped:
			return s.gone()
		}
		s.cut() // does nothing while another one is in flight
		done := s.inFlight()
		s.endTurn()
		if done == nil {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stopped:
			return s.gone()
		}
	}
	return nil
}

// Close writes what is applied, if the disk lets it, and closes the files. The
// applying goroutine must have stopped.
func (s *Store) Close() error {
	err := ErrClosed
	s.closing.Do(func() { err = s.close() })
	return err
}

// closePatience is how long Close tries to write the last checkpoint: the log
// has it all.
const closePatience = 5 * time.Second

func (s *Store) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	if err := s.Checkpoint(ctx); err != nil {
		s.log.Warn("the last checkpoint was not written; the log has it", "dir", s.opt.Dir, "error", err)
	}
	close(s.quit)
	<-s.stopped
	s.life.end()
	if err := s.closeFiles(); err != nil {
		return fmt.Errorf("close store %s: %w", s.opt.Dir, err)
	}
	return nil
}

// gone says why there is no flusher any more.
func (s *Store) gone() error {
	if p := s.fault.Load(); p != nil {
		return *p
	}
	return ErrClosed
}

func (s *Store) endTurn() { <-s.turn }

// signal leaves one token in a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
