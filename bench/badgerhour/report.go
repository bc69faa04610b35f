package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// meter gathers durations; it may be used from several goroutines.
type meter struct {
	mu   sync.Mutex
	took []time.Duration
}

func (m *meter) add(d time.Duration) {
	m.mu.Lock()
	m.took = append(m.took, d)
	m.mu.Unlock()
}

// take gives p50, p99 and the worst in milliseconds and starts anew.
func (m *meter) take() string {
	m.mu.Lock()
	took := m.took
	m.took = nil
	m.mu.Unlock()
	if len(took) == 0 {
		return "-"
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%.2f/%.2f/%.1f", ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1]))
}

// report prints one line a minute.
type report struct {
	out                  io.Writer
	dir                  string
	start                time.Time
	last                 time.Time
	done                 uint64
	cpu                  time.Duration
	checkpoints          *meter
	applies, gets, pages meter
}

func newReport(out io.Writer, dir string, checkpoints *meter) *report {
	now := time.Now()
	fmt.Fprintln(out, "times are p50/p99/max in ms")
	fmt.Fprintf(out, "%7s %8s %9s %9s %6s %6s %6s  %-22s %-22s %-20s %s\n", "minute", "tasks/s", "disk MiB", "of it WAL", "anon", "mapped", "CPU %",
		"checkpoint", "apply", "get", "page of 50")
	return &report{out: out, dir: dir, start: now, last: now, checkpoints: checkpoints}
}

func (r *report) print(done uint64) error {
	now := time.Now()
	took := now.Sub(r.last).Seconds()
	disk, wal, err := diskUse(r.dir)
	if err != nil {
		return err
	}
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return err
	}
	cpu := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	anon, file := memory()
	fmt.Fprintf(r.out, "%7.1f %8.0f %9d %9d %6d %6d %6.0f  %-22s %-22s %-20s %s\n", now.Sub(r.start).Minutes(),
		float64(done-r.done)/took, disk>>20, wal>>20, anon>>20, file>>20, 100*(cpu-r.cpu).Seconds()/took,
		r.checkpoints.take(), r.applies.take(), r.gets.take(), r.pages.take())
	r.last, r.done, r.cpu = now, done, cpu
	return nil
}

// diskUse is what the store's files really take, and the memtable logs of it.
func diskUse(dir string) (total, wal int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return skipGone(err)
		}
		i, err := d.Info()
		if err != nil {
			return skipGone(err)
		}
		if st, ok := i.Sys().(*syscall.Stat_t); ok {
			total += st.Blocks * 512
			if filepath.Ext(path) == ".mem" {
				wal += st.Blocks * 512
			}
		}
		return nil
	})
	return total, wal, err
}

func skipGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// memory is what the process really holds: of its own, and of mapped files,
// which the kernel can take back.
func memory() (anon, file int64) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(b) {
		var kib int64
		if n, _ := fmt.Sscanf(string(line), "RssAnon: %d", &kib); n == 1 {
			anon = kib << 10
		}
		if n, _ := fmt.Sscanf(string(line), "RssFile: %d", &kib); n == 1 {
			file = kib << 10
		}
	}
	return anon, file
}
