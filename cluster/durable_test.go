package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// crash ends a node as if its process had been killed: nothing is handed over
// or made durable.
func (s *server) crash() {
	s.t.Helper()
	s.cancel(ErrClosed)
	s.publish(Leadership{})
	if err := s.raft.Shutdown().Error(); err != nil {
		s.t.Error(err)
	}
	s.work.Wait()
	if err := errors.Join(s.closeFiles(), s.net.Close(), s.folder.Close()); err != nil {
		s.t.Error(err)
	}
	s.Node = nil
}

func (s *server) mustRestart() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// fill proposes so many commands of so many bytes.
func (s *server) fill(name string, count, size int) {
	s.t.Helper()
	for i := range count {
		s.mustPropose(fmt.Sprint(name, i, strings.Repeat(".", size)))
	}
}

// small makes logs roll and shrink often.
func small() Config {
	return Config{SnapshotBytes: 1 << 20, TrailingBytes: 1, SegmentBytes: 256 << 10, CacheBytes: 64 << 10}
}

func TestCrashAndRestart(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	var want []string
	for round := range 3 {
		for i := range 5 {
			text := fmt.Sprint(round, "/", i)
			s.mustPropose(text)
			want = append(want, text)
		}
		if round == 1 {
			if err := s.shard.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.crash()
		s.mustRestart()
		s.waitLead()
		if got := s.shard.all(); !slices.Equal(got, want) {
			t.Fatalf("round %d: %q, want %q", round, got, want)
		}
	}
	if s.shard.wentOld > 0 {
		t.Error("T went back over a restart")
	}
}

func TestSnapshotsBoundTheLog(t *testing.T) {
	s := mustStart(t, t.TempDir(), small())
	s.waitLead()
	s.fill("a", 100, 40<<10)
	eventually(t, "the log has been cut", func() bool { first, err := s.logs.FirstIndex(); return err == nil && first > 40 })
	meta, ok := s.snapshots.newest()
	if !ok || meta.ShardIndex == 0 || s.shard.DurableIndex() < meta.ShardIndex {
		t.Fatalf("snapshot %+v, durable %d", meta, s.shard.DurableIndex())
	}
	s.crash()
	s.mustRestart()
	s.waitLead()
	if got := len(s.shard.all()); got != 100 {
		t.Fatalf("%d commands after the restart", got)
	}
	s.fill("b", 3, 10)
}

// TestStoreLost: a shard that lacks what the log no longer has must not run.
func TestStoreLost(t *testing.T) {
	s := mustStart(t, t.TempDir(), small())
	s.waitLead()
	s.fill("a", 100, 40<<10)
	s.stop()
	if err := os.Remove(filepath.Join(s.dir, "list")); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err == nil || !strings.Contains(err.Error(), "join it anew") {
		t.Fatalf("started without its state: %v", err)
	}
	s.Node = nil
}

func TestInstallSnapshot(t *testing.T) {
	c := mustCluster(t, 3, small())
	c[0].mustPropose("first")
	c.same()
	c[2].stop()
	c.leader().fill("a", 120, 40<<10)
	lead := c.leader()
	behind := uint64(8)
	eventually(t, "the log has been cut", func() bool { first, err := lead.logs.FirstIndex(); return err == nil && first > behind+20 })
	c[2].mustRestart()
	if got := c.same(); len(got) != 121 {
		t.Fatalf("%d commands", len(got))
	}
	eventually(t, "it was given a snapshot, not entries", func() bool {
		meta, ok := c[2].snapshots.newest()
		return ok && meta.Index > behind && meta.File == ""
	})
	// It goes on, survives a crash, and a newcomer gets a snapshot too.
	c[2].mustPropose("after")
	c[2].crash()
	c[2].mustRestart()
	late := &server{t: t, dir: t.TempDir(), name: "n3", cfg: small()}
	late.cfg.Join = []string{"127.0.0.1:1", c[1].addr}
	late.mustRestart()
	t.Cleanup(late.stop)
	all := append(slices.Clone(c), late)
	all.waitVoters(4)
	if got := all.same(); len(got) != 122 {
		t.Fatalf("%d commands", len(got))
	}
	for _, s := range all {
		eventually(t, s.name+" leaves none of what it sent", func() bool {
			left, err := filepath.Glob(filepath.Join(s.dir, "raft", "snapshots", "*.data"))
			return err == nil && len(left) == 0
		})
	}
}

// TestConflictingTail: what a leader wrote alone gives way to what the others
// agreed on without it, over segments of the log and over a restart.
func TestConflictingTail(t *testing.T) {
	c := mustCluster(t, 3, Config{SegmentBytes: 64 << 10})
	c[0].fill("common", 5, 10<<10)
	c.same()
	lead := c.leader()
	rest := slices.DeleteFunc(slices.Clone(c), func(s *server) bool { return s == lead })
	for _, s := range rest {
		s.crash()
	}
	outcomes := make(chan error, 20)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for i := range 20 {
		go func() {
			_, _, err := lead.Propose(ctx, []byte(fmt.Sprint("alone", i, strings.Repeat(".", 20<<10))))
			outcomes <- err
		}()
	}
	unknown := 0
	for range 20 {
		err := <-outcomes
		if err == nil {
			t.Fatal("a minority acknowledged")
		}
		if errors.Is(err, ErrUnknownOutcome) {
			unknown++
		}
	}
	var alone raft.Log
	last, err := lead.logs.LastIndex()
	if err = errors.Join(err, lead.logs.GetLog(last, &alone)); err != nil || unknown == 0 {
		t.Fatalf("nothing was written alone: %v", err)
	}
	lead.crash()
	for _, s := range rest {
		s.mustRestart()
	}
	rest.leader().fill("agreed", 3, 10)
	lead.mustRestart()
	got := c.same()
	if len(got) != 8 || strings.HasPrefix(got[5], "alone") {
		t.Fatalf("%d commands, the last %.20q", len(got), got[len(got)-1])
	}
	var agreed raft.Log
	if err := lead.logs.GetLog(last, &agreed); err != nil || agreed.Term <= alone.Term {
		t.Fatalf("entry %d was of term %d and is of %d: nothing was truncated (%v)", last, alone.Term, agreed.Term, err)
	}
	lead.crash()
	lead.mustRestart()
	c.leader().fill("more", 20, 10<<10)
	c.same()
}

// TestRestoreCutShort: a crash after a snapshot was received and before it was
// restored.
func TestRestoreCutShort(t *testing.T) {
	full := &list{path: filepath.Join(t.TempDir(), "list")}
	full.cmds, full.term, full.lastT = []string{"a", "b"}, 4, 99
	full.applied.Store(70)
	var image bytes.Buffer
	if _, _, err := full.WriteSnapshot(t.Context(), &image); err != nil {
		t.Fatal(err)
	}
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	s.fill("old", 3, 10)
	conf := s.raft.GetConfiguration().Configuration()
	s.crash()

	empty, err := openList(filepath.Join(s.dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := openSnapshots(t.Context(), filepath.Join(s.dir, "raft", "snapshots"), empty)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := store.Create(1, 60, 4, conf, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(sink, &image); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}

	s.mustRestart() // the log on disk ends far before the snapshot, too
	s.waitLead()
	s.mustPropose("c")
	if got := s.shard.all(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Fatalf("commands: %q", got)
	}
	if now := s.Clock().Now(); now < 99 {
		t.Fatalf("T is %d", now)
	}
	s.stop()
	s.mustRestart()
	s.waitLead()
	if got := s.shard.all(); len(got) != 3 {
		t.Fatalf("commands: %q", got)
	}
}

// TestLogIsNotCutPastTheStore asks Raft's way for what must be refused.
func TestLogIsNotCutPastTheStore(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	s.fill("a", 5, 10)
	if err := s.logs.DeleteRange(1, 3); err == nil {
		t.Fatal("cut without any snapshot")
	}
	if err := s.snapshot(0); err != nil {
		t.Fatal(err)
	}
	meta, _ := s.snapshots.newest()
	s.fill("b", 5, 10)
	if err := s.logs.DeleteRange(1, meta.Index+2); err == nil {
		t.Fatal("cut past the snapshot")
	}
	s.shard.durable.Store(meta.ShardIndex - 1)
	if err := s.logs.DeleteRange(1, 2); err == nil {
		t.Fatal("cut past what the store holds")
	}
	s.shard.durable.Store(meta.ShardIndex)
	if err := s.logs.DeleteRange(1, 2); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotIsNewest(t *testing.T) {
	shard := &list{path: filepath.Join(t.TempDir(), "list")}
	shard.applied.Store(9)
	store, err := openSnapshots(t.Context(), t.TempDir(), shard)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.List(); err != nil || len(got) > 0 {
		t.Fatalf("a new store lists %v (%v)", got, err)
	}
	machine := &fsm{shard: shard, snapshots: store}
	snap, err := machine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	sink, err := store.Create(1, 9, 2, raft.Configuration{}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(snap.Persist(sink), sink.Close()); err != nil {
		t.Fatal(err)
	}
	shard.applied.Store(12) // the file may be newer than the snapshot
	meta, r, err := store.Open(sink.ID())
	if err != nil || meta.Index != 9 {
		t.Fatalf("%+v, %v", meta, err)
	}
	size, err := r.(*lazySnapshot).write()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != size || size == 0 {
		t.Fatalf("%d bytes of %d (%v)", len(b), size, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Open("another"); err == nil {
		t.Fatal("opened a snapshot that is not there")
	}
	shard.applied.Store(8)
	_, r, err = store.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); err == nil {
		t.Fatal("gave a state older than the snapshot")
	}
}
