package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPut(t *testing.T, s *Store, content string) string {
	t.Helper()
	i, err := s.Put(t.Context(), strings.NewReader(content), "", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return i.Digest
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return digestOf(sum[:])
}

// files lists what lies in the store's folders.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPut_isReadBack(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for _, content := range []string{"", "x", strings.Repeat("long ", 100_000)} {
		d := mustPut(t, s, content)
		if d != digest(content) {
			t.Fatalf("digest %s", d)
		}
		s = mustOpen(t, dir) // as after a restart
		b, err := s.ReadAll(d, 1<<20)
		if err != nil || string(b) != content {
			t.Fatalf("read %d bytes, %v", len(b), err)
		}
		if i, err := s.Stat(d); err != nil || i.Size != int64(len(content)) || !s.Has(d) {
			t.Fatalf("stat %+v, %v", i, err)
		}
	}
	if _, err := s.ReadAll(digest("x"), 0); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("ReadAll past its bound: %v", err)
	}
}

func TestPut_refusalsLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cases := map[string]struct {
		ctx  context.Context
		r    io.Reader
		want string
		max  int64
		err  error
	}{
		"another digest":   {t.Context(), strings.NewReader("a"), digest("b"), 10, ErrMismatch},
		"not a digest":     {t.Context(), strings.NewReader("a"), "sha256:../../etc/passwd", 10, ErrDigest},
		"upper case":       {t.Context(), strings.NewReader("a"), strings.ToUpper(digest("a")), 10, ErrDigest},
		"too large":        {t.Context(), strings.NewReader("eleven byte"), "", 10, ErrTooLarge},
		"the stream broke": {t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ab"))), "", 10, iotest.ErrTimeout},
		"given up":         {ended, strings.NewReader("a"), "", 10, context.Canceled},
	}
	for name, c := range cases {
		if _, err := s.Put(c.ctx, c.r, c.want, c.max); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := files(t, dir); len(left) != 0 {
		t.Fatalf("left over: %v", left)
	}
	if i, err := s.Put(t.Context(), strings.NewReader("exactly 10"), "", 10); err != nil || i.Size != 10 {
		t.Fatalf("at the bound: %+v, %v", i, err)
	}
}

func TestPut_againWritesNothingButChecks(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	d := mustPut(t, s, "content")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.path(d[len(algorithm):]), old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), strings.NewReader("other"), d, 100); !errors.Is(err, ErrMismatch) {
		t.Fatalf("other bytes: %v", err)
	}
	if i, _ := s.Stat(d); !i.Touched.Before(time.Now().Add(-time.Minute)) {
		t.Fatal("a refused Put made the blob young")
	}
	if _, err := s.Put(t.Context(), strings.NewReader("content"), d, 100); err != nil {
		t.Fatal(err)
	}
	if i, _ := s.Stat(d); i.Touched.Before(time.Now().Add(-time.Minute)) {
		t.Fatal("a Put did not make the blob young")
	}
}

func TestPut_sameBlobAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	content := strings.Repeat("same ", 50_000)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			want := ""
			if i%2 == 0 {
				want = digest(content)
			}
			i, err := s.Put(t.Context(), strings.NewReader(content), want, 1<<20)
			if err != nil || i.Digest != digest(content) {
				t.Errorf("%+v, %v", i, err)
			}
			if b, err := s.ReadAll(digest(content), 1<<20); err != nil || string(b) != content {
				t.Errorf("read %d bytes, %v", len(b), err)
			}
		})
	}
	wg.Wait()
	if left := files(t, dir); len(left) != 1 {
		t.Fatalf("files: %v", left)
	}
}

func TestOpenStore_clearsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	d := mustPut(t, s, "kept")
	half := filepath.Join(dir, temporaryDir, "put-123")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir)
	if _, err := os.Stat(half); err == nil {
		t.Fatal("half a blob is left")
	}
	if !s.Has(d) {
		t.Fatal("a whole blob is gone")
	}
}

