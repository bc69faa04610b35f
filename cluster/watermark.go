package cluster

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
)

// watermark lets goroutines wait until the applied index has reached an entry.
type watermark struct {
	current func() uint64 // the applied index
	waiting atomic.Int64  // so that advance costs nothing when nobody waits

	mu      sync.Mutex
	waiters waiterHeap
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
	for now := w.current(); len(w.waiters) > 0 && w.waiters[0].index <= now; {
		close(heap.Pop(&w.waiters).(*waiter).done)
		w.waiting.Add(-1)
	}
}

func (w *watermark) wait(ctx context.Context, index uint64) error {
	if w.current() >= index {
		return nil
	}
	me := &waiter{index: index, done: make(chan struct{})}
	w.mu.Lock()
	w.waiting.Add(1) // before current is read again, so that advance cannot miss it
	heap.Push(&w.waiters, me)
	w.mu.Unlock()
	w.advance()
	select {
	case <-me.done:
		return nil
	case <-ctx.Done():
		w.leave(me)
		return context.Cause(ctx)
	}
}

func (w *watermark) leave(me *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiters {
		if other == me {
			heap.Remove(&w.waiters, i)
			w.waiting.Add(-1)
			return
		}
	}
}

type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].index < h[j].index }
func (h waiterHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *waiterHeap) Push(x any)        { *h = append(*h, x.(*waiter)) }
func (h *waiterHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return x
}
