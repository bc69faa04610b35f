package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

func taskID(n int) queue.ID {
	var id queue.ID
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

// finish applies an entry at a time in which so many tasks, from the given
// number on, end with one attempt each and expire at another time.
func finish(s *Store, now, at int64, from, n int) {
	s.Begin()
	for i := from; i < from+n; i++ {
		for _, k := range state.TaskKeys(0, taskID(i), 1) {
			s.Put(k, fmt.Append(nil, i))
		}
		s.Expire(0, at, taskID(i), 1)
	}
	s.Applied(s.AppliedIndex()+1, 1, now)
}

// tick applies an entry that only brings the time forward.
func tick(t *testing.T, s *Store, now int64) {
	t.Helper()
	s.Begin()
	s.Applied(s.AppliedIndex()+1, 1, now)
	mustCheckpoint(t, s)
}

// kept counts the keys that Badger has, without the store's own.
func kept(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.Scan(nil, nil, false, func(k, _ []byte) bool {
		if !isOwn(k) {
			n++
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lists counts the expiry lists on disk.
func lists(t *testing.T, s *Store) int {
	t.Helper()
	return len(load(t, s, string(ownKey(ownExpiry))))
}

const sec = int64(1e9)

func TestExpiry_deletesOnceItsMinuteHasPassed(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	finish(s, 10*sec, 100*sec, 0, 3)
	mustCheckpoint(t, s)
	if got := s.NextExpiry(); got != 120*sec {
		t.Fatalf("next expiry at %d s, want 120", got/sec)
	}
	tick(t, s, 119*sec)
	if n := kept(t, s); n != 12 {
		t.Fatalf("%d keys before the time, want 12", n)
	}
	tick(t, s, 120*sec)
	if n := kept(t, s); n != 0 {
		t.Fatalf("%d keys after the time", n)
	}
	if n := lists(t, s); n != 0 || s.NextExpiry() != 0 {
		t.Fatalf("%d lists left, next expiry %d", n, s.NextExpiry())
	}
}

func TestExpiry_earlierListsMayComeLater(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	finish(s, 0, 1000*minute, 0, 1)
	mustCheckpoint(t, s)
	finish(s, 1*minute, 5*minute, 1, 1)
	mustCheckpoint(t, s)
	tick(t, s, 5*minute) // sweeps the second, looks at the first
	finish(s, 6*minute, 7*minute, 2, 1)
	finish(s, 6*minute, 1*minute, 3, 1) // due long ago
	mustCheckpoint(t, s)
	if got := s.NextExpiry(); got != 0 {
		t.Fatalf("next expiry %d although something is overdue", got)
	}
	tick(t, s, 6*minute+1)
	if got := s.NextExpiry(); got != 7*minute {
		t.Fatalf("next expiry %d min, want 7", got/minute)
	}
	tick(t, s, 8*minute)
	if n := kept(t, s); n != 4 {
		t.Fatalf("%d keys left, want those of the first task", n)
	}
	tick(t, s, 1000*minute)
	if n := kept(t, s); n != 0 {
		t.Fatalf("%d keys left", n)
	}
}

func TestExpiry_isBoundedAndGoesOn(t *testing.T) {
	const tasks = 2*sweepTasks + 500
	dir := t.TempDir()
	s := mustOpen(t, small(dir))
	finish(s, 0, minute, 0, tasks)
	mustCheckpoint(t, s)
	tick(t, s, 2*minute)
	if n := kept(t, s); n != 4*(tasks-sweepTasks) {
		t.Fatalf("%d keys after one sweep of %d tasks", n, tasks)
	}
	// What is half swept goes on after a restart and elsewhere.
	other := t.TempDir()
	mustRestore(t, other, snapshotOf(t, s))
	mustClose(t, s)
	for _, d := range []string{dir, other} {
		s = mustOpen(t, small(d))
		tick(t, s, 2*minute)
		if n := kept(t, s); n != 4*500 {
			t.Fatalf("%d keys after the second sweep", n)
		}
		tick(t, s, 2*minute)
		if n, l := kept(t, s), lists(t, s); n != 0 || l != 0 {
			t.Fatalf("%d keys and %d lists left", n, l)
		}
		mustClose(t, s)
	}
}

// TestExpiry_largeRunGoesOn: a sweep of a run begins behind what the one before
// has deleted, after a restart as well.
func TestExpiry_largeRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, small(dir))
	run := taskID(0).Run()
	const tasks = 2*sweepKeys + 500
	s.Begin()
	s.Put(state.EndedRunKey(0, run), []byte("run"))
	for i := range uint32(tasks) {
		s.Put(state.FinishedKey(0, run.Plus(i+1)), []byte("task"))
	}
	s.ExpireRun(0, minute, run, 1)
	s.Applied(s.AppliedIndex()+1, 1, 0)
	mustCheckpoint(t, s)
	tick(t, s, 2*minute)
	if n := kept(t, s); n != tasks+1-sweepKeys {
		t.Fatalf("%d keys after one sweep", n)
	}
	s.Begin()
	s.Put(state.FinishedKey(0, run.Plus(1)), []byte("a mark")) // which a sweep from the run's first key on would find
	s.Applied(s.AppliedIndex()+1, 1, 2*minute)
	mustClose(t, s)
	s = mustOpen(t, small(dir))
	for range 3 {
		tick(t, s, 2*minute)
	}
	if n := kept(t, s); n != 1 {
		t.Errorf("%d keys left, want the mark", n)
	}
	if h := s.sweep.head; h.last != nil || h.gone != 0 {
		t.Errorf("the head is %+v", h)
	}
	mustClose(t, s)
}

func TestExpiry_needsNoEntriesToGoOn(t *testing.T) {
	o := small(t.TempDir())
	o.Window = 1e6
	s := mustOpen(t, o)
	finish(s, 0, minute, 0, 3*sweepTasks)
	s.Begin()
	s.Applied(s.AppliedIndex()+1, 1, minute)
	waitFor(t, func() bool { return s.DurableIndex() == 2 && s.sweep.next.Load() == never })
	if n := kept(t, s); n != 0 {
		t.Fatalf("%d keys left", n)
	}
	if s.DurableIndex() != s.AppliedIndex() {
		t.Fatalf("durable %d of %d", s.DurableIndex(), s.AppliedIndex())
	}
}

func TestExpiry_ofATaskWithManyAttempts(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	const attempts = sweepKeys + 2000
	s.Begin()
	for n := uint32(1); n <= attempts; n++ {
		s.Put(state.AttemptKey(0, taskID(1), n), []byte("x"))
	}
	s.Put(state.FinishedKey(0, taskID(1)), []byte("x"))
	s.Expire(0, minute, taskID(1), 4_000_000_000)
	s.Applied(1, 1, 0)
	mustCheckpoint(t, s)
	tick(t, s, minute)
	tick(t, s, minute)
	if n := kept(t, s); n != 0 {
		t.Fatalf("%d keys left", n)
	}
}

func TestExpiry_headsPassNoTombstones(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	for i := range 300 {
		finish(s, int64(i)*minute, int64(i+1)*minute, i, 1)
		mustCheckpoint(t, s)
	}
	it := s.iterate(s.version, bounds{prefix: ownKey(ownExpiry), from: s.sweep.head.at.key()})
	defer it.Close()
	if !it.Valid() {
		t.Fatal("no list left")
	}
	first, err := parseListKey(it.Item().Key())
	if err != nil || first.minute != 299 && first.minute != 300 {
		t.Fatalf("the first list is of minute %d, %v", first.minute, err)
	}
	if h := s.sweep.head.at; h.minute < 298 {
		t.Fatalf("the head stands at minute %d: a seek would pass all that was deleted", h.minute)
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte{listFormat, 0})
	f.Add(encodeList([]expiry{{shard: 3, attempts: 200, id: taskID(1)}, {id: taskID(2)}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeList(b)
		if err != nil {
			return
		}
		again, err := decodeList(encodeList(list))
		if err != nil || !slices.Equal(list, again) {
			t.Fatalf("%v became %v, %v", list, again, err)
		}
	})
}

func FuzzDecodeOwnRecords(f *testing.F) {
	f.Add(sweepHead{at: listAt{1, 2, 3}, gone: 4}.encode())
	f.Add(meta{index: 1 << 40, term: 3, time: -5}.encode())
	f.Add(listAt{1, 2, 3}.key())
	f.Add([]byte{redoFormat, 1, 'k', 2, 'v', 1, 'd', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := decodeHead(b); err == nil {
			if h2, err := decodeHead(h.encode()); err != nil || !reflect.DeepEqual(h2, h) {
				t.Fatalf("head %v became %v, %v", h, h2, err)
			}
		}
		if m, err := decodeMeta(b); err == nil {
			if m2, err := decodeMeta(m.encode()); err != nil || m2 != m {
				t.Fatalf("meta %v became %v, %v", m, m2, err)
			}
		}
		if at, err := parseListKey(b); err == nil && !bytes.Equal(at.key(), b) {
			t.Fatalf("%x became %x", b, at.key())
		}
		if ops, err := decodeOps(b, nil); err == nil && len(ops) > 0 {
			body, rest := encodeOps(ops)
			again, err := decodeOps(body, nil)
			if err != nil || len(again)+len(rest) != len(ops) {
				t.Fatalf("%d changes became %d and %d, %v", len(ops), len(again), len(rest), err)
			}
		}
		if _, err := parsePlace(string(b)); err == nil {
			t.Log("a place")
		}
	})
}
