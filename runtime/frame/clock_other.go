//go:build unix && !linux

package frame

import "time"

// Now is the time by a clock that parent and child share, nanoseconds. Here it
// is the wall clock: good enough for development.
func Now() int64 { return time.Now().UnixNano() }

// At is what Now was at t, a time read in this process.
func At(t time.Time) int64 { return t.UnixNano() }
