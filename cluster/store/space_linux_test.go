package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tinyDisk mounts a file system of so many MiB.
func tinyDisk(t *testing.T, mib int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mib)); err != nil {
		t.Skipf("cannot mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// ballast takes all but so many MiB of the disk, until it is removed.
func ballast(t *testing.T, disk string, leave int64) (remove func()) {
	t.Helper()
	free, _, err := diskSpace(disk)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(disk, "ballast")
	if err := allocate(path, os.O_RDWR|os.O_CREATE, free-leave<<20); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFullDisk_losesNothingAndPasses(t *testing.T) {
	disk := tinyDisk(t, 256)
	o := small(filepath.Join(disk, "store"))
	o.Reserve = 16 << 20
	o.MinFree = 64 << 20
	o.LowBytes = 100 << 20
	o.MaxBytes = 1 << 20
	o.Window = time.Millisecond
	s := mustOpen(t, o)
	reserved := filepath.Join(o.Dir, reserveName)
	if _, err := os.Stat(reserved); err != nil {
		t.Fatalf("no reserve: %v", err)
	}
	entry(s, 1, "k1", "v1")
	waitDurable(t, s, 1)
	remove := ballast(t, disk, 20)
	if sp, err := s.FreeSpace(); err != nil || !sp.Low {
		t.Fatalf("%+v, %v", sp, err)
	}

	// The log in use has its blocks; what the next one would need is missing.
	value := strings.Repeat("v", 1000)
	index := uint64(1)
	applied := make(chan uint64)
	go func() {
		defer close(applied)
		for i := range 30 {
			s.Begin()
			for n := range 1000 {
				s.Put(fmt.Appendf(nil, "e%d/%d", i, n), []byte(value))
			}
			s.Applied(index+1, 1, 0)
			index++
		}
	}()
	waitFor(t, func() bool { return s.Health() != nil })
	if !errors.Is(s.Health(), ErrNoSpace) {
		t.Fatalf("health: %v", s.Health())
	}
	if _, err := os.Stat(reserved); err == nil {
		t.Fatal("the reserve was kept")
	}
	durable := s.DurableIndex()
	expect(t, s, "k1", "v1")
	expect(t, s, fmt.Sprintf("e%d/%d", s.AppliedIndex()-2, 999), value)
	select {
	case <-applied:
		t.Fatal("30 MB were applied with nowhere to go")
	case <-time.After(50 * time.Millisecond):
	}
	if s.DurableIndex() != durable {
		t.Fatal("a checkpoint was written without room")
	}

	remove()
	<-applied
	waitDurable(t, s, 31)
	if err := s.Health(); err != nil {
		t.Fatalf("health with room: %v", err)
	}
	entry(s, 32, "k32", "v")
	waitDurable(t, s, 32)
	waitFor(t, func() bool { _, err := os.Stat(reserved); return err == nil })
	mustClose(t, s)
	s = mustOpen(t, o)
	if s.AppliedIndex() != 32 {
		t.Fatalf("applied %d after all", s.AppliedIndex())
	}
	for i := range 30 {
		expect(t, s, fmt.Sprintf("e%d/%d", i, 999), value)
	}
}

// TestFullDisk_toTheLastBlock: as long as what was allocated ahead lasts,
// checkpoints go on where not one block is free; then they wait.
func TestFullDisk_toTheLastBlock(t *testing.T) {
	disk := tinyDisk(t, 128)
	o := small(filepath.Join(disk, "store"))
	o.MinFree = 32 << 20
	s := mustOpen(t, o)
	entry(s, 1, "k", "v")
	mustCheckpoint(t, s)
	remove := ballast(t, disk, 0)
	value := strings.Repeat("v", 100_000)
	last := uint64(1)
	for s.Health() == nil {
		last++
		entry(s, last, fmt.Sprintf("k%d", last), value)
		waitFor(t, func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			return s.Checkpoint(ctx) == nil || s.Health() != nil
		})
	}
	if last < 10 {
		t.Fatalf("only %d checkpoints fit ahead", last)
	}
	// Neither closing nor opening may run into the full disk.
	if err := s.Close(); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("Close: %v", err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	copyDir(t, o.Dir, copied)
	r := mustOpen(t, small(copied))
	if r.AppliedIndex() != last-1 {
		t.Fatalf("applied %d after the crash, want %d", r.AppliedIndex(), last-1)
	}
	expect(t, r, fmt.Sprintf("k%d", last-1), value)
	remove()
	if err := s.closeFiles(); err != nil {
		t.Fatal(err)
	}
	ballast(t, disk, 1)
	if _, err := Open(o); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("Open: %v", err)
	}
}

func TestFullDisk_restoreKeepsTheOld(t *testing.T) {
	donor := mustOpen(t, small(t.TempDir()))
	entry(donor, 9, "new", "1")
	snap := snapshotOf(t, donor)
	disk := tinyDisk(t, 256)
	o := small(filepath.Join(disk, "store"))
	s := mustOpen(t, o)
	entry(s, 5, "old", "1")
	mustClose(t, s)
	remove := ballast(t, disk, 100)
	if err := Restore(o.Dir, bytes.NewReader(snap)); !errors.Is(err, ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
	s = mustOpen(t, o)
	expect(t, s, "old", "1")
	mustClose(t, s)
	remove()
	mustRestore(t, o.Dir, snap)
	s = mustOpen(t, o)
	expect(t, s, "new", "1")
}

func TestWAL_isAllocatedAheadOfBadger(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	value := strings.Repeat("v", 50_000)
	for i := uint64(1); s.wal.active < 4; i++ {
		entry(s, i, fmt.Sprintf("k%d", i), value)
		mustCheckpoint(t, s)
		if i > 10_000 {
			t.Fatal("no rotation")
		}
		var st unix.Stat_t
		if err := unix.Stat(s.wal.path(s.wal.active), &st); err != nil {
			t.Fatal(err)
		}
		if s.wal.have < s.wal.written || st.Blocks*512 < s.wal.written {
			t.Fatalf("log %d has %d bytes of blocks for %d", s.wal.active, st.Blocks*512, s.wal.written)
		}
	}
}
