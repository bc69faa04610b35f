package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestWatermark lets many wait for indexes while one goroutine goes through
// them; each must be woken, and not before its turn.
func TestWatermark(t *testing.T) {
	const last = 2000
	var now atomic.Uint64
	w := &watermark{current: now.Load}
	var work sync.WaitGroup
	for i := range 50 {
		work.Go(func() {
			for index := uint64(i + 1); index <= last; index += 37 {
				if err := w.wait(within(t), index); err != nil {
					t.Errorf("wait for %d: %v", index, err)
				}
				if at := now.Load(); at < index {
					t.Errorf("woken for %d at %d", index, at)
				}
			}
		})
	}
	for range last {
		now.Add(1)
		w.advance()
	}
	work.Wait()
	if n := len(w.waiters); n > 0 || w.waiting.Load() != 0 {
		t.Errorf("%d are left waiting, %d are counted", n, w.waiting.Load())
	}
}

func TestWatermarkGivenUp(t *testing.T) {
	w := &watermark{current: func() uint64 { return 3 }}
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	if err := w.wait(ctx, 4); !errors.Is(err, reason) {
		t.Errorf("gave up with %v", err)
	}
	if err := w.wait(ctx, 3); err != nil {
		t.Errorf("what is there already: %v", err)
	}
	if len(w.waiters) != 0 || w.waiting.Load() != 0 {
		t.Error("the waiter is still there")
	}
}
