package state

import (
	"runtime"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// nowhere is a Sink that keeps nothing.
type nowhere struct{}

func (nowhere) Put([]byte, []byte)                     {}
func (nowhere) Delete([]byte)                          {}
func (nowhere) Expire(uint16, int64, queue.ID, uint32) {}

func (nowhere) ExpireRun(uint16, int64, queue.ID, uint32) {}

// fillWith submits n tasks in entries of 500.
func fillWith(m *Machine, n int, countdown int64) (index uint64) {
	m.Apply(1, firstEntry())
	index = 1
	base := queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}
	payload := (&queue.Payload{Input: []byte(`{"n":1}`)}).Append(nil)
	for done := 0; done < n; {
		c := command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}
		for range min(command.MaxSubmit, n-done) {
			c.List = append(c.List, command.Call{ID: base.Plus(uint32(done)), Countdown: countdown, Payload: payload})
			done++
		}
		index++
		m.Apply(index, entryOf(1e18, &command.Submit{Namespace: "default", Calls: c}))
	}
	return index
}

// BenchmarkMillionTimersDue reports the longest Apply while a million tasks
// whose time has come are made ready.
func BenchmarkMillionTimersDue(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		m := New(0, nowhere{})
		index := fillWith(m, 1_000_000, 1e9)
		m.Cut()
		b.StartTimer()
		var longest time.Duration
		entries := 0
		for {
			due, ok := m.Due()
			if !ok || due > 1e18+1e9 {
				break
			}
			index++
			entries++
			start := time.Now()
			m.Apply(index, entryOf(1e18+1e9, &command.Continue{}))
			longest = max(longest, time.Since(start))
			m.Cut()
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms-longest-apply")
		b.ReportMetric(float64(entries), "entries")
	}
}

// BenchmarkWaitingTask reports the memory of one waiting task.
func BenchmarkWaitingTask(b *testing.B) {
	const n = 1_000_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := New(0, nowhere{})
		fillWith(m, n, 0)
		m.Cut()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/task")
		runtime.KeepAlive(m)
	}
}

// BenchmarkApply is a task's way through the machine: 64 submissions in one
// entry, their 64 completions in the next.
func BenchmarkApply(b *testing.B) {
	m := New(0, nowhere{})
	m.Apply(1, firstEntry())
	s := m.Apply(2, entryOf(1e18, &command.OpenSession{Worker: "w"})).Effects.Opened[0]
	m.Apply(3, entryOf(1e18, &command.SetLimit{Session: s, Seq: 1, Running: 64}))
	id := queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}
	payload := (&queue.Payload{Input: []byte(`{"n":1}`)}).Append(nil)
	index := uint64(3)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n += 64
		submit := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}}
		for range 64 {
			id = id.Plus(1)
			submit.Calls.List = append(submit.Calls.List, command.Call{ID: id, Payload: payload})
		}
		index++
		a := m.Apply(index, entryOf(1e18, submit))
		done := &command.Complete{Session: s}
		for _, x := range a.Effects.Assigned {
			done.Results = append(done.Results, command.TaskResult{ID: x.ID, Fence: x.Fence, Outcome: queue.Outcome{OK: true, Result: []byte("1")}})
		}
		index++
		m.Apply(index, entryOf(1e18, done))
		m.Cut()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/task")
}
