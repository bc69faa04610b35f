package store

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// copyLive copies a store's files as a kill between two checkpoints would
// leave them. Badger may be at work meanwhile; then the copy is made anew.
func copyLive(s *Store, to string) error {
	s.turn <- struct{}{}
	defer s.endTurn()
	if done := s.inFlight(); done != nil {
		<-done
	}
	for range 1000 {
		before, err := listing(s.opt.Dir)
		if err == nil {
			err = os.CopyFS(to, os.DirFS(s.opt.Dir))
		}
		if err == nil {
			var after string
			if after, err = listing(s.opt.Dir); err == nil && after == before {
				return nil
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	return errors.New("the store never comes to rest")
}

// listing changes when Badger writes a table or its manifest or drops a log.
func listing(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, i.Size(), i.ModTime())
		}
		return err
	})
	return b.String(), err
}

const childEnv = "WINDROW_STORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		crashingChild(dir)
		return
	}
	// A step of the model opens databases: a hundred runs of it are for those
	// who ask for them.
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("15"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// childEntry is entry number i of a log that both sides know.
func childEntry(i uint64) logEntry {
	r := rand.New(rand.NewPCG(i, 1))
	e := logEntry{now: int64(i) * sec, puts: map[string]string{}}
	for range r.IntN(20) {
		e.puts[fmt.Sprintf("k%d", r.IntN(500))] = strings.Repeat("v", r.IntN(2000)) + strconv.FormatUint(i, 10)
	}
	for range r.IntN(5) {
		e.gone = append(e.gone, fmt.Sprintf("k%d", r.IntN(500)))
	}
	e.tasks = []modelTask{{n: int(i), attempts: 1, at: e.now + 100*sec}}
	return e
}

// crashingChild applies the log and says what is durable, until it is killed.
func crashingChild(dir string) {
	o := small(dir)
	o.Window = 2 * time.Millisecond
	o.MaxBytes = 200_000
	s, err := Open(o)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var h history
	for i := s.AppliedIndex() + 1; ; i++ {
		h.entries = make([]logEntry, i-1) // apply takes the index from it
		h.apply(s, childEntry(i))
		fmt.Println(s.DurableIndex())
	}
}

func TestKill_losesNothingDurable(t *testing.T) {
	dir := t.TempDir()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		durable := killChild(t, dir, time.Duration(20+rand.IntN(300))*time.Millisecond)
		s := mustOpen(t, small(dir))
		index := s.AppliedIndex()
		if index < durable {
			t.Fatalf("round %d: killed with %d durable, opened at %d", round, durable, index)
		}
		var h history
		for i := uint64(1); i <= index; i++ {
			h.entries = append(h.entries, childEntry(i))
		}
		h.check(t, s, bounds{})
		t.Logf("round %d: durable %d, opened at %d", round, durable, index)
		mustClose(t, s)
	}
}

// killChild lets a child work for a while, kills it and tells the last durable
// index that it spoke of.
func killChild(t *testing.T, dir string, after time.Duration) (durable uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if last == "" { // it is at work
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		last = lines.Text()
	}
	if err := cmd.Wait(); err == nil {
		t.Fatalf("the child ended by itself: %s", last)
	}
	durable, err = strconv.ParseUint(last, 10, 64)
	if err != nil {
		t.Fatalf("the child said %q", last)
	}
	return durable
}

// TestTornLog: a crash in the middle of a commit leaves pages of it, any of
// them. The checkpoint before must be there, whole, or the torn one, whole.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	o := small(dir)
	s := mustOpen(t, o)
	var h history
	for i := uint64(1); i <= 20; i++ {
		h.apply(s, childEntry(i))
	}
	mustCheckpoint(t, s)
	before := filepath.Join(t.TempDir(), "before")
	copyDir(t, dir, before)
	for i := uint64(21); i <= 60; i++ {
		h.apply(s, childEntry(i))
	}
	mustCheckpoint(t, s)
	log := filepath.Base(s.wal.path(s.wal.active))
	older := mustRead(t, filepath.Join(before, "db-000001", log))
	newer := mustRead(t, filepath.Join(dir, "db-000001", log))
	seen := map[uint64]int{}
	for round := range 30 {
		r := rand.New(rand.NewPCG(uint64(round), 2))
		torn := append([]byte(nil), older...)
		for at := 0; at < len(torn); at += 4096 {
			if round == 0 || r.IntN(40) > 0 { // most pages came through
				copy(torn[at:], newer[at:min(at+4096, len(newer))])
			}
		}
		crashed := filepath.Join(t.TempDir(), "crashed")
		copyDir(t, before, crashed)
		if err := os.WriteFile(filepath.Join(crashed, "db-000001", log), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		c := mustOpen(t, small(crashed))
		seen[c.AppliedIndex()]++
		h.check(t, c, bounds{})
		mustClose(t, c)
	}
	if seen[20] == 0 || seen[60] == 0 || len(seen) != 2 {
		t.Fatalf("opened at %v, want both 20 and 60 and nothing else", seen)
	}
}

// TestDamagedLog: a flipped bit amid a log takes all later checkpoints with it,
// and Badger says nothing. What is left must be an earlier checkpoint, whole,
// and where the log of entries cannot fill the gap the store must not open.
func TestDamagedLog(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, small(dir))
	var h history
	for i := uint64(1); i <= 30; i++ {
		h.apply(s, childEntry(i))
		mustCheckpoint(t, s)
	}
	durable := s.DurableIndex()
	crashed := filepath.Join(t.TempDir(), "crashed")
	copyDir(t, dir, crashed)
	log := filepath.Join(crashed, "db-000001", filepath.Base(s.wal.path(s.wal.active)))
	b := mustRead(t, log)
	b[s.wal.written/3] ^= 0x10
	if err := os.WriteFile(log, b, 0o600); err != nil {
		t.Fatal(err)
	}
	o := small(crashed)
	o.Floor = durable
	if _, err := Open(o); err == nil {
		t.Fatal("opened behind its log")
	}
	c := mustOpen(t, small(crashed))
	if c.AppliedIndex() == 0 || c.AppliedIndex() >= durable {
		t.Fatalf("opened at %d of %d", c.AppliedIndex(), durable)
	}
	h.check(t, c, bounds{})
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
