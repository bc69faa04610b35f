package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/dgraph-io/badger/v4"
)

// flush writes a generation and retires it; false means that the flusher's
// time is over.
func (s *Store) flush(g *generation) bool {
	start := s.opt.now()
	w, err := s.write(g)
	if errors.Is(err, ErrClosed) {
		return false
	}
	if err != nil {
		s.fail(fmt.Errorf("write checkpoint %d: %w", g.index, err))
		return false
	}
	s.retire(g, w.Version)
	w.Took = s.opt.now().Sub(start)
	s.opt.Observe(w)
	s.refill()
	return true
}

// tidy deletes what has expired with no entry to go along.
func (s *Store) tidy() bool {
	start := s.opt.now()
	w, err := s.write(&generation{index: s.last.index, term: s.last.term, time: s.last.time})
	if errors.Is(err, ErrClosed) {
		return false
	}
	if err != nil {
		s.fail(fmt.Errorf("delete what has expired: %w", err))
		return false
	}
	s.mu.Lock()
	s.version = w.Version
	s.mu.Unlock()
	s.db.SetDiscardTs(s.readers.oldest(w.Version))
	w.Took = s.opt.now().Sub(start)
	s.opt.Observe(w)
	return true
}

// fail makes a fault known for good. After a failed sync nobody can know what
// is on disk, so nothing is tried again: the durable index stays where it was.
func (s *Store) fail(err error) {
	s.fault.Store(&err)
	s.log.Error("no checkpoint can be written any more", "dir", s.opt.Dir, "error", err)
	if s.opt.Failed != nil {
		s.opt.Failed(err)
	}
}

// write puts a generation, its bookkeeping and a share of what has expired
// into Badger, all or nothing, and returns once it is synced.
func (s *Store) write(g *generation) (w Written, err error) {
	b := &batch{ops: make([]record, 0, len(g.records)+16)}
	for _, r := range g.records {
		if !r.deleted || s.present(r.key) {
			b.add(r)
		}
	}
	sw := swept{head: s.sweep.head, next: s.sweep.next.Load()}
	if s.sweepDue(g.time) {
		if sw, err = s.addSweep(b, g.time); err != nil {
			return w, err
		}
	}
	next := min(sw.next, b.addLists(g.expiries, g.time, s.version+1))
	m := meta{index: g.index, term: g.term, time: g.time}
	b.put(ownKey(ownMeta), m.encode())
	w = Written{Keys: len(b.ops), Bytes: b.bytes, Swept: sw.tasks}
	if w.Version, err = s.commit(b, s.version); err != nil { // only the flusher changes s.version
		return w, err
	}
	s.mu.Lock()
	s.last = m
	s.mu.Unlock()
	s.sweep.head = sw.head
	s.swept.Store(m.time)
	s.sweep.next.Store(next)
	return w, nil
}

// present reports whether Badger may hold a key. Most tasks end within the
// window in which they began, and the machine deletes a record that never
// came here: one lookup, mostly answered by bloom filters, is cheaper than a
// tombstone that compactions carry down all levels.
func (s *Store) present(key []byte) bool {
	txn := s.db.NewTransactionAt(math.MaxUint64, false)
	defer txn.Discard()
	_, err := txn.Get(key)
	return !errors.Is(err, badger.ErrKeyNotFound)
}

const metaFormat = 1

func (m meta) encode() []byte {
	b := []byte{metaFormat}
	b = binary.AppendUvarint(b, m.index)
	b = binary.AppendUvarint(b, m.term)
	return binary.AppendVarint(b, m.time)
}

func decodeMeta(b []byte) (meta, error) {
	if len(b) == 0 || b[0] != metaFormat {
		return meta{}, fmt.Errorf("bookkeeping of an unknown format: %x", b)
	}
	r := reader{b: b[1:]}
	m := meta{index: r.uint(), term: r.uint(), time: r.int()}
	if r.bad || len(r.b) != 0 {
		return meta{}, fmt.Errorf("damaged bookkeeping: %x", b)
	}
	return m, nil
}

// reader takes numbers off a record.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}
