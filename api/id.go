package api

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// idMaker makes UUIDv7 that grow strictly within one node: 48 bits of
// milliseconds, 12 bits of their fraction, as RFC 9562 6.2 method 3 has it, and
// random bits, the highest of the last 32 being zero so that a batch can count
// up from its first id (queue.ID.Plus). The random words are ChaCha8's, seeded
// by the system.
type idMaker struct{ last atomic.Uint64 }

func (m *idMaker) next() queue.ID {
	now := time.Now().UnixNano()
	ms := uint64(now / 1e6)
	stamp := ms<<12 | uint64(now%1e6)*4096/1e6
	for {
		last := m.last.Load()
		at := max(stamp, last+1)
		if !m.last.CompareAndSwap(last, at) {
			continue
		}
		var id queue.ID
		binary.BigEndian.PutUint64(id[:8], at>>12<<16|0x7000|at&0xfff)
		binary.BigEndian.PutUint64(id[8:], rand.Uint64()&^(3<<62|1<<31)|2<<62)
		return id
	}
}
