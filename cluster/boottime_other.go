//go:build !linux

package cluster

import "time"

var processStart = time.Now()

// readClocks reads the runtime's monotonic clock, which suspension may stop:
// after it the wall clock is ahead, and T follows once servers agree.
func readClocks() reading {
	now := time.Now()
	return reading{boot: int64(now.Sub(processStart)) + 1, wall: now.UnixNano()}
}
