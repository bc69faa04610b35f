package state

import (
	"crypto/sha256"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// idemTTL is how long an idempotency key is known.
const idemTTL = int64(24 * 3600e9)

// idempotency remembers which request a key belongs to. Keys are kept as a
// hash, and ids that follow one another as their first: 15,000 keys a second
// for a day must not need more memory than they have to.
type idempotency struct {
	known map[[16]byte]idemEntry
	order []idemDue // by due, since every key lives equally long
}

type idemEntry struct {
	body  [16]byte
	first queue.ID
	count uint32
	due   int64
	rest  []queue.ID // where they do not follow one another
}

type idemDue struct {
	due int64
	key [16]byte
}

func newIdempotency() idempotency { return idempotency{known: map[[16]byte]idemEntry{}} }

// keyOf is idemHash, zero for no key.
func keyOf(namespace string, i *command.Idempotency) (k [16]byte) {
	if i != nil {
		k = idemHash(namespace, i)
	}
	return k
}

func idemHash(namespace string, i *command.Idempotency) (k [16]byte) {
	h := sha256.Sum256([]byte(namespace + "\x00" + i.Route + "\x00" + i.Key))
	copy(k[:], h[:])
	return k
}

// answer gives the first request's answer where the key is known.
func (x *idempotency) answer(namespace string, i *command.Idempotency, now int64) (command.Result, bool) {
	if i == nil {
		return command.Result{}, false
	}
	e, ok := x.known[idemHash(namespace, i)]
	if !ok || e.due <= now {
		return command.Result{}, false
	}
	if e.body != i.Body {
		return *refuse(command.CodeIdempotency, "this Idempotency-Key was used for another request; use a new key for a new request"), true
	}
	return command.Result{Replayed: true, IDs: e.ids()}, true
}

func (e *idemEntry) ids() []queue.ID {
	if e.rest != nil {
		return e.rest
	}
	ids := make([]queue.ID, e.count)
	for n := range ids {
		ids[n] = e.first.Plus(uint32(n))
	}
	return ids
}

// remember ties a key to the ids it made.
func (m *Machine) remember(namespace string, i *command.Idempotency, ids []queue.ID) {
	if i == nil {
		return
	}
	e := idemEntry{body: i.Body, count: uint32(len(ids)), due: satAdd(m.now, idemTTL)}
	if len(ids) > 0 {
		e.first = ids[0]
	}
	for n, id := range ids {
		if e.first.Plus(uint32(n)) != id {
			e.rest = ids
			break
		}
	}
	k := idemHash(namespace, i)
	m.idem.add(k, e)
	w := command.NewWriter(nil)
	w.Bytes(e.body[:])
	w.ID(e.first)
	w.Uint(uint64(e.count))
	w.Int(e.due)
	w.Uint(uint64(len(e.rest)))
	for _, id := range e.rest {
		w.ID(id)
	}
	m.sink.Put(append(Prefix(m.shard, kindIdem), k[:]...), w.Done())
}

func (x *idempotency) add(k [16]byte, e idemEntry) {
	x.known[k] = e
	x.order = append(x.order, idemDue{e.due, k})
}

func (x *idempotency) load(key, b []byte) error {
	r := command.NewReader(b)
	var e idemEntry
	copy(e.body[:], r.Bytes())
	e.first, e.count, e.due = r.ID(), r.Uint32(), r.Int()
	if n := r.Count(16); n > 0 {
		e.rest = make([]queue.ID, n)
		for i := range e.rest {
			e.rest[i] = r.ID()
		}
	}
	var k [16]byte
	copy(k[:], key[3:])
	x.add(k, e)
	return r.Err("idempotency record")
}

// sweep forgets, within the budget, the keys whose day is over. It wakes
// nobody: a key that is known a little longer harms no one.
func (x *idempotency) sweep(m *Machine) {
	for m.budget > 0 && len(x.order) > 0 && x.order[0].due <= m.now {
		first := x.order[0]
		x.order = x.order[1:]
		m.spend()
		if x.known[first.key].due != first.due { // used again since
			continue
		}
		delete(x.known, first.key)
		m.sink.Delete(append(Prefix(m.shard, kindIdem), first.key[:]...))
	}
}
