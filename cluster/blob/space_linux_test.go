package blob

import (
	"bytes"
	"errors"
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
