package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestReaders_seeWholeEntries: whatever is cut, written and swept meanwhile, a
// scan sees the state after one entry, and nobody goes back in time.
func TestReaders_seeWholeEntries(t *testing.T) {
	o := small(t.TempDir())
	o.Window = time.Millisecond
	o.MaxBytes = 50_000
	s := mustOpen(t, o)
	const keys = 40
	write := func(i uint64) {
		s.Begin()
		for k := range keys {
			if (i+uint64(k))%5 == 0 {
				s.Delete(fmt.Appendf(nil, "p/%d", k))
			} else {
				s.Put(fmt.Appendf(nil, "p/%d", k), fmt.Appendf(bytes.Repeat([]byte{'v'}, 500), "/%d", i))
			}
		}
		s.Put([]byte("q"), fmt.Append(nil, i))
		s.Applied(i, 1, int64(i)*1e8)
	}
	write(1)
	var stop atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var last uint64
			for !stop.Load() {
				var seen uint64
				n := 0
				err := s.Scan([]byte("p/"), nil, rand.IntN(2) == 0, func(k, v []byte) bool {
					var i uint64
					if _, err := fmt.Sscan(string(v[501:]), &i); err != nil || seen != 0 && i != seen {
						t.Errorf("%s is of entry %d, others are of %d, %v", k, i, seen, err)
					}
					seen = i
					n++
					return true
				})
				if err != nil || n != keys-keys/5 || seen < last {
					t.Errorf("%d keys of entry %d after %d, %v", n, seen, last, err)
					return
				}
				last = seen
				v, err := s.Get([]byte("q"))
				var i uint64
				if _, e := fmt.Sscan(string(v), &i); err != nil || e != nil || i < last {
					t.Errorf("q is of %q after %d, %v", v, last, err)
					return
				}
			}
		})
	}
	readers.Go(func() {
		for !stop.Load() {
			if _, _, err := s.WriteSnapshot(t.Context(), io.Discard); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := uint64(2); i < 1500; i++ {
		write(i)
	}
	stop.Store(true)
	readers.Wait()
}

func TestFault_isForGoodAndLetsGo(t *testing.T) {
	told := make(chan error, 2)
	o := small(t.TempDir())
	o.MaxBytes = 1000
	o.Failed = func(err error) { told <- err }
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	entry(s, 1, "a", "1")
	mustCheckpoint(t, s)
	if err := s.db.Close(); err != nil { // as if the disk were gone
		t.Fatal(err)
	}
	for i := uint64(2); i < 10; i++ {
		entry(s, i, "a", strings.Repeat("2", 900)) // must not wait for ever
	}
	if err := s.Checkpoint(t.Context()); err == nil {
		t.Fatal("a checkpoint without a database")
	}
	if err := <-told; err == nil || s.Health() == nil || errors.Is(s.Health(), ErrNoSpace) {
		t.Fatalf("told %v, health %v", err, s.Health())
	}
	if s.DurableIndex() != 1 || len(told) != 0 {
		t.Fatalf("durable %d, told %d times more", s.DurableIndex(), len(told))
	}
}

func TestClose_waitsForReadersAndLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, err := Open(small(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	entry(s, 1, "a", "1", "b", "2")
	mustCheckpoint(t, s)
	inside, leave := make(chan struct{}), make(chan struct{})
	scanned := make(chan error)
	go func() {
		scanned <- s.Scan([]byte("a"), nil, false, func(_, _ []byte) bool {
			close(inside)
			<-leave
			if _, err := s.Get([]byte("b")); !errors.Is(err, ErrClosed) { // nested, while Close waits
				t.Errorf("Get while closing: %v", err)
			}
			return true
		})
	}()
	<-inside
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	waitFor(t, func() bool {
		s.life.mu.Lock()
		defer s.life.mu.Unlock()
		return s.life.over
	})
	close(leave)
	if err := <-scanned; err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
}

// TestCheckpoint_underLoad: a checkpoint asked for is not starved by those
// that come by themselves.
func TestCheckpoint_underLoad(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 20_000
	s := mustOpen(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := uint64(1); ctx.Err() == nil; i++ {
			entry(s, i, fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
	})
	for range 50 {
		want := s.AppliedIndex()
		mustCheckpoint(t, s)
		if got := s.DurableIndex(); got < want {
			t.Errorf("durable %d, want %d", got, want)
		}
	}
	cancel()
	writer.Wait()
}
