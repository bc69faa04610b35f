package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/peer"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	id := f.NodeID()
	if id == "" || f.Cluster() != (peer.ClusterID{}) {
		t.Fatalf("a new folder is %q of %x", id, f.Cluster())
	}
	if _, err := OpenFolder(dir, ""); err == nil || !strings.Contains(err.Error(), fmt.Sprint("in use by pid ", os.Getpid())) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := f.adopt(peer.ClusterID{1}, true); err != nil {
		t.Fatal(err)
	}
	if err := f.adopt(peer.ClusterID{2}, false); err == nil || !strings.Contains(err.Error(), "belongs to cluster 01") {
		t.Fatalf("joined a second cluster: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir, "other"); err == nil || !strings.Contains(err.Error(), id) {
		t.Fatalf("opened under another id: %v", err)
	}
	again, err := OpenFolder(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	if again.NodeID() != id || again.Cluster() != (peer.ClusterID{1}) {
		t.Fatalf("reopened as %q of %x", again.NodeID(), again.Cluster())
	}
	for _, bad := range []string{"a b", "-x", strings.Repeat("x", 64), "ä"} {
		if _, err := OpenFolder(t.TempDir(), bad); err == nil {
			t.Errorf("node id %q was taken", bad)
		}
	}
}

// TestLockOfTheDead: what a killed process leaves behind holds the lock a
// little longer than itself.
func TestLockOfTheDead(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	f, err := OpenFolder(dir, "n1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path(lockName), fmt.Appendf(nil, "%d\n", dead.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	go func() {
		again, err := OpenFolder(dir, "n1")
		if err == nil {
			err = again.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("opened while the lock is held: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
}

// TestAnotherClustersFolder: a node whose folder belongs to one cluster is
// turned away by another.
func TestAnotherClustersFolder(t *testing.T) {
	a := mustStart(t, t.TempDir(), Config{})
	b := mustStart(t, t.TempDir(), Config{})
	a.waitLead()
	b.waitLead()
	if _, err := b.net.Call(within(t), a.addr, callWhoami, nil); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Fatalf("b talks to a: %v", err)
	}
}

// TestEmptiedMember: a voter that lost its folder must not come back as if
// nothing had happened, since it may have voted and acknowledged before.
func TestEmptiedMember(t *testing.T) {
	c := mustCluster(t, 3, Config{})
	c[1].mustPropose("x")
	c[1].stop()
	c[1].dir = t.TempDir()
	c[1].mustRestart()
	if err := c[1].mustFail(); !strings.Contains(err.Error(), "data folder is empty") {
		t.Fatalf("reason: %v", err)
	}
	other := mustStart(t, t.TempDir(), Config{Join: []string{c[0].addr}, RaftAddr: c[1].addr})
	if err := other.mustFail(); !strings.Contains(err.Error(), `belongs to server "n1"`) {
		t.Fatalf("reason: %v", err)
	}
}
