package state

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// idemTTL is how long an idempotency key is known, briefTTL one that a client
// made for its own retries. Most are such: 15,000 a second fit.
const (
	idemTTL  = int64(24 * 3600e9)
	briefTTL = int64(300e9)
)

// maxIdem is how many keys are known at a time, in all namespaces: 130 to
// 180 bytes each. Beyond it a request with a key is refused: to forget one early
// would run a repeated request twice.
const maxIdem = 5_000_000

// idempotency remembers which request a key belongs to. Keys are kept as a
// hash, and ids that follow one another as their first: 15,000 keys a second
// must not need more memory than they have to.
type idempotency struct {
	known map[[16]byte]idemEntry
	rest  map[[16]byte][]queue.ID // where a key's ids do not follow one another
	day   []idemDue               // by due, since all of these live equally long
	brief []idemDue               // as well
	size  int                     // keys, and ids in rest
	most  int
}

type idemEntry struct {
	body  [16]byte
	first queue.ID
	due   int64
	count uint32
	brief bool
}

type idemDue struct {
	due int64
	key [16]byte
}

func newIdempotency() idempotency {
	return idempotency{known: map[[16]byte]idemEntry{}, rest: map[[16]byte][]queue.ID{}, most: maxIdem}
}

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
	k := idemHash(namespace, i)
	e, ok := x.known[k]
	if !ok || e.due <= now {
		return command.Result{}, false
	}
	if e.body != i.Body {
		return *refuse(command.CodeIdempotency, "this Idempotency-Key was used for another request; use a new key for a new request"), true
	}
	return command.Result{Replayed: true, IDs: x.idsOf(k, &e)}, true
}

func (x *idempotency) idsOf(k [16]byte, e *idemEntry) []queue.ID {
	if rest := x.rest[k]; rest != nil {
		return rest
	}
	ids := make([]queue.ID, e.count)
	for n := range ids {
		ids[n] = e.first.Plus(uint32(n))
	}
	return ids
}

// answered gives what settles a request before anything is done: the answer of
// the first one with its key, or a refusal where no further key can be known.
func (m *Machine) answered(namespace string, i *command.Idempotency) (command.Result, bool) {
	if r, done := m.idem.answer(namespace, i, m.now); done || i == nil {
		return r, done
	}
	if m.idem.size >= m.idem.most {
		m.idem.sweep(m)
	}
	if m.idem.size < m.idem.most {
		return command.Result{}, false
	}
	return *refuse(command.CodeIdempotencyFull, "%d idempotency keys are known and no more can be; let a key that is only for retries be known for minutes by the header Idempotency-Key-TTL: 5m, send many calls in one batch, which needs one key, or send the request without a key", m.idem.size), true
}

// once does what makes no tasks, unless its key is known; only what was done
// ties the key.
func (m *Machine) once(namespace string, i *command.Idempotency, do func() command.Result) command.Result {
	if r, done := m.answered(namespace, i); done {
		return r
	}
	r := do()
	if r.Code == command.OK {
		m.remember(namespace, i, nil)
	}
	return r
}

// Answered gives the first request's answer where the key is known.
func (m *Machine) Answered(namespace string, i *command.Idempotency) (command.Result, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.idem.answer(namespace, i, m.now)
}

// remember ties a key to the ids it made.
func (m *Machine) remember(namespace string, i *command.Idempotency, ids []queue.ID) {
	if i == nil {
		return
	}
	e := idemEntry{body: i.Body, count: uint32(len(ids)), due: satAdd(m.now, idemTTL), brief: i.Brief}
	if i.Brief {
		e.due = satAdd(m.now, briefTTL)
	}
	if len(ids) > 0 {
		e.first = ids[0]
	}
	var rest []queue.ID
	for n, id := range ids {
		if e.first.Plus(uint32(n)) != id {
			rest = ids
			break
		}
	}
	k := idemHash(namespace, i)
	m.idem.add(k, e, rest)
	line := m.idem.line(&e)
	*line = inOrder(*line, idemDue{e.due, k})
	w := command.NewWriter(nil)
	w.Bytes(e.body[:])
	w.ID(e.first)
	w.Uint(uint64(e.count))
	w.Int(e.due)
	w.Bool(e.brief)
	w.Uint(uint64(len(rest)))
	for _, id := range rest {
		w.ID(id)
	}
	m.sink.Put(append(Prefix(m.shard, kindIdem), k[:]...), w.Done())
}

func (x *idempotency) add(k [16]byte, e idemEntry, rest []queue.ID) {
	x.forget(k)
	x.known[k] = e
	if rest != nil {
		x.rest[k] = rest
	}
	x.size += 1 + len(rest)
}

// line is the line in which an entry waits for its time.
func (x *idempotency) line(e *idemEntry) *[]idemDue {
	if e.brief {
		return &x.brief
	}
	return &x.day
}

// inOrder adds the latest one. Those of one time go by their keys: the order in
// which they came does not outlive a restart.
func inOrder(list []idemDue, d idemDue) []idemDue {
	at := len(list)
	for at > 0 && compareIdem(list[at-1], d) > 0 {
		at--
	}
	return slices.Insert(list, at, d)
}

func compareIdem(a, b idemDue) int {
	return cmp.Or(cmp.Compare(a.due, b.due), slices.Compare(a.key[:], b.key[:]))
}

func (x *idempotency) forget(k [16]byte) {
	if _, known := x.known[k]; known {
		x.size -= 1 + len(x.rest[k])
		delete(x.known, k)
		delete(x.rest, k)
	}
}

func (x *idempotency) load(key, b []byte) error {
	r := command.NewReader(b)
	var e idemEntry
	var rest []queue.ID
	copy(e.body[:], r.Bytes())
	e.first, e.count, e.due = r.ID(), r.Uint32(), r.Int()
	e.brief = r.Bool()
	if n := r.Count(16); n > 0 {
		rest = make([]queue.ID, n)
		for i := range rest {
			rest[i] = r.ID()
		}
	}
	var k [16]byte
	copy(k[:], key[3:])
	x.add(k, e, rest)
	line := x.line(&e)
	*line = append(*line, idemDue{e.due, k}) // they are sorted when all are there
	return r.Err("idempotency record")
}

// sweep forgets, within the budget, the keys whose time is over. It wakes
// nobody: a key that is known a little longer harms no one.
func (x *idempotency) sweep(m *Machine) {
	x.day = x.sweepList(m, x.day)
	x.brief = x.sweepList(m, x.brief)
}

func (x *idempotency) sweepList(m *Machine, list []idemDue) []idemDue {
	for m.budget > 0 && len(list) > 0 && list[0].due <= m.now {
		first := list[0]
		list = list[1:]
		if x.known[first.key].due != first.due { // used again since
			continue
		}
		m.spend()
		x.forget(first.key)
		m.sink.Delete(append(Prefix(m.shard, kindIdem), first.key[:]...))
	}
	return list
}
