package cluster

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkThreeServers is the wait of one caller at the leader and at a
// follower, and the rate of many callers spread over all, with three servers
// in one process on one disk.
func BenchmarkThreeServers(b *testing.B) {
	start := func(b *testing.B) servers {
		var c servers
		for i := range 3 {
			s := &server{t: b, dir: b.TempDir(), name: "n" + strconv.Itoa(i), void: &void{}}
			if i > 0 {
				s.cfg.Join = []string{c[0].addr}
			}
			if err := s.start(); err != nil {
				b.Fatal(err)
			}
			b.Cleanup(s.stop)
			c = append(c, s)
		}
		c.waitVoters(3)
		return c
	}
	cmd := make([]byte, 250)
	lone := func(b *testing.B, n *Node) {
		times := make([]time.Duration, 0, 1<<16)
		for b.Loop() {
			began := time.Now()
			_, index, err := n.Propose(context.Background(), cmd)
			if err == nil {
				err = n.WaitIndex(context.Background(), index)
			}
			if err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
	}
	b.Run("leader", func(b *testing.B) { lone(b, start(b).leader().Node) })
	b.Run("follower", func(b *testing.B) { lone(b, start(b).follower().Node) })
	b.Run("read-follower", func(b *testing.B) {
		f := start(b).follower()
		for b.Loop() {
			if _, err := f.ReadIndex(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers-1024", func(b *testing.B) {
		c := start(b)
		var left atomic.Int64
		left.Store(int64(b.N))
		b.ResetTimer()
		var work sync.WaitGroup
		for i := range 1024 {
			work.Go(func() {
				for left.Add(-1) >= 0 {
					if _, _, err := c[i%3].Propose(context.Background(), cmd); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		work.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cmds/s")
	})
}
