package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/command"
)

// TestCheckKeepsForwardedCommandsOut: the leader refuses what it could not
// apply, and only that, of commands that travel together.
func TestCheckKeepsForwardedCommandsOut(t *testing.T) {
	c := mustCluster(t, 3, Config{Check: func(cmd []byte) command.Result {
		if bytes.HasPrefix(cmd, []byte("bad")) {
			return command.Result{Code: command.CodeVersion, Detail: "no"}
		}
		return command.Result{}
	}})
	from := c.follower()
	for _, want := range []struct {
		cmds  []string
		codes []command.Code
	}{
		{[]string{"bad 1"}, []command.Code{command.CodeVersion}},
		{[]string{"good 1", "bad 2", "good 2"}, []command.Code{command.OK, command.CodeVersion, command.OK}},
	} {
		var raw [][]byte
		for _, cmd := range want.cmds {
			raw = append(raw, []byte(cmd))
		}
		results, _, err := from.ProposeAll(within(t), raw)
		if err != nil {
			t.Fatalf("%v: %v", want.cmds, err)
		}
		for i, r := range results {
			if r.Code != want.codes[i] {
				t.Errorf("%s came to %+v", want.cmds[i], r)
			}
		}
	}
	if got := c.same(); fmt.Sprint(got) != "[good 1 good 2]" {
		t.Errorf("the log has %q", got)
	}
}

// fullDisk is a log without space until somebody makes room.
type fullDisk struct {
	raft.LogStore
	full atomic.Bool
}

func (d *fullDisk) StoreLogs(logs []*raft.Log) error {
	if d.full.Load() {
		return fmt.Errorf("write segment: %w", syscall.ENOSPC)
	}
	return d.LogStore.StoreLogs(logs)
}

// TestShutdownEndsInTime: a hung disk is not waited for beyond the caller's own
// deadline.
func TestShutdownEndsInTime(t *testing.T) {
	disk := &hungDisk{free: make(chan struct{})}
	s := mustStart(t, t.TempDir(), Config{wrapLog: func(_ string, log raft.LogStore) raft.LogStore {
		disk.LogStore = log
		return disk
	}})
	s.mustPropose("x")
	disk.hang.Store(true)
	go func() { _, _, _ = s.Propose(within(t), []byte("stuck")) }()
	eventually(t, "the write hangs", func() bool { return s.logs.writes.stuck() > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	begun := time.Now()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("a node whose disk hangs closed as if it did not")
	}
	if took := time.Since(begun); took >= shutdownLimit {
		t.Errorf("it took %v", took)
	}
	close(disk.free)
	eventually(t, "the write is over", func() bool { return s.logs.writes.stuck() == 0 })
	s.work.Wait()
	err := errors.Join(s.closeFiles(), s.net.Close(), s.folder.Close())
	s.Node = nil
	if err != nil {
		t.Error(err)
	}
}

// TestFullDiskIsTold: whoever keeps a reserve gives it up, and the log goes on.
func TestFullDiskIsTold(t *testing.T) {
	var disk *fullDisk
	s := mustStart(t, t.TempDir(), Config{
		NoSpace: func() { disk.full.Store(false) },
		wrapLog: func(_ string, log raft.LogStore) raft.LogStore {
			disk = &fullDisk{LogStore: log}
			return disk
		},
	})
	s.mustPropose("before")
	disk.full.Store(true)
	if _, _, err := s.Propose(within(t), []byte("during")); err == nil {
		t.Error("a full disk acknowledged")
	}
	s.mustPropose("after")
}
