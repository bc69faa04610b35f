package state

import "github.com/windrow-dev/windrow/queue"

// Sink keeps what the machine wants kept. It is called by the goroutine that
// applies, in log order; what it is given reaches the disk together with the
// applied index or not at all. Keys and values must not be changed afterwards.
type Sink interface {
	Put(key, value []byte)
	Delete(key []byte)
	// Expire says that once the machine's time has reached at, every key in
	// TaskKeys(shard, id, attempts) may go. Readers hide it from then on.
	Expire(shard uint16, at int64, id queue.ID, attempts uint32)
	// ExpireRun says the same of a run: then every key may go that begins with
	// one of RunKeys(shard, id).
	ExpireRun(shard uint16, at int64, id queue.ID, tasks uint32)
}
