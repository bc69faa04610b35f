package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// servers is a cluster in one process.
type servers []*server

// mustCluster founds a cluster of so many servers: the first alone, the others
// join it.
func mustCluster(t testing.TB, count int, cfg Config) servers {
	t.Helper()
	var c servers
	for i := range count {
		s := &server{t: t, dir: t.TempDir(), name: fmt.Sprint("n", i), cfg: cfg}
		if i > 0 {
			s.cfg.Join = []string{c[0].addr}
		}
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		c = append(c, s)
	}
	c.waitVoters(count)
	return c
}

func (c servers) waitVoters(count int) {
	c[0].t.Helper()
	eventually(c[0].t, fmt.Sprint(count, " voters"), func() bool {
		voters := 0
		for _, s := range c[0].servers() {
			if s.Suffrage == 0 {
				voters++
			}
		}
		return voters == count
	})
}

func (c servers) running() servers {
	return slices.DeleteFunc(slices.Clone(c), func(s *server) bool { return s.Node == nil })
}

// leader waits for a leader and gives it.
func (c servers) leader() *server {
	c[0].t.Helper()
	var found *server
	eventually(c[0].t, "there is a leader", func() bool {
		for _, s := range c.running() {
			if l, _ := s.Leadership(); l.Self {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// follower gives a server that knows another to lead.
func (c servers) follower() *server {
	c[0].t.Helper()
	var found *server
	eventually(c[0].t, "a follower knows the leader", func() bool {
		for _, s := range c.running() {
			if l, _ := s.Leadership(); !l.Self && l.Addr != "" {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// same waits until all running servers hold the same commands, and gives them.
func (c servers) same() []string {
	c[0].t.Helper()
	var want []string
	eventually(c[0].t, "all servers hold the same", func() bool {
		live := c.running()
		want = live[0].shard.all()
		for _, s := range live[1:] {
			if !slices.Equal(want, s.shard.all()) {
				return false
			}
		}
		return true
	})
	return want
}

func TestThreeServers(t *testing.T) {
	c := mustCluster(t, 3, Config{HTTPAddr: "127.0.0.1:1", Role: "all", Version: 7})
	for i, s := range c {
		s.mustPropose(fmt.Sprint("from ", i))
	}
	if got := c.same(); len(got) != 3 {
		t.Fatalf("commands: %q", got)
	}
	members := c[2].Members(within(t))
	if len(members) != 3 {
		t.Fatalf("members: %+v", members)
	}
	leaders := 0
	for i, m := range members {
		if m.ID != fmt.Sprint("n", i) || m.HTTPAddr == "" || m.RaftAddr != c[i].addr || m.Version != 7 || !m.Voter {
			t.Errorf("member %d: %+v", i, m)
		}
		if m.State == MemberLeader {
			leaders++
		}
	}
	if leaders != 1 {
		t.Errorf("%d leaders in %+v", leaders, members)
	}
}

func TestReadYourWritesAnywhere(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	for i := range 30 {
		text := fmt.Sprint("w", i)
		writer, reader := c[i%3], c[(i+1)%3]
		_, index := writer.mustPropose(text)
		if i%2 == 0 {
			if err := reader.WaitIndex(within(t), index); err != nil {
				t.Fatal(err)
			}
		} else if _, err := reader.ReadIndex(within(t)); err != nil {
			t.Fatal(err)
		}
		if got := reader.shard.all(); !slices.Contains(got, text) {
			t.Fatalf("%s is not there after it was acknowledged: %q", text, got)
		}
	}
}

func TestLeaderStops(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	c[0].mustPropose("before")
	old := c.leader()
	old.stop()
	c.leader().mustPropose("after")
	if err := old.start(); err != nil {
		t.Fatal(err)
	}
	if got := c.same(); !slices.Equal(got, []string{"before", "after"}) {
		t.Fatalf("commands: %q", got)
	}
	old.mustPropose("from the old one")
}

func TestTransferAndRemove(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	c[1].mustPropose("x")
	if err := c[2].Transfer(within(t), "n2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "n2 leads", func() bool { l, _ := c[2].Leadership(); return l.Self })
	if err := c[1].Transfer(within(t), "n9"); err == nil {
		t.Fatal("leadership went to a server that does not exist")
	}
	if err := c[0].Remove(within(t), "n2"); err != nil {
		t.Fatal(err)
	}
	c[:2].waitVoters(2)
	c[:2].leader().mustPropose("y")
	t.Log(c[2].mustFail())
}

// TestEveryServerAtOnce lets callers at all servers propose while leadership
// moves; what is acknowledged must be there once, in one order, and what was
// refused must not be there.
func TestEveryServerAtOnce(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	acked, refused := map[string]bool{}, map[string]bool{}
	var work sync.WaitGroup
	stop := make(chan struct{})
	for i := range 24 {
		s := c[i%3]
		work.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprint(i, "-", k)
				_, _, err := s.Propose(ctx, []byte(text))
				mu.Lock()
				switch {
				case err == nil:
					acked[text] = true
				case errors.Is(err, ErrNotLeader) || errors.Is(err, ErrNoLeader):
					refused[text] = true
				case !errors.Is(err, ErrUnknownOutcome):
					t.Error(err)
				}
				mu.Unlock()
			}
		})
	}
	for range 4 {
		want := func() int { mu.Lock(); defer mu.Unlock(); return len(acked) + 200 }()
		eventually(t, "work goes on", func() bool { mu.Lock(); defer mu.Unlock(); return len(acked) >= want })
		if err := c.leader().Transfer(ctx, ""); err != nil {
			t.Log(err)
		}
	}
	close(stop)
	work.Wait()
	all := c.same()
	seen := map[string]bool{}
	for _, text := range all {
		if seen[text] {
			t.Fatalf("%s was applied twice", text)
		}
		seen[text] = true
		if refused[text] {
			t.Errorf("%s was refused and yet applied", text)
		}
	}
	for text := range acked {
		if !seen[text] {
			t.Errorf("%s was acknowledged and is lost", text)
		}
	}
	t.Logf("%d acknowledged, %d refused, %d applied", len(acked), len(refused), len(all))
}

func TestFoundTogether(t *testing.T) {
	var c servers
	for i := range 3 {
		s := &server{t: t, dir: t.TempDir(), name: fmt.Sprint("n", i), cfg: Config{BootstrapExpect: 3}}
		if i == 0 {
			s.cfg.Join = []string{"127.0.0.1:1"} // nobody: it learns of the others when they call
		} else {
			s.cfg.Join = []string{c[0].addr}
		}
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.stop)
		c = append(c, s)
	}
	c.leader().mustPropose("x")
	c.same()
	if a, b := c[0].folder.Cluster(), c[2].folder.Cluster(); a != b {
		t.Fatalf("clusters %x and %x", a, b)
	}
	// A restart with the same flags goes on; a fourth comes too late.
	c[1].stop()
	if err := c[1].start(); err != nil {
		t.Fatal(err)
	}
	c[1].mustPropose("y")
	late := mustStart(t, t.TempDir(), Config{BootstrapExpect: 3, Join: []string{c[0].addr}})
	t.Log(late.mustFail())
}

func TestCommandsWaitForALeader(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	c[0].mustPropose("x")
	c[0].stop()
	c[1].stop()
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	if _, _, err := c[2].Propose(ctx, []byte("lonely")); !errors.Is(err, ErrNoLeader) && !errors.Is(err, ErrUnknownOutcome) {
		t.Fatalf("a minority took a command: %v", err)
	}
	if _, err := c[2].ReadIndex(ctx); err == nil {
		t.Fatal("a minority read")
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := c[2].Propose(within(t), []byte("patient"))
		done <- err
	}()
	if err := c[0].start(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
