package testnode

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Children lists the pids of this node's sandboxes and compilers, by the mark
// that each carries as its last argument: also those whose node is gone.
func (n *Node) Children() []int {
	n.t.Helper()
	sum := sha256.Sum256([]byte(filepath.Join(n.DataDir(), "compiled")))
	mark := append([]byte{0}, "windrow-sandbox-"+hex.EncodeToString(sum[:8])+"\x00"...)
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		n.t.Fatal(err)
	}
	var pids []int
	for _, name := range names {
		line, err := os.ReadFile(name)
		if err != nil || !bytes.HasSuffix(line, mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// NoOrphans wants none of the sandboxes of nodes that are gone to be left.
func NoOrphans(t testing.TB, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		Poll(t, "the sandboxes of a dead node to be gone", func() error {
			if left := n.Children(); len(left) > 0 {
				return fmt.Errorf("pids %v of %s are there", left, n.DataDir())
			}
			return nil
		})
	}
}

// Computes fails unless one of the node's sandboxes has used so much time of a
// processor.
func (n *Node) Computes(least time.Duration) error {
	n.t.Helper()
	most := time.Duration(0)
	for _, pid := range n.Children() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has ended
		}
		f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(f) < 13 {
			return fmt.Errorf("no stat: %q", stat)
		}
		ticks, err := strconv.ParseInt(f[11], 10, 64) // of user time, hundredths of a second
		if err != nil {
			return err
		}
		most = max(most, time.Duration(ticks)*10*time.Millisecond)
	}
	if most < least {
		return fmt.Errorf("the busiest has used %v", most)
	}
	return nil
}

// RSS is how many bytes of memory the node itself holds, its sandboxes not
// counted; peak is the most that it ever held.
func (n *Node) RSS() (now, peak int64) {
	n.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.Pid()))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = kib << 10
		case "VmHWM:":
			peak = kib << 10
		}
	}
	return now, peak
}

// HasBlob fails unless a value lies, whole, in the node's own folder.
func (n *Node) HasBlob(digest string) error {
	n.t.Helper()
	name := strings.TrimPrefix(digest, "sha256:")
	found, err := os.ReadFile(filepath.Join(n.DataDir(), "blobs", name[:2], name))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(found); hex.EncodeToString(sum[:]) != name {
		return fmt.Errorf("%s has %d bytes of %s", n.HTTPAddr, len(found), digest)
	}
	return nil
}
