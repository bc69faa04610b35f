package store

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"
)

// taskKey looks as the machine's keys do.
func taskKey(kind byte, n uint64) []byte {
	k := []byte{0, 0, kind}
	k = binary.BigEndian.AppendUint64(k, n>>8)
	return binary.BigEndian.AppendUint64(k, n*0x9e3779b97f4a7c15)
}

// BenchmarkPut is what the applying goroutine pays a record, entries of 500.
func BenchmarkPut(b *testing.B) {
	o := small(b.TempDir())
	o.MaxBytes = 1 << 40
	s := mustOpen(b, o)
	value := make([]byte, 200)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		if n%500 == 0 {
			s.Begin()
		}
		n++
		s.Put(taskKey('s', n), value)
		if n%500 == 0 {
			s.Applied(n, 1, 0)
		}
		if n%20_000 == 0 { // a checkpoint's worth: begin anew without a disk
			s.mu.Lock()
			s.open = newGeneration(len(s.open.records))
			s.mu.Unlock()
		}
	}
	if n%500 != 0 {
		s.Applied(n, 1, 0)
	}
}

// BenchmarkCheckpoint is what one synced checkpoint of so many records costs.
func BenchmarkCheckpoint(b *testing.B) {
	for _, mt := range []int64{32, 64, 128} {
		for _, keys := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("memtable=%dMiB/keys=%d", mt, keys), func(b *testing.B) {
				o := small(b.TempDir())
				o.MemTable = mt << 20
				o.MaxBytes = 1 << 30
				s := mustOpen(b, o)
				value := make([]byte, 200)
				n := uint64(0)
				var worst time.Duration
				for b.Loop() {
					s.Begin()
					for range keys {
						n++
						s.Put(taskKey('s', n), value)
					}
					s.Applied(n, 1, 0)
					start := time.Now()
					mustCheckpoint(b, s)
					worst = max(worst, time.Since(start))
				}
				b.ReportMetric(float64(b.N*keys)/b.Elapsed().Seconds(), "keys/s")
				b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
			})
		}
	}
}

// BenchmarkTombstone compares a delete of what never came to Badger with and
// without the question whether it did.
func BenchmarkPresent(b *testing.B) {
	o := small(b.TempDir())
	o.MemTable = 64 << 20
	o.MaxBytes = 3 << 20
	s := mustOpen(b, o)
	value := make([]byte, 200)
	n := uint64(0)
	for range 1000 {
		s.Begin()
		for range 1000 {
			n++
			s.Put(taskKey('s', n), value)
		}
		s.Applied(n, 1, 0)
	}
	mustCheckpoint(b, s)
	for b.Loop() {
		n++
		if s.present(taskKey('s', n)) {
			b.Fatal("present")
		}
	}
}
