package cluster

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		os.Exit(childMain())
	}
	goleak.VerifyTestMain(m)
}

func TestLoneServer(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	s := mustStart(t, dir, Config{})
	s.waitLead()
	t.Logf("fresh start to leader: %v", time.Since(began))
	for i := range 10 {
		if r, _ := s.mustPropose(fmt.Sprint("a", i)); r.Version != uint32(i+1) {
			t.Fatalf("command %d came at place %d", i, r.Version)
		}
	}
	index, err := s.ReadIndex(within(t))
	if err != nil || index != s.AppliedIndex() {
		t.Fatalf("read index %d, %v; applied %d", index, err, s.AppliedIndex())
	}
	s.stop()
	began = time.Now()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.waitLead()
	t.Logf("second start to leader: %v", time.Since(began))
	if got := len(s.shard.all()); got != 10 {
		t.Fatalf("after restart: %d commands, want 10", got)
	}
}

// TestAloneInItsList: a server that is told of itself alone is told of no
// other.
func TestAloneInItsList(t *testing.T) {
	addr := "127.0.0.1:4" // which nobody asks
	s := mustStart(t, t.TempDir(), Config{Join: []string{addr}, RaftAddr: addr, BootstrapExpect: 1})
	s.waitLead()
}

func TestConcurrentCommandsCoalesce(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	const callers, each = 200, 50
	var work sync.WaitGroup
	for c := range callers {
		work.Go(func() {
			last := uint32(0)
			for i := range each {
				r, _ := s.mustPropose(fmt.Sprint(c, "/", i))
				if r.Version <= last {
					t.Errorf("caller %d: command %d came before the one it waited for", c, i)
				}
				last = r.Version
			}
		})
	}
	work.Wait()
	seen := map[string]bool{}
	for _, c := range s.shard.all() {
		if seen[c] {
			t.Fatalf("%s was applied twice", c)
		}
		seen[c] = true
	}
	if len(seen) != callers*each {
		t.Fatalf("%d commands applied, want %d", len(seen), callers*each)
	}
	if entries := s.AppliedIndex(); entries > callers*each/4 {
		t.Errorf("%d commands took %d entries", callers*each, entries)
	}
	if s.shard.wentOld > 0 {
		t.Errorf("T went back %d times", s.shard.wentOld)
	}
}
