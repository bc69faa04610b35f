package cluster

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// watermark lets goroutines wait until the applied index has reached an entry.
type watermark struct {
	current func() uint64 // the applied index
	waiting atomic.Int64  // so that advance costs nothing when nobody waits

	mu      sync.Mutex
	waiters []*waiter // by index
}

type waiter struct {
	index uint64
	done  chan struct{}
}

// advance wakes those whose entry has been applied.
func (w *watermark) advance() {
	if w.waiting.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now, reached := w.current(), 0
	for reached < len(w.waiters) && w.waiters[reached].index <= now {
		close(w.waiters[reached].done)
		reached++
	}
	w.waiters = slices.Delete(w.waiters, 0, reached)
	w.waiting.Add(-int64(reached))
}

func (w *watermark) wait(ctx context.Context, index uint64) error {
	if w.current() >= index {
		return nil
	}
	me := &waiter{index: index, done: make(chan struct{})}
	w.enter(me)
	w.advance()
	select {
	case <-me.done:
		return nil
	case <-ctx.Done():
		w.leave(me)
		return context.Cause(ctx)
	}
}

// enter counts the waiter before wait reads the index again by advance, so
// that no advance can miss it.
func (w *watermark) enter(me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting.Add(1)
	at, _ := slices.BinarySearchFunc(w.waiters, me.index+1, func(o *waiter, index uint64) int {
		return cmp.Compare(o.index, index)
	})
	w.waiters = slices.Insert(w.waiters, at, me)
}

func (w *watermark) leave(me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.waiters, me); i >= 0 {
		w.waiters = slices.Delete(w.waiters, i, i+1)
		w.waiting.Add(-1)
	}
}
