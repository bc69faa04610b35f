package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// Get reads one key as of the last entry applied; ErrNotFound says that there
// is none. The slice is the caller's.
func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	r, ok := s.open.get(key)
	if !ok {
		r, ok = s.flight.get(key)
	}
	s.mu.RUnlock()
	if ok {
		if r.deleted {
			return nil, ErrNotFound
		}
		return bytes.Clone(r.value), nil
	}
	if !s.life.enter() {
		return nil, ErrClosed
	}
	defer s.life.leave()
	// What left the overlay before we looked is in Badger; the newest there
	// is what is wanted, so no version can be discarded under us.
	txn := s.db.NewTransactionAt(math.MaxUint64, false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read %x: %w", key, err)
	}
	v, err := item.ValueCopy(nil)
	if err != nil {
		return nil, fmt.Errorf("read %x: %w", key, err)
	}
	return v, nil
}

// Scan calls fn for every key under prefix, in key order, until it returns
// false; reverse runs from the greatest key down. It starts at from, if given,
// that key included. What it sees is the state after one log entry. fn's
// slices hold during the call only, and it must not block for long: while it
// runs, compactions keep what it may still read.
func (s *Store) Scan(prefix, from []byte, reverse bool, fn func(key, value []byte) bool) error {
	if !s.life.enter() {
		return ErrClosed
	}
	defer s.life.leave()
	in := bounds{prefix: prefix, from: from, reverse: reverse}
	s.mu.RLock()
	list := s.open.collect(nil, in)
	flight, version := s.flight, s.version
	release := s.readers.take(version)
	s.mu.RUnlock()
	defer release()
	list = overlay(flight.collect(list, in), reverse)

	it := s.iterate(version, in)
	defer it.Close()
	for {
		key, value, ok, err := mergeNext(it, &list, reverse)
		if err != nil {
			return fmt.Errorf("scan %x: %w", prefix, err)
		}
		if !ok || !fn(key, value) {
			return nil
		}
	}
}

// Load calls fn for every key under each prefix in turn, as the last
// checkpoint has them: what a machine starts from. The slices are fn's to keep.
func (s *Store) Load(prefixes [][]byte, fn func(key, value []byte) error) error {
	if !s.life.enter() {
		return ErrClosed
	}
	defer s.life.leave()
	s.mu.RLock()
	version := s.version
	release := s.readers.take(version)
	s.mu.RUnlock()
	defer release()
	for _, p := range prefixes {
		if err := s.loadOne(version, p, fn); err != nil {
			return fmt.Errorf("load %x: %w", p, err)
		}
	}
	return nil
}

func (s *Store) loadOne(version uint64, prefix []byte, fn func(key, value []byte) error) error {
	it := s.iterate(version, bounds{prefix: prefix})
	defer it.Close()
	for ; it.Valid(); it.Next() {
		item := it.Item()
		v, err := item.ValueCopy(nil)
		if err != nil {
			return err
		}
		if err := fn(item.KeyCopy(nil), v); err != nil {
			return err
		}
	}
	return nil
}

// mergeNext takes the next of what the overlay and Badger have; the overlay's
// word on a key counts.
func mergeNext(it *cursor, list *[]record, reverse bool) (key, value []byte, ok bool, err error) {
	for len(*list) > 0 {
		r := (*list)[0]
		if it.Valid() {
			c := bytes.Compare(r.key, it.Item().Key())
			if reverse {
				c = -c
			}
			if c > 0 {
				break
			}
			if c == 0 {
				it.Next()
			}
		}
		*list = (*list)[1:]
		if !r.deleted {
			return r.key, r.value, true, nil
		}
	}
	if !it.Valid() {
		return nil, nil, false, nil
	}
	item := it.Item()
	it.key = item.KeyCopy(it.key)
	it.value, err = item.ValueCopy(it.value)
	it.Next()
	return it.key, it.value, true, err
}

// bounds are the keys that a scan wants.
type bounds struct {
	prefix, from []byte
	reverse      bool
}

func (b bounds) has(key []byte) bool {
	if !bytes.HasPrefix(key, b.prefix) {
		return false
	}
	if b.from == nil {
		return true
	}
	c := bytes.Compare(key, b.from)
	return c == 0 || (c < 0) == b.reverse
}

// start is where a Badger iterator begins.
func (b bounds) start() []byte {
	if !b.reverse {
		if bytes.Compare(b.from, b.prefix) > 0 {
			return b.from
		}
		return b.prefix
	}
	end := append(bytes.Clone(b.prefix), aboveAll[:]...)
	if b.from != nil && bytes.Compare(b.from, end) < 0 {
		return b.from
	}
	return end
}

// aboveAll, after a prefix, sorts after every key that begins with it: ids are
// shorter and text has no such bytes.
var aboveAll = [64]byte(bytes.Repeat([]byte{0xff}, 64))

// cursor is a Badger iterator in bounds, with room for one copied pair.
type cursor struct {
	*badger.Iterator
	txn        *badger.Txn
	key, value []byte
}

// iterate reads Badger alone, as of a version that the caller has taken.
func (s *Store) iterate(version uint64, in bounds) *cursor {
	txn := s.db.NewTransactionAt(version, false)
	opt := badger.DefaultIteratorOptions
	// Prefetching starts a goroutine a value; inline values need none.
	opt.PrefetchValues = false
	opt.Reverse = in.reverse
	opt.Prefix = in.prefix
	c := &cursor{Iterator: txn.NewIterator(opt), txn: txn}
	c.Seek(in.start())
	return c
}

// Close ends the iterator and its transaction.
func (c *cursor) Close() {
	c.Iterator.Close()
	c.txn.Discard()
}

// life counts the readers of Badger, so that its end waits for them and no
// new ones come.
type life struct {
	mu      sync.Mutex
	readers int
	over    bool
	empty   chan struct{} // closed by the last reader, made by end
}

func (l *life) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.readers++
	}
	return !l.over
}

func (l *life) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readers--; l.readers == 0 && l.over {
		close(l.empty)
	}
}

func (l *life) end() {
	l.mu.Lock()
	l.over, l.empty = true, make(chan struct{})
	if l.readers == 0 {
		close(l.empty)
	}
	l.mu.Unlock()
	<-l.empty
}

// views counts who reads which version, so that compactions keep it.
type views struct {
	mu sync.Mutex
	at map[uint64]int
}

func (v *views) take(version uint64) (release func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.at == nil {
		v.at = map[uint64]int{}
	}
	v.at[version]++
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.at[version]--; v.at[version] == 0 {
			delete(v.at, version)
		}
	}
}

// oldest is the lowest version in use, at most the newest one.
func (v *views) oldest(newest uint64) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	for version := range v.at {
		newest = min(newest, version)
	}
	return newest
}
