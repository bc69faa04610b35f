package blob

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// TestPut_onAFullDisk needs to mount a file system of a few pages.
func TestPut_onAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("cannot mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := mustOpen(t, dir)
	d := mustPut(t, s, "kept")
	_, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 8<<20)), "", 16<<20)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("8 MiB into 4: %v", err)
	}
	if left := files(t, dir); len(left) != 1 {
		t.Fatalf("left over: %v", left)
	}
	if _, err := s.Put(t.Context(), bytes.NewReader(make([]byte, 1<<20)), "", 16<<20); err != nil {
		t.Fatalf("after it failed there is room again: %v", err)
	}
	if b, err := s.ReadAll(d, 10); err != nil || string(b) != "kept" {
		t.Fatalf("%q, %v", b, err)
	}
}

// mountLoop mounts an ext4 image. A copy of a mounted image is what a power
// cut leaves: what was never synced is not in it.
func mountLoop(t *testing.T, image string) string {
	t.Helper()
	dir := t.TempDir()
	command(t, "mount", "-o", "loop", image, dir)
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Skipf("%s: %v: %s", name, err, out)
	}
}

func TestPut_outlivesAPowerCut(t *testing.T) {
	image := filepath.Join(t.TempDir(), "disk")
	command(t, "truncate", "-s", "64M", image)
	command(t, "mkfs.ext4", "-q", "-F", image)
	s := mustOpen(t, mountLoop(t, image))
	var put []string
	for i := range 5 {
		put = append(put, mustPut(t, s, "blob "+strconv.Itoa(i)))
		copied := filepath.Join(t.TempDir(), "after")
		command(t, "cp", "--sparse=always", image, copied)
		after := mustOpen(t, mountLoop(t, copied))
		for n, d := range put {
			if b, err := after.ReadAll(d, 100); err != nil || string(b) != "blob "+strconv.Itoa(n) {
				t.Fatalf("after %d puts, blob %d: %q, %v", i+1, n, b, err)
			}
		}
	}
}
