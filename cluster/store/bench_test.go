package store

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// BenchmarkPresent is the question whether a key that never came to Badger is
// there, which spares a tombstone.
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

// BenchmarkLarge is what a store of a million records of 200 bytes costs at
// start and on its way to another node. Run it with -benchtime 1x.
func BenchmarkLarge(b *testing.B) {
	const keys = 1_000_000
	o := small(b.TempDir())
	o.MemTable = 64 << 20
	o.MaxBytes = 3 << 20
	s := mustOpen(b, o)
	value := make([]byte, 200)
	n := uint64(0)
	for n < keys {
		s.Begin()
		for range 1000 {
			n++
			s.Put(taskKey('s', n), value)
		}
		s.Applied(n, 1, 0)
	}
	mustCheckpoint(b, s)
	mustClose(b, s)
	snapshot := filepath.Join(b.TempDir(), "snapshot")
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			mustClose(b, mustOpen(b, o))
		}
	})
	s = mustOpen(b, o)
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			got := 0
			if err := s.Load([][]byte{{0, 0, 's'}}, func(_, _ []byte) error { got++; return nil }); err != nil || got != keys {
				b.Fatal(got, err)
			}
		}
	})
	b.Run("WriteSnapshot", func(b *testing.B) {
		for b.Loop() {
			f, err := os.Create(snapshot)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := s.WriteSnapshot(b.Context(), f); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(must(f.Seek(0, io.SeekCurrent))(b)>>20), "MiB")
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Restore", func(b *testing.B) {
		for b.Loop() {
			f := must(os.Open(snapshot))(b)
			if err := Restore(b.TempDir(), f); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
	})
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// BenchmarkScanOneTask reads the attempts of one task out of a full overlay.
func BenchmarkScanOneTask(b *testing.B) {
	o := small(b.TempDir())
	o.MaxBytes = 1 << 30
	s := mustOpen(b, o)
	value := make([]byte, 100)
	s.Begin()
	for n := range uint64(5000) {
		for _, kind := range []byte("fira") {
			s.Put(taskKey(kind, n), value)
		}
	}
	s.Applied(1, 1, 0)
	for b.Loop() {
		got := 0
		if err := s.Scan(taskKey('a', 77), nil, false, func(_, _ []byte) bool { got++; return true }); err != nil || got != 1 {
			b.Fatal(got, err)
		}
	}
}
