package state

import (
	"encoding/binary"

	"github.com/windrow-dev/windrow/queue"
)

// Keys in the store: the shard, a letter for the kind of record, the rest.
// Live records are loaded at start; the others are only read when asked for.
const (
	kindMachine  = 'm' // time, version, counters
	kindLive     = 's' // live task by id: all that Apply decides from
	kindFinished = 'f' // ended task by id
	kindInput    = 'i' // payload by task id
	kindResult   = 'r' // result by task id
	kindAttempt  = 'a' // attempt by task id and number
	kindDocument = 'd' // document by kind, namespace, name, version
	kindIdem     = 'k' // idempotency key
	kindSession  = 'w' // open session by fence
	kindQueue    = 'q' // fairness of a queue
	kindFlow     = 'v' // fairness of one key in a queue
	kindStage    = 'g' // stage of a large batch
	kindLimiter  = 'c' // rate limiter
	kindBlob     = 'b' // blob references
)

// liveKinds are the records that Load needs, in the order it needs them.
const liveKinds = "mdcgwqvskb"

// Prefix is the start of all keys of a shard's kind.
func Prefix(shard uint16, kind byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, shard), kind)
}

// LoadPrefixes lists the key prefixes that Load wants, in order.
func LoadPrefixes(shard uint16) [][]byte {
	var p [][]byte
	for _, k := range []byte(liveKinds) {
		p = append(p, Prefix(shard, k))
	}
	return p
}

func idKey(shard uint16, kind byte, id queue.ID) []byte {
	k := make([]byte, 0, 19)
	k = binary.BigEndian.AppendUint16(k, shard)
	k = append(k, kind)
	return append(k, id[:]...)
}

// LiveKey is the key of an unfinished task.
func LiveKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindLive, id) }

// FinishedKey is the key of an ended task.
func FinishedKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindFinished, id) }

// InputKey is the key of a task's payload.
func InputKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindInput, id) }

// ResultKey is the key of a task's result.
func ResultKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindResult, id) }

// AttemptKey is the key of one attempt in a task's history; n = 0 gives the
// prefix of them all.
func AttemptKey(shard uint16, id queue.ID, n uint32) []byte {
	k := idKey(shard, kindAttempt, id)
	if n == 0 {
		return k
	}
	return binary.BigEndian.AppendUint32(k, n)
}

// TaskKeys lists every key that an ended task with so many attempts may have,
// for the sweep of what has expired.
func TaskKeys(shard uint16, id queue.ID, attempts uint32) [][]byte {
	keys := [][]byte{FinishedKey(shard, id), InputKey(shard, id), ResultKey(shard, id)}
	for n := uint32(1); n <= attempts; n++ {
		keys = append(keys, AttemptKey(shard, id, n))
	}
	return keys
}
