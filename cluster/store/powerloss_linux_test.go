package store

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// loopDisk is an ext4 file system in a file. What is in the file is what has
// come to the "disk": a copy of it is the disk after a power cut, without what
// only the page cache held, memory-mapped writes included.
type loopDisk struct{ image, dir string }

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("%s: %v: %s", name, err, out)
	}
}

func mountLoop(t *testing.T, image string) *loopDisk {
	t.Helper()
	d := &loopDisk{image: image, dir: t.TempDir()}
	run(t, "mount", "-o", "loop", image, d.dir)
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newLoopDisk(t *testing.T) *loopDisk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	run(t, "truncate", "-s", "192M", image)
	run(t, "mkfs.ext4", "-q", "-F", image)
	return mountLoop(t, image)
}

// cutPower gives the disk as it is found after a power cut now.
func (d *loopDisk) cutPower(t *testing.T) *loopDisk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "after")
	run(t, "cp", "--sparse=always", d.image, image)
	return mountLoop(t, image)
}

// powerCuts writes through several memtables, cuts the power now and then, and
// returns how often something durable was lost.
func powerCuts(t *testing.T, nosync bool) (lost int) {
	disk := newLoopDisk(t)
	o := small(filepath.Join(disk.dir, "store"))
	o.nosync = nosync
	o.MaxBytes = 1 << 30
	s := mustOpen(t, o)
	var h history
	value := strings.Repeat("v", 30_000)
	for round := range 8 {
		for n := range 6 {
			for i := range 10 {
				e := childEntry(uint64(len(h.entries) + 1))
				e.puts[fmt.Sprintf("big%d", (round*100+n*10+i)%97)] = value
				h.apply(s, e)
			}
			mustCheckpoint(t, s)
		}
		h.apply(s, childEntry(uint64(len(h.entries)+1))) // applied, not durable
		durable := s.DurableIndex()
		after := disk.cutPower(t)
		r, err := Open(small(filepath.Join(after.dir, "store")))
		if err != nil {
			if !nosync {
				t.Fatalf("round %d: %v", round, err)
			}
			lost++
			continue
		}
		t.Logf("round %d: durable %d, opened at %d, log %d in use", round, durable, r.AppliedIndex(), s.wal.active)
		if r.AppliedIndex() < durable {
			lost++
		} else {
			h.check(t, r, bounds{})
		}
		mustClose(t, r)
	}
	if s.wal.active < 2 {
		t.Fatal("no second memtable was begun")
	}
	return lost
}

func TestPowerLoss_losesNothingDurable(t *testing.T) {
	if lost := powerCuts(t, false); lost > 0 {
		t.Fatalf("%d of 8 power cuts lost what was durable", lost)
	}
}

// TestPowerLoss_wouldShow: the test above can fail.
func TestPowerLoss_wouldShow(t *testing.T) {
	if lost := powerCuts(t, true); lost == 0 {
		t.Fatal("without syncs nothing was lost: the power cuts cut nothing")
	}
}

func TestPowerLoss_afterARestore(t *testing.T) {
	donor := mustOpen(t, small(t.TempDir()))
	want := fillSome(t, donor, 500)
	snap := snapshotOf(t, donor)
	disk := newLoopDisk(t)
	dir := filepath.Join(disk.dir, "store")
	s := mustOpen(t, small(dir))
	entry(s, 1, "old", "1")
	mustCheckpoint(t, s)
	mustRestore(t, dir, snap)
	after := disk.cutPower(t)
	r := mustOpen(t, small(filepath.Join(after.dir, "store")))
	sameContent(t, r, want)
	if r.AppliedIndex() != 500 {
		t.Fatalf("applied %d", r.AppliedIndex())
	}
	mustClose(t, r)
	mustClose(t, s)
}
