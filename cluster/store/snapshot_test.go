package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func snapshotOf(t testing.TB, s *Store) []byte {
	t.Helper()
	var buf bytes.Buffer
	index, term, err := s.WriteSnapshot(t.Context(), &buf)
	if err != nil {
		t.Fatal(err)
	}
	if index != s.AppliedIndex() || term != s.AppliedTerm() {
		t.Fatalf("snapshot of %d/%d at %d/%d", index, term, s.AppliedIndex(), s.AppliedTerm())
	}
	return buf.Bytes()
}

func mustRestore(t testing.TB, dir string, snapshot []byte) {
	t.Helper()
	if err := Restore(dir, bytes.NewReader(snapshot)); err != nil {
		t.Fatal(err)
	}
}

// fillSome applies entries that put and delete, and returns what is left.
func fillSome(t testing.TB, s *Store, entries int) map[string]string {
	t.Helper()
	want := map[string]string{}
	for i := range entries {
		k, v := fmt.Sprintf("k%05d", i*7919%entries), fmt.Sprintf("v%d", i)
		gone := fmt.Sprintf("k%05d", i*31%entries)
		entry(s, s.AppliedIndex()+1, k, v, gone, "")
		want[k] = v
		delete(want, gone)
		if i%100 == 0 {
			mustCheckpoint(t, s)
		}
	}
	return want
}

func sameContent(t testing.TB, s *Store, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := s.Scan(nil, nil, false, func(k, v []byte) bool {
		if !isOwn(k) {
			got[string(k)] = string(v)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if got[k] != v {
			t.Fatalf("%q is %q, want %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
}

func TestSnapshot_restoresElsewhere(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	want := fillSome(t, s, 1000)
	snap := snapshotOf(t, s)
	fillSome(t, s, 500) // must not show

	dir := t.TempDir()
	mustRestore(t, dir, snap)
	r := mustOpen(t, small(dir))
	if r.AppliedIndex() != 1000 || r.DurableIndex() != 1000 || r.AppliedTerm() != 1 {
		t.Fatalf("restored at %d/%d", r.AppliedIndex(), r.DurableIndex())
	}
	sameContent(t, r, want)
	// What is written after a restore must sort after what came with it.
	entry(r, 1001, "k00000", "new", "k00001", "")
	mustCheckpoint(t, r)
	mustClose(t, r)
	r = mustOpen(t, small(dir))
	expect(t, r, "k00000", "new")
	expect(t, r, "k00001", "")
}

func TestSnapshot_ofAnEmptyStore(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	dir := t.TempDir()
	mustRestore(t, dir, snapshotOf(t, s))
	r := mustOpen(t, small(dir))
	entry(r, 1, "a", "1")
	mustCheckpoint(t, r)
	expect(t, r, "a", "1")
}

func TestRestore_replacesUnderAnOpenStore(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, small(dir))
	entry(s, 5, "old", "1")
	other := mustOpen(t, small(t.TempDir()))
	entry(other, 9, "new", "1")
	mustRestore(t, dir, snapshotOf(t, other))
	expect(t, s, "old", "1")
	mustClose(t, s)
	s = mustOpen(t, small(dir))
	expect(t, s, "old", "")
	expect(t, s, "new", "1")
	if s.AppliedIndex() != 9 {
		t.Fatalf("applied %d", s.AppliedIndex())
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "db-*")); len(found) != 1 {
		t.Fatalf("left over: %v", found)
	}
}

func TestRestore_refusesDamage(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()))
	fillSome(t, s, 300)
	snap := snapshotOf(t, s)
	dir := t.TempDir()
	o := mustOpen(t, small(dir))
	entry(o, 1, "old", "1")
	mustClose(t, o)

	bad := map[string][]byte{"empty": nil, "more behind": append(bytes.Clone(snap), 0)}
	for _, n := range []int{1, len(snap) / 3, len(snap) - 40, len(snap) - 1} {
		bad[fmt.Sprintf("cut at %d", n)] = snap[:n]
		flipped := bytes.Clone(snap)
		flipped[n] ^= 4
		bad[fmt.Sprintf("flipped at %d", n)] = flipped
	}
	for name, b := range bad {
		if err := Restore(dir, bytes.NewReader(b)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Restore(dir, io.MultiReader(bytes.NewReader(snap[:500]), brokenReader{})); err == nil {
		t.Error("a broken stream was taken")
	}
	o = mustOpen(t, small(dir))
	expect(t, o, "old", "1")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestRestore_crashLeavesOldOrNew(t *testing.T) {
	donor := mustOpen(t, small(t.TempDir()))
	entry(donor, 9, "new", "1")
	snap := snapshotOf(t, donor)
	for _, fresh := range []bool{false, true} {
		dir := t.TempDir()
		if !fresh {
			s := mustOpen(t, small(dir))
			entry(s, 5, "old", "1")
			mustClose(t, s)
		}
		crashed := map[string]string{}
		re := restorer{dir: dir, step: func(at string) {
			crashed[at] = filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(crashed[at], os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
		}}
		if err := re.run(bytes.NewReader(snap)); err != nil {
			t.Fatal(err)
		}
		if len(crashed) != 4 {
			t.Fatalf("crashed at %v", crashed)
		}
		for at, copied := range crashed {
			t.Run(fmt.Sprintf("fresh=%v/%s", fresh, at), func(t *testing.T) {
				s := mustOpen(t, small(copied))
				if at == "named" {
					expect(t, s, "new", "1")
					return
				}
				expect(t, s, "new", "")
				if fresh {
					expect(t, s, "old", "")
				} else {
					expect(t, s, "old", "1")
				}
			})
		}
	}
}

func TestOpen_saysWhatIsWrong(t *testing.T) {
	cases := map[string]func(t *testing.T, dir string){
		"the database is gone": func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "db-000001")); err != nil {
				t.Fatal(err)
			}
		},
		"the name is gone": func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, currentName)); err != nil {
				t.Fatal(err)
			}
		},
		"the name is damaged": func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, currentName), []byte(formatLine+"\ndb-x\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"the manifest is damaged": func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "db-000001", "MANIFEST"), []byte("nonsense"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a table is damaged": func(t *testing.T, dir string) {
			tables, err := filepath.Glob(filepath.Join(dir, "db-000001", "*.sst"))
			if err != nil || len(tables) == 0 {
				t.Fatal(tables, err)
			}
			b, err := os.ReadFile(tables[0])
			if err != nil {
				t.Fatal(err)
			}
			b[100] ^= 1
			if err := os.WriteFile(tables[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, small(dir))
			fillSome(t, s, 200)
			mustClose(t, s)
			harm(t, dir)
			if s, err := Open(small(dir)); err == nil {
				mustClose(t, s)
				t.Fatal("opened")
			} else {
				t.Log(err)
			}
		})
	}
	t.Run("the log does not reach back", func(t *testing.T) {
		dir := t.TempDir()
		s := mustOpen(t, small(dir))
		entry(s, 5, "a", "1")
		mustClose(t, s)
		o := small(dir)
		o.Floor = 6
		if _, err := Open(o); err == nil {
			t.Fatal("opened")
		}
		o.Floor = 5
		mustOpen(t, o)
	})
}

