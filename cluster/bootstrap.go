package cluster

import (
	"fmt"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// found makes a new cluster of this node alone, if it has no state and is told
// of no other.
func (n *Node) found(conf *raft.Config) error {
	old, err := raft.HasExistingState(n.logs, n.wal, n.snapshots)
	if err != nil {
		return fmt.Errorf("look for a log: %w", err)
	}
	n.fresh.Store(!old)
	others := slices.ContainsFunc(n.cfg.Join, func(target string) bool { return target != n.cfg.RaftAddr })
	if old || others || n.cfg.BootstrapExpect > 1 {
		return nil
	}
	id := n.cfg.Folder.Cluster()
	if id == (peer.ClusterID{}) {
		copy(id[:], random(len(id)))
		if err := n.adopt(id); err != nil {
			return err
		}
	}
	err = raft.BootstrapCluster(conf, n.logs, n.wal, n.snapshots, n.transport,
		raft.Configuration{Servers: []raft.Server{n.server(raft.Voter)}})
	if err != nil {
		return fmt.Errorf("found cluster: %w", err)
	}
	n.fresh.Store(false)
	return nil
}

// adopt makes the node a member of a cluster. One without a log may have
// adopted another that never came to be.
func (n *Node) adopt(id peer.ClusterID) error { return n.cfg.Folder.adopt(id, n.fresh.Load()) }

// server is this node as Raft knows it.
func (n *Node) server(s raft.ServerSuffrage) raft.Server {
	return raft.Server{ID: n.id, Address: raft.ServerAddress(n.cfg.RaftAddr), Suffrage: s}
}

// electAlone spares a lone server the wait for other leaders: it tells itself
// to stand for election at once.
func (n *Node) electAlone() {
	servers := n.servers()
	for _, s := range servers {
		if s.Suffrage == raft.Voter && s.ID != n.id {
			return
		}
	}
	self := raft.ServerAddress(n.cfg.RaftAddr)
	if len(servers) == 0 || n.raft.State() != raft.Follower {
		return
	}
	request := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(n.id), Addr: []byte(self),
	}}
	if err := n.transport.TimeoutNow(n.id, self, request, &raft.TimeoutNowResponse{}); err != nil {
		n.log.Debug("elect alone", "error", err) // the ordinary time-out does it
	}
}

// servers is the newest list of Raft's members.
func (n *Node) servers() []raft.Server { return n.raft.GetConfiguration().Configuration().Servers }
