package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkDrain runs tiny commands as fast as one host can: attempts a second.
func BenchmarkDrain(b *testing.B) {
	for _, input := range []int{16, 1024} {
		b.Run(fmt.Sprintf("input-%d", input), func(b *testing.B) {
			h := newHost(b, func(c *Config) { c.Concurrency = 1 })
			m := guest(b, "tiny", KindCommand)
			a := attempt(m, string(make([]byte, 0, input))+`"`+fmt.Sprintf("%0*d", input-2, 7)+`"`)
			run(b, h, a)
			parent, child := processorTime(h)
			b.ResetTimer()
			const outstanding = 1024
			done := make(chan bool, outstanding)
			finished := func(r Result) {
				if !r.Outcome.OK {
					b.Errorf("%+v", r.Outcome.Error)
				}
				done <- true
			}
			for i := range b.N + outstanding {
				if i >= outstanding {
					<-done
				}
				if i < b.N {
					h.Submit(a, finished)
				} else if i < outstanding {
					done <- true
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "attempts/s")
			p, c := processorTime(h)
			b.ReportMetric(float64((p-parent).Nanoseconds())/1e3/float64(b.N), "parent-us")
			b.ReportMetric(float64((c-child).Nanoseconds())/1e3/float64(b.N), "child-us")
		})
	}
}

// BenchmarkRoundTrip is one attempt after the other.
func BenchmarkRoundTrip(b *testing.B) {
	h := newHost(b)
	m := guest(b, "tiny", KindCommand)
	a := attempt(m, `"x"`)
	run(b, h, a)
	for b.Loop() {
		run(b, h, a)
	}
}

// BenchmarkStart is from nothing to the first result of a child: with all
// layers, and without those that come from the child or from the spawn.
func BenchmarkStart(b *testing.B) {
	h := newHost(b)
	all := h.Layers()
	b.Run("all", func(b *testing.B) { benchmarkStart(b, h) })
	bare := newHost(b, func(c *Config) { c.SandboxArgs = append(c.SandboxArgs, all...) })
	b.Run("spawn-layers-only", func(b *testing.B) { benchmarkStart(b, bare) })
	levels := isolations()
	bare.spawner.isolation = levels[len(levels)-1]
	if err := os.RemoveAll(bare.cfg.CacheDir); err != nil { // owned by another user
		b.Fatal(err)
	}
	if err := os.Mkdir(bare.cfg.CacheDir, 0o700); err != nil {
		b.Fatal(err)
	}
	b.Run("none", func(b *testing.B) { benchmarkStart(b, bare) })
}

func benchmarkStart(b *testing.B, h *Host) {
	m := guest(b, "tiny", KindCommand)
	a := attempt(m, `"x"`)
	run(b, h, a)
	var cpu time.Duration
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		h.post(retireAll{})
		untilNone(h)
		b.StartTimer()
		run(b, h, a)
		b.StopTimer()
		_, child := processorTime(h)
		cpu += child
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "child-us")
}

// untilNone waits until no child is left.
func untilNone(h *Host) {
	for n := 1; n > 0; {
		look(h, func(l *loop) { n = len(l.children) })
	}
}

// retireAll ends all children that idle.
type retireAll struct{}

func (retireAll) apply(l *loop) {
	for _, c := range l.children {
		if len(c.sent) == 0 {
			l.retire(c)
		}
	}
}

// processorTime is what this process and its children have used so far. On a
// machine that others use it says more than the clock.
func processorTime(h *Host) (parent, child time.Duration) {
	var own syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	parent = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	look(h, func(l *loop) {
		for _, c := range l.children {
			tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(c.Pid) + "/task/*/schedstat")
			for _, t := range tasks {
				b, _ := os.ReadFile(t)
				var ns int64
				_, _ = fmt.Sscan(string(b), &ns)
				child += time.Duration(ns)
			}
		}
	})
	return parent, child
}
