package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommit_largerThanATransaction crashes a checkpoint that Badger cannot
// take at once at every step: the old one or the new one must be there, whole.
func TestCommit_largerThanATransaction(t *testing.T) {
	crashed := map[string]string{}
	dir := t.TempDir()
	o := small(dir)
	o.MaxBytes = 1 << 30
	o.seam = func(at string) {
		crashed[at] = filepath.Join(t.TempDir(), "copy")
		copyDir(t, dir, crashed[at])
	}
	s := mustOpen(t, o)
	old := map[string]string{}
	s.Begin()
	for i := range 2000 {
		k := fmt.Sprintf("k%05d", i)
		old[k] = "old"
		s.Put([]byte(k), []byte("old"))
	}
	s.Applied(1, 1, 0)
	mustCheckpoint(t, s)
	if len(crashed) != 0 {
		t.Fatal("a small checkpoint was split")
	}
	now := maps.Clone(old)
	value := strings.Repeat("v", 1000)
	s.Begin()
	for i := range 2500 {
		k := fmt.Sprintf("k%05d", i*2)
		now[k] = value
		s.Put([]byte(k), []byte(value))
	}
	for i := range 500 {
		k := fmt.Sprintf("k%05d", i*2+1)
		delete(now, k)
		s.Delete([]byte(k))
	}
	big := strings.Repeat("b", maxValue)
	now["big"] = big
	s.Put([]byte("big"), []byte(big))
	s.Applied(2, 1, 0)
	mustCheckpoint(t, s)
	if len(crashed) != 2 {
		t.Fatalf("crashed at %v", crashed)
	}
	check := func(s *Store, index uint64, want map[string]string) {
		t.Helper()
		if s.AppliedIndex() != index {
			t.Fatalf("at %d, want %d", s.AppliedIndex(), index)
		}
		sameContent(t, s, want)
		if n := len(load(t, s, string(ownKey(ownRedo)))); n != 0 {
			t.Fatalf("%d parts are left over", n)
		}
	}
	check(s, 2, now)
	for _, copied := range crashed {
		r := mustOpen(t, small(copied))
		check(r, 2, now)
		entry(r, 3, "k00000", "after")
		mustCheckpoint(t, r)
		expect(t, r, "k00000", "after")
	}
	// Parts without a marker are nobody's.
	if _, err := s.commitParts([]record{{key: redoKey(0), value: []byte{redoFormat, 1, 'x', 2, 'y'}}}, s.version); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = mustOpen(t, small(dir))
	check(s, 2, now)
	expect(t, s, "x", "")
}

// copyDir copies a store's files as a kill would leave them.
func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
