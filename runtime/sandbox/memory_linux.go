package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// region is address space for a linear memory. The kernel gives it pages when
// they are first touched.
type region struct {
	bytes []byte
}

// keepResident is how much of a region is cleared by writing zeros, so that
// its pages stay: 128 KiB cost 3 us to write and 100 us to fault in anew.
// What lies beyond goes back to the kernel.
const keepResident = 256 << 10

func (r *region) reserve(size int64) error {
	if size <= int64(len(r.bytes)) {
		return nil
	}
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("reserve %d bytes of memory: %w", size, err)
	}
	if r.bytes != nil {
		_ = unix.Munmap(r.bytes) // at worst it stays until the process ends
	}
	r.bytes = b
	return nil
}

func (r *region) clear(used int64) {
	clear(r.bytes[:min(used, keepResident)])
	if used <= keepResident {
		return
	}
	if err := unix.Madvise(r.bytes[keepResident:used], unix.MADV_DONTNEED); err != nil {
		clear(r.bytes[keepResident:used])
	}
}
