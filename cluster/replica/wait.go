package replica

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// waiters are those who wait for tasks to end.
type waiters struct {
	count  atomic.Int64
	mu     *sync.Mutex
	byTask map[queue.ID][]chan struct{}
}

func newWaiters() waiters {
	return waiters{mu: &sync.Mutex{}, byTask: map[queue.ID][]chan struct{}{}}
}

// ended wakes those who wait for what an entry ended. It costs next to nothing
// while nobody waits.
func (w *waiters) ended(moves []state.Move) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range moves {
		if moves[i].To.Final() {
			w.wake(moves[i].ID)
		}
	}
}

func (w *waiters) wake(id queue.ID) {
	for _, c := range w.byTask[id] {
		close(c)
	}
	delete(w.byTask, id)
}

// all wakes everybody, to look again.
func (w *waiters) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.byTask {
		w.wake(id)
	}
}

func (w *waiters) add(id queue.ID) chan struct{} {
	c := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Add(1)
	w.byTask[id] = append(w.byTask[id], c)
	return c
}

func (w *waiters) leave(id queue.ID, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.Add(-1)
	list := w.byTask[id]
	for i := range list {
		if list[i] == c {
			w.byTask[id] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(w.byTask[id]) == 0 {
		delete(w.byTask, id)
	}
}

// WaitTask returns nil when the task has ended or is not known to the applied
// state, or ctx's error.
func (r *Replica) WaitTask(ctx context.Context, id queue.ID) error {
	return r.wait(ctx, id, func() bool { return r.Machine().Alive(id) })
}

func (r *Replica) wait(ctx context.Context, id queue.ID, alive func() bool) error {
	for {
		c := r.waiters.add(id)
		if !alive() {
			r.waiters.leave(id, c)
			return nil
		}
		select {
		case <-c:
			r.waiters.leave(id, c)
		case <-ctx.Done():
			r.waiters.leave(id, c)
			return ctx.Err()
		}
	}
}