func TestVerified_findsDamage(t *testing.T) {
	harm := map[string]func(path string) error{
		"a bit": func(path string) error {
			return os.WriteFile(path, []byte("contenu"), 0o600)
		},
		"cut short": func(path string) error { return os.Truncate(path, 3) },
		"emptied":   func(path string) error { return os.Truncate(path, 0) },
		"longer": func(path string) error {
			return os.WriteFile(path, []byte("content and more"), 0o600)
		},
	}
	for name, f := range harm {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, t.TempDir())
			d := mustPut(t, s, "content")
			if err := f(s.path(d[len(algorithm):])); err != nil {
				t.Fatal(err)
			}
			if b, err := s.ReadAll(d, 100); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%q, %v", b, err)
			}
			if s.Has(d) {
				t.Fatal("the damaged blob still counts as here")
			}
			mustPut(t, s, "content")
			if b, err := s.ReadAll(d, 100); err != nil || string(b) != "content" {
				t.Fatalf("put anew: %q, %v", b, err)
			}
		})
	}
}

func TestSweep_sparesPinnedReferredAndYoung(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	pinned, referred, old := mustPut(t, s, "pinned"), mustPut(t, s, "referred"), mustPut(t, s, "old")
	clock := time.Now().Add(2 * time.Hour)
	s.now = func() time.Time { return clock }
	young := mustPut(t, s, "young")
	again := mustPut(t, s, "again")
	if err := os.Chtimes(s.path(young[len(algorithm):]), clock, clock); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), strings.NewReader("again"), again, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(pinned); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Remove(pinned); gone || err != nil {
		t.Fatalf("removed a pinned blob: %v, %v", gone, err)
	}
	removed, size, err := s.Sweep(func(d string) bool { return d == referred }, time.Hour)
	if err != nil || removed != 1 || size != 3 {
		t.Fatalf("removed %d of %d bytes, %v", removed, size, err)
	}
	if s.Has(old) || !s.Has(pinned) || !s.Has(referred) || !s.Has(young) || !s.Has(again) {
		t.Fatal("the wrong blobs are gone")
	}
	s.Unpin(pinned)
	if removed, _, _ := s.Sweep(func(string) bool { return false }, time.Hour); removed != 2 {
		t.Fatalf("removed %d after the pin went", removed)
	}
	if err := s.Pin(pinned); !errors.Is(err, ErrNotFound) {
		t.Fatalf("pinned what is not there: %v", err)
	}
}

// TestSweep_racesWithPins: whoever has pinned a blob has it, whatever sweeps.
func TestSweep_racesWithPins(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for range 200 {
		d := mustPut(t, s, "contested")
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := s.Sweep(func(string) bool { return false }, -time.Hour); err != nil {
				t.Error(err)
			}
		})
		if s.Pin(d) == nil {
			wg.Wait()
			if !s.Has(d) {
				t.Fatal("a pinned blob was swept")
			}
			s.Unpin(d)
		}
		wg.Wait()
	}
}

func TestList_isInOrderAndStops(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	for i := range 50 {
		mustPut(t, s, strings.Repeat("x", i))
	}
	last, n := "", 0
	err := s.List(func(i Info) bool {
		if i.Digest <= last {
			t.Fatalf("%s after %s", i.Digest, last)
		}
		last = i.Digest
		n++
		return n < 40
	})
	if err != nil || n != 40 {
		t.Fatalf("%d blobs, %v", n, err)
	}
}

func FuzzCheckDigest(f *testing.F) {
	f.Add(digest("a"))
	f.Add("sha256:../../../../../../../../../../../../../../../../../../../../../etc")
	dir := f.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, d string) {
		name, err := checkDigest(d)
		if err != nil {
			return
		}
		if filepath.Dir(filepath.Dir(s.path(name))) != filepath.Clean(dir) || bytes.ContainsAny([]byte(name), "/.\\") {
			t.Fatalf("%q leads to %s", d, s.path(name))
		}
	})
}
