package guest

import "runtime/debug"

var _ = debug.SetMemoryLimit(goLimit(defaultMemory))

const (
	// ownMemory is what a module's code keeps in memory beside Go's heap.
	ownMemory = 5 << 20
	// memorySlack is the part of the memory that is left to what Go's limit
	// does not count.
	memorySlack = 32
)

// limitMemory tells Go's collector how much memory there is. By itself it lets
// the heap double before it collects, and an attempt would end for lack of
// memory while half of it is garbage: of 64 MiB some 25 could be used.
//
// It stops the world, so the limit that most attempts have is set at the start,
// which an instance that is made of an image has behind it.
func limitMemory(limit int64) { debug.SetMemoryLimit(goLimit(limit)) }

func goLimit(limit int64) int64 { return limit - limit/memorySlack - ownMemory }
