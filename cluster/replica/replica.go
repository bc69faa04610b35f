// Package replica is one shard on one node: the state machine and the store
// that keeps it, fed by the log and read by everybody. It ties the two
// together, so that a reader finds a task whether it is alive in memory or
// ended on disk, and wakes those who wait for a task to end.
//
// It decides nothing and proposes nothing.
package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
)

// Options say where a replica lives. Store.Cut and Store.Dirty are its own.
type Options struct {
	Shard uint16
	Store store.Options
	// Applied is told each entry's effects, in log order, by the goroutine that
	// applies; it must not block. Nil is nobody.
	Applied func(index uint64, e *state.Effects)
	// BeforeCut is called before a checkpoint is written. Nil is nobody.
	BeforeCut func()
	// Loaded is told of a machine that was loaded, at start or from another
	// node's snapshot, and of the index it stands at, before anybody reads it.
	// Nil is nobody.
	Loaded func(index uint64, m *state.Machine)
	// Values keeps what is too large to travel inline.
	Values Values
	// MaxValue bounds what is put together for a task or a reader, bytes; 0 is
	// 64 MiB.
	MaxValue int64
	Logger   *slog.Logger
}

// Replica implements cluster.Shard.
type Replica struct {
	opt Options
	// gate is held while an entry is being applied, so that a reader who found
	// a task neither alive nor ended can wait for the entry that moves it.
	gate sync.RWMutex
	// swap is held while Restore replaces the store; nobody waits for it who is
	// inside the store, since Restore waits for those.
	swap    sync.RWMutex
	now     atomic.Pointer[generation]
	waiters waiters
	graphs  graphs
	lists   lists
	loaded  budget
}

// generation is a machine with its store; a restored snapshot begins another.
type generation struct {
	machine *state.Machine
	store   *store.Store
}

// Open loads a replica from its store, or begins an empty one.
func Open(opt Options) (*Replica, error) {
	r := &Replica{opt: opt, waiters: newWaiters()}
	g, err := r.open()
	if err != nil {
		return nil, err
	}
	r.now.Store(g)
	return r, nil
}

func (r *Replica) open() (*generation, error) {
	g := &generation{}
	opt := r.opt.Store
	opt.Cut = func() {
		if r.opt.BeforeCut != nil {
			r.opt.BeforeCut()
		}
		g.machine.Cut()
	}
	opt.Dirty = func() int { return g.machine.DirtyBytes() }
	s, err := store.Open(opt)
	if err != nil {
		return nil, err
	}
	g.store = s
	g.machine = state.New(r.opt.Shard, s)
	scan := func(prefix []byte, fn func(key, value []byte) error) error { return s.Load([][]byte{prefix}, fn) }
	if err := g.machine.Load(scan); err != nil {
		return nil, fmt.Errorf("load the state machine: %w", closing(s, err))
	}
	if r.opt.Loaded != nil {
		r.opt.Loaded(s.AppliedIndex(), g.machine)
	}
	return g, nil
}

func closing(c io.Closer, err error) error {
	if e := c.Close(); e != nil {
		return fmt.Errorf("%w (and closing failed: %w)", err, e)
	}
	return err
}

// Machine is the present state machine, for its views. It may be replaced when
// a snapshot is installed, so it is asked for anew each time.
func (r *Replica) Machine() *state.Machine { return r.now.Load().machine }

// Store is the present store.
func (r *Replica) Store() *store.Store { return r.now.Load().store }

// Apply implements cluster.Shard.
func (r *Replica) Apply(index, term uint64, entry []byte) []command.Result {
	g := r.now.Load()
	if index <= g.store.AppliedIndex() {
		return nil
	}
	r.gate.Lock()
	g.store.Begin()
	out := g.machine.Apply(index, entry)
	g.store.Publish(index, term, g.machine.Now())
	r.gate.Unlock()
	r.waiters.ended(out.Effects.Moves)
	if r.opt.Applied != nil {
		r.opt.Applied(index, &out.Effects)
	}
	g.store.Wait() // for the disk, without keeping readers from the gate
	return out.Results
}

// AppliedIndex implements cluster.Shard.
func (r *Replica) AppliedIndex() uint64 { return r.Store().AppliedIndex() }

// DurableIndex implements cluster.Shard.
func (r *Replica) DurableIndex() uint64 { return r.Store().DurableIndex() }

// Checkpoint implements cluster.Shard.
func (r *Replica) Checkpoint(ctx context.Context) error { return r.Store().Checkpoint(ctx) }

// WriteSnapshot implements cluster.Shard.
func (r *Replica) WriteSnapshot(ctx context.Context, w io.Writer) (index, term uint64, err error) {
	return r.Store().WriteSnapshot(ctx, w)
}

// Restore implements cluster.Shard. Readers who meet the store while it is
// replaced wait for the new one. Where the new one cannot be opened there is
// nothing to go on with, and the node is told to stop.
func (r *Replica) Restore(snapshot io.Reader) error {
	if err := store.Restore(r.opt.Store.Dir, snapshot); err != nil {
		return err
	}
	r.swap.Lock()
	defer r.swap.Unlock()
	if err := r.Store().Close(); err != nil {
		r.opt.Logger.Warn("the replaced store did not close well", "err", err)
	}
	g, err := r.open()
	if err != nil {
		err = fmt.Errorf("open the restored state: %w", err)
		if r.opt.Store.Failed != nil {
			r.opt.Store.Failed(err)
		}
		return err
	}
	r.gate.Lock()
	r.now.Store(g)
	r.gate.Unlock()
	r.waiters.all()
	return nil
}

// steady reads, and reads once more where Restore closed the store under the
// reader, as soon as the new one is there.
func (r *Replica) steady(read func() error) error {
	for {
		was := r.now.Load()
		err := read()
		if !errors.Is(err, store.ErrClosed) {
			return err
		}
		r.swap.RLock()
		same := r.now.Load() == was
		r.swap.RUnlock()
		if same {
			return err
		}
	}
}

// Close writes what is applied and closes the store.
func (r *Replica) Close() error {
	r.waiters.all()
	return r.Store().Close()
}

// Time implements cluster.Shard.
func (r *Replica) Time() int64 { return r.Machine().Now() }
