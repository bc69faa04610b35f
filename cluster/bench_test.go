package cluster

import (
	"context"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
)

// void is a Shard that does nothing but count, so that only the log is measured.
type void struct{ applied atomic.Uint64 }

func (v *void) Apply(index, _ uint64, entry []byte) []command.Result {
	_, cmds, err := splitBatch(entry)
	if err != nil {
		panic(err)
	}
	v.applied.Store(index)
	return make([]command.Result, len(cmds))
}

func (v *void) AppliedIndex() uint64             { return v.applied.Load() }
func (v *void) Time() int64                      { return 0 }
func (v *void) DurableIndex() uint64             { return v.applied.Load() }
func (v *void) Checkpoint(context.Context) error { return nil }
func (v *void) Restore(io.Reader) error          { return nil }
func (v *void) WriteSnapshot(context.Context, io.Writer) (uint64, uint64, error) {
	return v.applied.Load(), 1, nil
}

func startVoid(b *testing.B) *Node {
	s := &server{t: b, dir: b.TempDir(), void: &void{}}
	if err := s.start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.stop)
	s.waitLead()
	return s.Node
}

// BenchmarkLoneCommand is the wait of one caller for one command.
func BenchmarkLoneCommand(b *testing.B) {
	n := startVoid(b)
	cmd := make([]byte, 300)
	times := make([]time.Duration, 0, 1<<16)
	for b.Loop() {
		began := time.Now()
		if _, _, err := n.Propose(context.Background(), cmd); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
}

// BenchmarkManyCallers is the rate of small commands of many callers.
func BenchmarkManyCallers(b *testing.B) {
	for _, callers := range []int{64, 1024, 8192} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			n := startVoid(b)
			cmd := make([]byte, 250)
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var work sync.WaitGroup
			for range callers {
				work.Go(func() {
					for left.Add(-1) >= 0 {
						if _, _, err := n.Propose(context.Background(), cmd); err != nil {
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
}

// BenchmarkReadAlone is the cost of a linearizable read on a lone server.
func BenchmarkReadAlone(b *testing.B) {
	n := startVoid(b)
	for b.Loop() {
		if _, err := n.ReadIndex(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
