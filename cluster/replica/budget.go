package replica

import (
	"errors"
	"sync"
)

// ErrBusy says that too many large values are in memory; try again in a moment.
var ErrBusy = errors.New("too many large values are in memory")

// mostLoaded is how much of large values a node holds in memory for those who
// put arguments together, bytes.
const mostLoaded = 256 << 20

// budget counts what is in memory. Nobody waits for it, who may have a part of
// it already.
type budget struct {
	mu   sync.Mutex
	used int64
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > mostLoaded {
		return false
	}
	b.used += n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}
