package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/raft"
)

// recoveryName is a file in the raft folder by which an operator gives a
// cluster that lost its majority for good a new list of servers:
//
//	[{"id": "n1", "address": "10.0.0.1:8090"}, …]
//
// Every surviving server is stopped, gets the same file, and is started. Each
// keeps everything in its log, acknowledged or not, so a command whose outcome
// was unknown may appear; one that was acknowledged is kept if a survivor has it.
const recoveryName = "peers.json"

// recoverServers carries out such a file, once.
func (n *Node) recoverServers(conf *raft.Config, machine *fsm) error {
	name := n.cfg.Folder.Path("raft", recoveryName)
	servers, err := raft.ReadConfigJSON(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	n.log.Warn("recover the cluster with a new list of servers", "file", name, "servers", len(servers.Servers))
	if err := raft.RecoverCluster(conf, recovering{machine}, n.logs, n.wal, n.snapshots, n.transport, servers); err != nil {
		return fmt.Errorf("recover from %s: %w", name, err)
	}
	return os.Rename(name, name+".done")
}

// recovering is a machine that is its own newest snapshot.
type recovering struct{ *fsm }

// Restore implements raft.FSM: the shard holds what it would be given.
func (recovering) Restore(io.ReadCloser) error { return nil }
