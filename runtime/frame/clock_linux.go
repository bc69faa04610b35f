package frame

import (
	"syscall"
	"time"
	"unsafe"
)

// A process reads the system's monotonic clock once and counts on from there
// with Go's own monotonic reading, which is the same clock without the system
// call.
var (
	origin     = time.Now()
	originMono = monotonic()
)

// Now is the time by a clock that parent and child share and that nobody sets,
// nanoseconds. It means nothing outside the machine or after a reboot.
func Now() int64 { return originMono + int64(time.Since(origin)) }

func monotonic() int64 {
	const clockMonotonic = 1
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		return origin.UnixNano()
	}
	return ts.Nano()
}

// At is what Now was at t, a time read in this process.
func At(t time.Time) int64 { return originMono + int64(t.Sub(origin)) }
