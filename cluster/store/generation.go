package store

import (
	"bytes"
	"slices"
	"time"
	"unsafe"

	"github.com/windrow-dev/windrow/queue"
)

// record is what a key has become. Its slices lie in an arena's chunk and
// never change.
type record struct {
	key, value []byte
	deleted    bool
}

// expiry is one task that may go; minute is the first full minute, counted
// from the unix epoch, at which it may.
type expiry struct {
	minute   int64
	shard    uint16
	attempts uint32 // or of a run the tasks
	id       queue.ID
	run      bool // id is a run
}

// recordCost is what a record costs beside its bytes: here, in Badger's
// memtable and in its log.
const recordCost = 48

// generation is what was written between two cuts: the newest value of each
// key. It is filled under the store's lock and never changes once cut.
type generation struct {
	records  []record
	at       map[string]int32 // key → place in records; the key aliases the arena
	kinds    []kindRecords
	expiries []expiry
	bytes    int
	// index, term and time are those of the last entry in it.
	index, term uint64
	time        int64
	// opened is when its first entry was applied; zero while it has none.
	opened time.Time
	// done is closed when the generation is on disk, or never will be.
	done chan struct{}
}

// kindRecords are the places of all records whose keys begin alike, so that a
// scan for the attempts of one task need not look at everything.
type kindRecords struct {
	begin [kindBytes]byte
	at    []int32
}

// kindBytes is the shard and the kind of a record.
const kindBytes = 3

// newGeneration expects about as many keys as the last one had.
func newGeneration(keys int) *generation {
	return &generation{records: make([]record, 0, keys), at: make(map[string]int32, keys), done: make(chan struct{})}
}

func (g *generation) add(r record) {
	if i, ok := g.at[unsafe.String(unsafe.SliceData(r.key), len(r.key))]; ok {
		g.bytes += len(r.value) - len(g.records[i].value)
		g.records[i] = r
		return
	}
	i := int32(len(g.records)) // #nosec G115 -- bounded by bytes long before
	g.at[unsafe.String(unsafe.SliceData(r.key), len(r.key))] = i
	k := g.kind(r.key)
	k.at = append(k.at, i)
	g.records = append(g.records, r)
	g.bytes += len(r.key) + len(r.value) + recordCost
}

// get finds what became of a key; ok is false when this generation says
// nothing about it.
func (g *generation) get(key []byte) (r record, ok bool) {
	if g == nil {
		return record{}, false
	}
	i, ok := g.at[string(key)]
	if !ok {
		return record{}, false
	}
	return g.records[i], true
}

// kind finds the records like a key's, or makes the list; there are few kinds.
// A key too short for one counts as if it had zeros behind.
func (g *generation) kind(key []byte) *kindRecords {
	var begin [kindBytes]byte
	copy(begin[:], key)
	for i := range g.kinds {
		if g.kinds[i].begin == begin {
			return &g.kinds[i]
		}
	}
	g.kinds = append(g.kinds, kindRecords{begin: begin})
	return &g.kinds[len(g.kinds)-1]
}

// collect appends the records whose keys lie in the bounds, in no order.
func (g *generation) collect(dst []record, in bounds) []record {
	if g == nil {
		return dst
	}
	n := min(len(in.prefix), kindBytes)
	for i := range g.kinds {
		k := &g.kinds[i]
		if !bytes.Equal(k.begin[:n], in.prefix[:n]) {
			continue
		}
		for _, at := range k.at {
			if in.has(g.records[at].key) {
				dst = append(dst, g.records[at])
			}
		}
	}
	return dst
}

// overlay orders records as a scan wants them; of equal keys the first in the
// list stays.
func overlay(list []record, reverse bool) []record {
	slices.SortStableFunc(list, func(a, b record) int {
		if reverse {
			a, b = b, a
		}
		return bytes.Compare(a.key, b.key)
	})
	return slices.CompactFunc(list, func(a, b record) bool { return bytes.Equal(a.key, b.key) })
}

// arena copies keys and values into chunks, so that no generation pins the log
// entry they came from, and what a generation holds is what it counts.
// A chunk is never written twice: readers may look at what was published while
// the applying goroutine appends behind it.
type arena struct{ free []byte }

const chunkSize = 256 << 10

func (a *arena) copy(b []byte) []byte {
	n := len(b)
	if n > len(a.free) {
		if n > chunkSize/8 {
			return bytes.Clone(b)
		}
		a.free = make([]byte, chunkSize)
	}
	out := a.free[:n:n]
	a.free = a.free[n:]
	copy(out, b)
	return out
}
