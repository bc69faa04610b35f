package sandbox

import "github.com/tetratelabs/wazero/experimental"

// memory is the one linear memory of a child, handed to one instance after the
// other and cleared in between. Making it anew for each costs half as much
// again as everything else that a small attempt does.
type memory struct {
	region  region
	limit   int64 // of the attempt at hand
	used    int64 // bytes that an instance may have written since they were cleared
	lent    bool
	refused bool // growth was refused to the attempt at hand
}

// begin prepares for an attempt with the given limit.
func (m *memory) begin(limit int64) error {
	m.limit, m.refused = limit, false
	m.clear()
	return m.region.reserve(limit)
}

// clear makes all of it zero again.
func (m *memory) clear() {
	m.region.clear(m.used)
	m.used, m.lent = 0, false
}

// Allocate implements experimental.MemoryAllocator.
func (m *memory) Allocate(_, _ uint64) experimental.LinearMemory {
	if m.lent {
		// Core 2.0 has one memory an instance; never lend it twice.
		return refusal{m}
	}
	m.lent = true
	return m
}

// Reallocate implements experimental.LinearMemory.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(m.limit) {
		m.refused = true
		return nil
	}
	m.used = max(m.used, int64(size))
	return m.region.bytes[:size:size]
}

// Free implements experimental.LinearMemory.
func (m *memory) Free() { m.clear() }

type refusal struct{ m *memory }

func (r refusal) Reallocate(uint64) []byte {
	r.m.refused = true
	return nil
}

func (refusal) Free() {}
