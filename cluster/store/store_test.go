package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// small is a store whose parts are small enough for a test's temporary folder.
func small(dir string) Options {
	return Options{Dir: dir, MemTable: 8 << 20, Reserve: -1, MinFree: 1, Window: time.Hour}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustCheckpoint(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// entry applies one log entry; a value of "" deletes.
func entry(s *Store, index uint64, pairs ...string) {
	s.Begin()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			s.Delete([]byte(pairs[i]))
		} else {
			s.Put([]byte(pairs[i]), []byte(pairs[i+1]))
		}
	}
	s.Applied(index, 1, int64(index)*1e9)
}

func expect(t *testing.T, s *Store, key, want string) {
	t.Helper()
	v, err := s.Get([]byte(key))
	if want == "" {
		if !errors.Is(err, ErrNotFound) {
			t.Fatalf("Get(%q) = %q, %v, want ErrNotFound", key, v, err)
		}
		return
	}
	if err != nil || string(v) != want {
		t.Fatalf("Get(%q) = %q, %v, want %q", key, v, err, want)
	}
}

func scan(t *testing.T, s *Store, prefix, from string, reverse bool) (out []string) {
	t.Helper()
	var f []byte
	if from != "" {
		f = []byte(from)
	}
	err := s.Scan([]byte(prefix), f, reverse, func(k, v []byte) bool {
		out = append(out, fmt.Sprintf("%s=%s", k, v))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func load(t *testing.T, s *Store, prefix string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := s.Load([][]byte{[]byte(prefix)}, func(k, v []byte) error {
		out[string(k)] = string(v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestStore_keepsWhatIsApplied(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, small(dir))
	entry(s, 1, "a1", "one", "a2", "two", "b1", "other")
	expect(t, s, "a1", "one")
	if d := s.DurableIndex(); d != 0 {
		t.Fatalf("durable %d before any checkpoint", d)
	}
	mustCheckpoint(t, s)
	if d := s.DurableIndex(); d != 1 {
		t.Fatalf("durable %d after the checkpoint, want 1", d)
	}
	entry(s, 2, "a1", "", "a3", "three")
	expect(t, s, "a1", "")
	expect(t, s, "a2", "two")
	want := []string{"a2=two", "a3=three"}
	if got := scan(t, s, "a", "", false); !slices.Equal(got, want) {
		t.Fatalf("scan %q, want %q", got, want)
	}
	slices.Reverse(want)
	if got := scan(t, s, "a", "", true); !slices.Equal(got, want) {
		t.Fatalf("reverse scan %q, want %q", got, want)
	}
	if got := scan(t, s, "a", "a2", true); !slices.Equal(got, []string{"a2=two"}) {
		t.Fatalf("scan down from a2: %q", got)
	}
	if got := scan(t, s, "a", "a25", false); !slices.Equal(got, []string{"a3=three"}) {
		t.Fatalf("scan up from a25: %q", got)
	}
	mustClose(t, s)

	s = mustOpen(t, small(dir))
	if s.AppliedIndex() != 2 || s.AppliedTerm() != 1 || s.DurableIndex() != 2 {
		t.Fatalf("reopened at %d/%d/%d", s.AppliedIndex(), s.AppliedTerm(), s.DurableIndex())
	}
	if got := load(t, s, "a"); len(got) != 2 || got["a3"] != "three" {
		t.Fatalf("loaded %q", got)
	}
}

func TestStore_takesWhatTheMachineHoldsBack(t *testing.T) {
	var s *Store
	cuts := 0
	o := small(t.TempDir())
	o.Cut = func() {
		cuts++
		s.Put([]byte("live"), fmt.Appendf(nil, "cut %d", cuts))
	}
	s = mustOpen(t, o)
	entry(s, 1, "a", "1")
	expect(t, s, "live", "")
	mustCheckpoint(t, s)
	expect(t, s, "live", "cut 1")
	mustCheckpoint(t, s)
	if cuts != 1 {
		t.Fatalf("%d cuts for one entry", cuts)
	}
}

func TestStore_cutsByWindow(t *testing.T) {
	o := small(t.TempDir())
	o.Window = time.Millisecond
	s := mustOpen(t, o)
	entry(s, 7, "a", "1")
	waitDurable(t, s, 7)
	if d, ok := s.nextWork(); ok {
		t.Fatalf("an idle store wakes in %s", d)
	}
}

func TestStore_cutsByBytes(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 100_000
	s := mustOpen(t, o)
	value := string(bytes.Repeat([]byte("v"), 1000))
	for i := uint64(1); i <= 1000; i++ {
		entry(s, i, fmt.Sprintf("k%d", i), value)
		s.mu.RLock()
		held := s.open.bytes
		if s.flight != nil {
			held += s.flight.bytes
		}
		s.mu.RUnlock()
		if held > 2*o.MaxBytes {
			t.Fatalf("%d bytes are held after entry %d", held, i)
		}
	}
	if s.DurableIndex() < 700 {
		t.Fatalf("durable %d of 1000 entries of 1 kB with 100 kB a checkpoint", s.DurableIndex())
	}
}

func waitDurable(t testing.TB, s *Store, index uint64) {
	t.Helper()
	waitFor(t, func() bool { return s.DurableIndex() >= index })
}

func waitFor(t testing.TB, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		<-time.After(time.Millisecond)
	}
}

func TestStore_checkpointHeedsItsContext(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	entry(s, 1, "a", "1")
	s.Begin() // an entry that takes its time
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Checkpoint(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	s.Applied(2, 1, 0)
}

func TestStore_readsAfterCloseAreRefused(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	mustClose(t, s)
	if _, err := s.Get([]byte("a")); !errors.Is(err, ErrClosed) {
		t.Fatalf("Get: %v", err)
	}
	if err := s.Scan([]byte("a"), nil, false, nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("Scan: %v", err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Fatalf("second Close: %v", err)
	}
}

// TestDelete_leavesNoTombstoneOfWhatNeverCame counts all that Badger holds,
// tombstones included.
func TestDelete_leavesNoTombstoneOfWhatNeverCame(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	held := func() (n int) {
		txn := s.db.NewTransactionAt(s.version, false)
		defer txn.Discard()
		o := badger.DefaultIteratorOptions
		o.AllVersions = true
		it := txn.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if !isOwn(it.Item().Key()) {
				n++
			}
		}
		return n
	}
	entry(s, 1, "kept", "1")
	mustCheckpoint(t, s)
	s.Begin()
	for i := range 1000 {
		k := fmt.Appendf(nil, "k%d", i)
		if i%2 == 0 {
			s.Put(k, []byte("short-lived"))
		}
		s.Delete(k)
	}
	s.Applied(2, 1, 0)
	mustCheckpoint(t, s)
	if n := held(); n != 1 {
		t.Fatalf("Badger holds %d records, want 1", n)
	}
	entry(s, 3, "kept", "")
	mustCheckpoint(t, s)
	expect(t, s, "kept", "")
	if n := held(); n != 2 {
		t.Fatalf("Badger holds %d records, want the old one and its tombstone", n)
	}
}
