package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// Folder is a node's data folder, held by this process alone, with the node's
// identity in it.
type Folder struct {
	dir  string
	lock *os.File

	mu sync.Mutex
	id identity
}

// identity is what makes a folder this node of this cluster.
type identity struct {
	NodeID    string `json:"node_id"`
	ClusterID string `json:"cluster_id,omitempty"` // hex; empty until the node belongs to one
}

const (
	identityName = "node.json"
	lockName     = "lock"
)

// nodeIDForm is compiled when first asked for: a child process never asks.
var nodeIDForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`) })

// OpenFolder locks a data folder, making it if need be. nodeID may be empty:
// then the folder's own id holds, or a new one is made. A folder keeps the id
// it was made with.
func OpenFolder(dir, nodeID string) (*Folder, error) {
	if nodeID != "" && !nodeIDForm().MatchString(nodeID) {
		return nil, fmt.Errorf("node id %q: want letters, digits, '-', '_' and '.', at most 63", nodeID)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := lockFolder(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, lock: lock}
	if err := f.identify(nodeID); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f, nil
}

// lockFolder takes the folder's lock, which the system frees when the process
// ends, however it ends.
func lockFolder(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	held, err := tryLock(f)
	// A child that a process had just forked when it was killed holds the lock
	// along with all else until it is executed.
	for end := time.Now().Add(lingerLimit); err == nil && !held && !alive(holder(f)) && time.Now().Before(end); {
		<-time.After(5 * time.Millisecond)
		held, err = tryLock(f)
	}
	if err == nil && !held {
		err = fmt.Errorf("data folder in use by pid %s: %s", holder(f), filepath.Dir(name))
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lingerLimit is how long a lock may outlive the process that took it.
const lingerLimit = 2 * time.Second

// holder is the pid that a lock's file names.
func holder(f *os.File) string {
	pid := make([]byte, 16)
	n, _ := f.ReadAt(pid, 0)
	return strings.TrimSpace(string(pid[:n]))
}

// alive reports whether a process is there; one that cannot be asked about is.
func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return true
	}
	p, err := os.FindProcess(n)
	if err != nil {
		return false
	}
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

func (f *Folder) identify(want string) error {
	b, err := os.ReadFile(f.Path(identityName))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if want == "" {
			want = "node-" + hex.EncodeToString(random(4))
		}
		f.id.NodeID = want
		return f.save(f.id)
	case err != nil:
		return fmt.Errorf("read node identity: %w", err)
	}
	if err := json.Unmarshal(b, &f.id); err != nil {
		return fmt.Errorf("read node identity %s: %w; it is damaged: %s", f.Path(identityName), err, damagedAdvice)
	}
	if want != "" && want != f.id.NodeID {
		return fmt.Errorf("data folder %s belongs to node %q, not %q", f.dir, f.id.NodeID, want)
	}
	return nil
}

func (f *Folder) save(id identity) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(f.Path(identityName), append(b, '\n')); err != nil {
		return fmt.Errorf("write node identity: %w", err)
	}
	return nil
}

// Path is a name inside the folder.
func (f *Folder) Path(elem ...string) string {
	return filepath.Join(append([]string{f.dir}, elem...)...)
}

// NodeID is the node's lasting name.
func (f *Folder) NodeID() string { return f.id.NodeID }

// Cluster is the cluster the node belongs to, zero until it has one.
func (f *Folder) Cluster() peer.ClusterID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var id peer.ClusterID
	_, _ = hex.Decode(id[:], []byte(f.id.ClusterID)) // adopt wrote it
	return id
}

// adopt makes the node a member of a cluster, for good unless the folder is
// fresh.
func (f *Folder) adopt(cluster peer.ClusterID, fresh bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := hex.EncodeToString(cluster[:])
	if f.id.ClusterID == text {
		return nil
	}
	if f.id.ClusterID != "" && !fresh {
		return fmt.Errorf("data folder %s belongs to cluster %s, not %s: use another data folder", f.dir, f.id.ClusterID, text)
	}
	next := f.id
	next.ClusterID = text
	if err := f.save(next); err != nil {
		return err
	}
	f.id = next
	return nil
}

// Close frees the folder.
func (f *Folder) Close() error { return f.lock.Close() }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
