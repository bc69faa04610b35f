package state

import (
	"encoding/binary"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
	"github.com/windrow-dev/windrow/workflow"
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
	kindThrottle = 'x' // throttle by namespace and key
	kindSession  = 'w' // open session by fence
	kindQueue    = 'q' // fairness of a queue
	kindFlow     = 'v' // fairness of one key in a queue
	kindStage    = 'g' // stage of a large batch
	kindLimiter  = 'c' // rate limiter
	kindBlob     = 'b' // blob references
	kindRun      = 'u' // unfinished run by id
	kindEnded    = 'e' // ended run by id
	kindGraph    = 'p' // part of a run's graph by run and number
	kindResume   = 'y' // what a deferred task goes on with, by task id
	kindNode     = 'n' // ended join or map by run and node
	kindSchedule = 't' // where a schedule stands, by namespace and name
	kindHook     = 'h' // where a webhook stands, by namespace and name
	kindOutbox   = 'o' // event of a webhook's outbox, by namespace, name and number
	kindHookLog  = 'l' // attempt to deliver one, by namespace, name and place
)

// liveKinds are the records that Load needs, in the order it needs them.
const liveKinds = "mdcgwqvuskbthx"

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

// EndedRunKey is the key of an ended run.
func EndedRunKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindEnded, id) }

// GraphKey is the key of a part of a run's graph.
func GraphKey(shard uint16, id queue.ID, part uint32) []byte {
	return binary.BigEndian.AppendUint32(idKey(shard, kindGraph, id), part)
}

// GraphPrefix is the start of the keys of a run's graph, whose parts follow in
// order.
func GraphPrefix(shard uint16, id queue.ID) []byte { return idKey(shard, kindGraph, id) }

// NodeKey is the key of a join or a map that has ended.
func NodeKey(shard uint16, id queue.ID, node uint32) []byte {
	return binary.BigEndian.AppendUint32(idKey(shard, kindNode, id), node)
}

// ResumeKey is the key of what a deferred task goes on with.
func ResumeKey(shard uint16, id queue.ID) []byte { return idKey(shard, kindResume, id) }

// RunKeys lists the records of an ended run that begin with its id, and those
// of its tasks, which begin with the first twelve bytes of it: for the sweep.
func RunKeys(shard uint16, id queue.ID) (prefixes [][]byte) {
	for _, kind := range []byte{kindEnded, kindGraph, kindNode} {
		prefixes = append(prefixes, idKey(shard, kind, id))
	}
	for _, kind := range []byte{kindFinished, kindInput, kindResult, kindAttempt} {
		prefixes = append(prefixes, idKey(shard, kind, id)[:3+12])
	}
	return prefixes
}

// namedKey joins names, each with its length before it, so that no two lists
// of names give the same key.
func namedKey(shard uint16, kind byte, names ...string) []byte {
	k := Prefix(shard, kind)
	for _, n := range names {
		k = binary.BigEndian.AppendUint16(k, uint16(len(n)))
		k = append(k, n...)
	}
	return k
}

// namesOf is the inverse of namedKey for n names; what follows them is rest.
func namesOf(key []byte, n int) (names []string, rest []byte, ok bool) {
	if len(key) < 3 {
		return nil, nil, false
	}
	rest = key[3:]
	for range n {
		if len(rest) < 2 {
			return nil, nil, false
		}
		size := int(binary.BigEndian.Uint16(rest))
		if len(rest) < 2+size {
			return nil, nil, false
		}
		names = append(names, string(rest[2:2+size]))
		rest = rest[2+size:]
	}
	return names, rest, true
}

func documentKey(shard uint16, d *command.Document) []byte {
	return binary.BigEndian.AppendUint32(namedKey(shard, kindDocument, d.Kind, d.Namespace, d.Name), d.Version)
}

// lastVersionKey holds the number that a document's next version must exceed,
// though the versions before it are gone.
func lastVersionKey(shard uint16, k catalog.Key) []byte {
	return binary.BigEndian.AppendUint32(namedKey(shard, kindDocument, k.Kind, k.Namespace, k.Name), 0)
}

func sessionKey(shard uint16, id queue.Fence) []byte {
	k := binary.BigEndian.AppendUint64(Prefix(shard, kindSession), id.Index)
	return binary.BigEndian.AppendUint32(k, id.Ord)
}

func lineKey(shard uint16, namespace, queue string) []byte {
	return namedKey(shard, kindQueue, namespace, queue)
}

func flowKey(shard uint16, f *match.Flow) []byte {
	return namedKey(shard, kindFlow, f.Line.Namespace.Name, f.Line.Name, f.Key)
}

func scheduleKey(shard uint16, n workflow.ScheduleName) []byte {
	return namedKey(shard, kindSchedule, n.Namespace, n.Name)
}

func limiterKey(shard uint16, n limit.Name) []byte {
	return append(namedKey(shard, kindLimiter, n.Namespace, n.Name), byte(n.Kind))
}

func hookKey(shard uint16, namespace, name string) []byte {
	return namedKey(shard, kindHook, namespace, name)
}

// OutboxKey is the key of an event in a webhook's outbox.
func OutboxKey(shard uint16, namespace, name string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(namedKey(shard, kindOutbox, namespace, name), seq)
}

// HookLogKeys are the keys of the attempts to deliver that a webhook remembers.
func HookLogKeys(shard uint16, namespace, name string) (keys [][]byte) {
	for n := range uint64(hookLog) {
		keys = append(keys, hookLogKey(shard, namespace, name, n))
	}
	return keys
}

func hookLogKey(shard uint16, namespace, name string, n uint64) []byte {
	return append(namedKey(shard, kindHookLog, namespace, name), byte(n))
}
