//go:build !linux

package sandbox

import "time"

var processStart = time.Now()

// threadCPU stands in for processor time where there is no Linux.
func threadCPU() int64 { return int64(time.Since(processStart)) }
