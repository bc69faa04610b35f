package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer/peertest"
)

func TestClusterOverTLS(t *testing.T) {
	ca := peertest.NewAuthority(t)
	var c servers
	for i := range 3 {
		s := &server{t: t, dir: t.TempDir(), name: fmt.Sprint("n", i), tls: ca.Issue("127.0.0.1")}
		if i > 0 {
			s.cfg.Join = []string{c[0].addr}
		}
		s.mustRestart()
		t.Cleanup(s.stop)
		c = append(c, s)
	}
	c.waitVoters(3)
	for i, s := range c {
		s.mustPropose(fmt.Sprint("from ", i))
		if _, err := s.ReadIndex(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.same(); len(got) != 3 {
		t.Fatalf("commands: %q", got)
	}
}

// TestCommitsAreTold: followers learn of a commit though Raft itself would not
// tell them before the next entry.
func TestCommitsAreTold(t *testing.T) {
	c := mustCluster(t, 3, Config{commitTimeout: time.Hour})
	for i := range 5 {
		_, index := c.leader().mustPropose(fmt.Sprint("x", i))
		for _, s := range c {
			if err := s.WaitIndex(within(t), index); err != nil {
				t.Fatalf("%s never heard of entry %d: %v", s.name, index, err)
			}
		}
	}
	_, index := c.follower().mustPropose("from a follower")
	for _, s := range c {
		if err := s.WaitIndex(within(t), index); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForgedCommit: a hint of an entry that is another here is not passed on.
func TestForgedCommit(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	_, index := c[0].mustPropose("x")
	f := c.follower()
	if err := f.WaitIndex(within(t), index); err != nil {
		t.Fatal(err)
	}
	last := f.raft.LastIndex()
	if err := f.commitUpTo(commitHint{term: 99, index: last + 5}); err == nil {
		t.Error("a commit of an entry that is not here was passed on")
	}
	if err := f.logs.LogStore.StoreLog(&raft.Log{Index: last + 1, Term: 2, Type: raft.LogCommand}); err != nil {
		t.Fatal(err)
	}
	if err := f.commitUpTo(commitHint{term: 3, index: last + 1}); !errors.Is(err, errHintTerm) {
		t.Errorf("a commit of another term's entry: %v", err)
	}
}

func TestBackupAndRestore(t *testing.T) {
	old := mustStart(t, t.TempDir(), Config{})
	old.waitLead()
	old.fill("old", 7, 10)
	var image bytes.Buffer
	if err := old.Backup(within(t), &image); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(c servers){
		"into a young cluster": func(servers) {},
		"into an older one":    func(c servers) { c.leader().fill("new", 30, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			c := mustCluster(t, 3, Config{})
			prepare(c)
			c[0].mustPropose("gone after the restore")
			c.same()
			if err := c.follower().Restore(within(t), bytes.NewReader(image.Bytes())); !errors.Is(err, ErrNotLeader) {
				t.Fatalf("a follower restored: %v", err)
			}
			if err := c.leader().Restore(within(t), bytes.NewReader(image.Bytes())); err != nil {
				t.Fatal(err)
			}
			c.leader().mustPropose("after")
			c.follower().mustPropose("and more")
			got := c.same()
			if want := append(old.shard.all(), "after", "and more"); !slices.Equal(got, want) {
				t.Fatalf("commands: %q, want %q", got, want)
			}
			lead := c.leader()
			lead.crash()
			lead.mustRestart()
			c.leader().mustPropose("the end")
			c.same()
		})
	}
	t.Run("damaged", func(t *testing.T) {
		for _, at := range []int{0, len(backupHead) + 1, image.Len() - backupTail, image.Len() - 1} {
			bad := bytes.Clone(image.Bytes())
			bad[at] ^= 1
			if err := old.Restore(within(t), bytes.NewReader(bad)); !errors.Is(err, ErrBackup) {
				t.Errorf("byte %d changed: %v", at, err)
			}
		}
		if err := old.Restore(within(t), bytes.NewReader(image.Bytes()[:image.Len()-1])); err == nil {
			t.Error("a short backup was restored")
		}
		if err := old.Restore(within(t), strings.NewReader("no backup")); !errors.Is(err, ErrBackup) {
			t.Errorf("no backup: %v", err)
		}
		if len(old.shard.all()) != 7 {
			t.Error("a damaged backup changed the state")
		}
	})
}

// TestRecoverServers: two of three are gone for good, and the third goes on
// alone with everything that was acknowledged.
func TestRecoverServers(t *testing.T) {
	c := mustCluster(t, 3, small())
	c[0].mustPropose("first")
	c[0].fill("a", 60, 40<<10)
	c.same()
	for _, s := range c {
		s.crash()
	}
	last := c[1]
	b, err := json.Marshal([]map[string]string{{"id": last.name, "address": last.addr}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(last.dir, "raft", recoveryName)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	last.mustRestart()
	last.waitLead()
	last.mustPropose("alone")
	if got := last.shard.all(); len(got) != 62 || got[61] != "alone" {
		t.Fatalf("%d commands", len(got))
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the file would be carried out again: %v", err)
	}
	last.stop()
	last.mustRestart()
	last.waitLead()
	if got := last.shard.all(); len(got) != 62 {
		t.Fatalf("%d commands", len(got))
	}
}

// TestRestoredPastTheLog: a server that leads with a state newer than its log
// must not give used indexes to new commands.
func TestRestoredPastTheLog(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	s.mustPropose("a")
	s.crash()
	ahead, err := openList(filepath.Join(s.dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	ahead.cmds = []string{"a", "b"}
	ahead.applied.Store(40)
	if err := ahead.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mustRestart()
	s.waitLead()
	if _, index := s.mustPropose("c"); index <= 40 {
		t.Fatalf("entry %d was given again", index)
	}
	if got := s.shard.all(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Fatalf("commands: %q", got)
	}
}

// hungDisk is a log whose writes can be made to hang.
type hungDisk struct {
	raft.LogStore
	hang atomic.Bool
	free chan struct{}
}

func (d *hungDisk) StoreLogs(logs []*raft.Log) error {
	if d.hang.Load() {
		<-d.free
	}
	return d.LogStore.StoreLogs(logs)
}

func TestHungDiskLeadsNoLonger(t *testing.T) {
	disks := map[string]*hungDisk{}
	c := mustCluster(t, 3, Config{diskLimit: 2 * time.Second, wrapLog: func(id string, log raft.LogStore) raft.LogStore {
		disks[id] = &hungDisk{LogStore: log, free: make(chan struct{})}
		return disks[id]
	}})
	c[0].mustPropose("x")
	c.same()
	lead := c.leader()
	disk := disks[lead.name]
	disk.hang.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lost := make(chan error, 1)
	go func() {
		_, _, err := lead.Propose(ctx, []byte("stuck"))
		lost <- err
	}()
	if err := lead.mustFail(); !strings.Contains(err.Error(), "disk") {
		t.Errorf("reason: %v", err)
	}
	if lead.Health() == nil {
		t.Error("it calls itself healthy")
	}
	rest := slices.DeleteFunc(slices.Clone(c), func(s *server) bool { return s == lead })
	rest.leader().mustPropose("y")
	close(disk.free)
	cancel()
	if err := <-lost; err == nil {
		t.Error("a hung disk acknowledged")
	}
}

// clocksOf gives each of three servers a wall clock that a test can set.
func clocksOf(offsets []*atomic.Int64, i int) func() reading {
	return func() reading {
		r := readClocks()
		r.wall += offsets[i].Load()
		return r
	}
}

func TestClusterTime(t *testing.T) {
	offsets := []*atomic.Int64{{}, {}, {}}
	var jumps atomic.Int32
	var c servers
	for i := range 3 {
		s := &server{t: t, dir: t.TempDir(), name: fmt.Sprint("n", i), cfg: Config{
			clocks: clocksOf(offsets, i), ClockJumped: func() { jumps.Add(1) }}}
		if i > 0 {
			s.cfg.Join = []string{c[0].addr}
		}
		s.mustRestart()
		t.Cleanup(s.stop)
		c = append(c, s)
	}
	c.waitVoters(3)
	ahead := func() time.Duration { return time.Duration(c.leader().Clock().Now() - time.Now().UnixNano()) }
	lead := c.leader()
	lead.mustPropose("x")
	if a := ahead().Abs(); a > time.Minute {
		t.Fatalf("T is off by %v", a)
	}
	i := slices.Index(c, lead)
	offsets[i].Store(int64(time.Hour))
	if lead.checkClock(t.Context(), patience) {
		t.Fatal("one server's clock was taken for a majority's")
	}
	if a := ahead(); a > time.Minute {
		t.Fatalf("T followed one server's clock by %v", a)
	}
	offsets[(i+1)%3].Store(int64(time.Hour))
	eventually(t, "T follows the majority", func() bool { return ahead() > 50*time.Minute })
	eventually(t, "the jump is told", func() bool { return jumps.Load() > 0 })
	lead.mustPropose("an hour ahead")
	// The next leader's clock is right, but T does not go back.
	if err := lead.Transfer(within(t), fmt.Sprint("n", (i+2)%3)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the third leads", func() bool { l, _ := c[(i+2)%3].Leadership(); return l.Self })
	c.leader().mustPropose("y")
	c.same()
	if a := ahead(); a < 50*time.Minute {
		t.Fatalf("T went back to %v", a)
	}
	for _, s := range c {
		if s.shard.wentOld > 0 {
			t.Errorf("%s saw T go back", s.name)
		}
	}
}
