package cluster

import (
	"time"

	"golang.org/x/sys/unix"
)

// readClocks reads the boot-time clock, which suspension does not stop.
func readClocks() reading {
	return readBoth(func() int64 { return time.Now().UnixNano() }, readBoot)
}

func readBoot() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("read the boot-time clock: " + err.Error()) // every Linux since 2.6.39 has it
	}
	return ts.Nano()
}
