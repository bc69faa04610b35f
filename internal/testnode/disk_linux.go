package testnode

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Disk is a file system of its own, in a file: it can be filled, and its power
// can be cut.
type Disk struct {
	t     testing.TB
	image string
	// Dir is where it is mounted.
	Dir string
}

// NewDisk makes a disk of so many MiB. Where that is not permitted the test is
// skipped, with a line that says so.
func NewDisk(t testing.TB, mib int) *Disk {
	t.Helper()
	image := filepath.Join(t.TempDir(), "disk")
	for _, args := range [][]string{
		{"truncate", "-s", fmt.Sprintf("%dM", mib), image},
		{"mkfs.ext4", "-q", "-F", "-m", "0", image},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("a disk of its own needs %s: %v %s", args[0], err, out)
		}
	}
	return mount(t, image)
}

func mount(t testing.TB, image string) *Disk {
	t.Helper()
	d := &Disk{t: t, image: image, Dir: t.TempDir()}
	// The journal is not committed by the clock: what nobody syncs is lost.
	if out, err := exec.Command("mount", "-o", "loop,commit=900", image, d.Dir).CombinedOutput(); err != nil {
		t.Skipf("a disk of its own needs root and loop devices: %s", strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.Dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// CutPower gives the disk as a machine finds it that lost its power now: with
// what had been synced, and without most of what had not.
func (d *Disk) CutPower() *Disk {
	d.t.Helper()
	after := filepath.Join(d.t.TempDir(), "after")
	if out, err := exec.Command("cp", "--sparse=always", d.image, after).CombinedOutput(); err != nil {
		d.t.Fatalf("copy the disk: %v: %s", err, out)
	}
	return mount(d.t, after)
}

// Fill leaves so many bytes free.
func (d *Disk) Fill(leave int64) {
	d.t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(d.Dir, &st); err != nil {
		d.t.Fatal(err)
	}
	f, err := os.OpenFile(d.filler(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	have, err := f.Seek(0, 2)
	if err != nil {
		d.t.Fatal(err)
	}
	// The file system needs blocks for the file's own tree: the last bytes are
	// taken in ever smaller pieces.
	for step := int64(st.Bavail)*st.Bsize - leave; step >= st.Bsize; {
		err := unix.Fallocate(int(f.Fd()), 0, have, step)
		switch {
		case err == nil:
			have += step
			if err := unix.Statfs(d.Dir, &st); err != nil {
				d.t.Fatal(err)
			}
			step = min(step, int64(st.Bavail)*st.Bsize-leave)
		case errors.Is(err, unix.ENOSPC):
			step /= 2
		default:
			d.t.Fatal(err)
		}
	}
}

// Free gives back what Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *Disk) filler() string { return filepath.Join(d.Dir, "filler") }

// Node makes a node whose data folder is on this disk.
func (d *Disk) Node(flags ...string) *Node {
	d.t.Helper()
	n := New(d.t, flags...)
	n.Dir = d.Dir
	return n
}
