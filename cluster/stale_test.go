package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// cut ends what a node's Raft says to the others, as a broken network would;
// mend lets it speak again. It still hears, and its callers' requests pass.
func (s *server) cut() { s.transport.stream.mute() }

func (s *server) mend() {
	s.transport.stream.mu.Lock()
	defer s.transport.stream.mu.Unlock()
	s.transport.stream.muted = false
}

// TestReadsAreNeverStale reads everywhere while leaders are cut off that do not
// know it yet. A read must show what was acknowledged anywhere before it began.
func TestReadsAreNeverStale(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stop := make(chan struct{})
	stopped := func() bool {
		select {
		case <-stop:
			return true
		default:
			return ctx.Err() != nil
		}
	}
	var acked atomic.Uint64 // the newest acknowledged entry
	var reads atomic.Int64
	var work sync.WaitGroup
	for i := range 9 {
		s := c[i%3]
		work.Go(func() {
			for k := 0; !stopped(); k++ {
				_, index, err := s.Propose(ctx, []byte(fmt.Sprint(i, "-", k)))
				if err != nil && !errors.Is(err, ErrUnknownOutcome) && ctx.Err() == nil {
					t.Error(err)
				}
				for old := acked.Load(); err == nil && index > old && !acked.CompareAndSwap(old, index); {
					old = acked.Load()
				}
			}
		})
		work.Go(func() {
			for !stopped() {
				before := acked.Load()
				if _, err := s.ReadIndex(ctx); err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				if now := s.AppliedIndex(); now < before {
					t.Errorf("%s showed entry %d, %d was acknowledged before", s.name, now, before)
					return
				}
				reads.Add(1)
			}
		})
	}
	for range 3 {
		old := c.leader()
		old.cut()
		eventually(t, "another leads", func() bool {
			for _, s := range c {
				if l, _ := s.Leadership(); s != old && l.Self {
					return true
				}
			}
			return false
		})
		old.mend()
		want, entries := reads.Load()+300, acked.Load()+30
		eventually(t, "reads and writes go on", func() bool { return reads.Load() >= want && acked.Load() >= entries })
	}
	close(stop)
	work.Wait()
	c.same()
	t.Logf("%d reads up to entry %d", reads.Load(), acked.Load())
}