func FuzzReadSnapshot(f *testing.F) {
	s := mustOpen(f, small(f.TempDir()))
	f.Add([]byte(snapshotMagic))
	for range 3 {
		fillSome(f, s, 20)
		f.Add(snapshotOf(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var buf bytes.Buffer
		sw := newSnapshotWriter(&buf)
		begun := false
		h, err := readSnapshot(bytes.NewReader(b), func(h snapshotHead, key, value []byte) error {
			if !begun {
				begun = true
				sw.head(h)
			}
			return sw.pair(key, value)
		})
		if err != nil {
			return
		}
		// Whatever is taken can be written and is then read as the same.
		if !begun {
			sw.head(h)
		}
		if err := sw.finish(); err != nil {
			t.Fatal(err)
		}
		if _, err := readSnapshot(&buf, func(snapshotHead, []byte, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSnapshotFrames gives the reader frames whose checksums are right.
func FuzzSnapshotFrames(f *testing.F) {
	head := []byte{frameHead, 1, 1, 2, 3}
	f.Add(head, []byte{framePairs, 1, 'a', 1, 'b'}, []byte{frameEnd, 1})
	f.Add(head, []byte{framePairs, 2, 'a', 'a', 0, 2, 'a', 'b', 0}, []byte{frameEnd, 2})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		var buf bytes.Buffer
		sw := newSnapshotWriter(&buf)
		for _, body := range [][]byte{a, b, c} {
			if len(body) > 0 && body[0] == frameEnd {
				body = sw.sum.Sum(bytes.Clone(body))
			}
			sw.frame(body)
		}
		if err := sw.w.Flush(); err != nil {
			t.Fatal(err)
		}
		var last []byte
		_, err := readSnapshot(&buf, func(_ snapshotHead, key, value []byte) error {
			if bytes.Compare(key, last) <= 0 || len(key) > maxKey || len(value) > maxValue {
				t.Fatalf("%q after %q", key, last)
			}
			last = bytes.Clone(key)
			return nil
		})
		if err != nil && !errors.Is(err, ErrSnapshot) {
			t.Fatal(err)
		}
	})
}
