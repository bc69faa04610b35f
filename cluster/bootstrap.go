package cluster

import (
	"context"
	"errors"
	"fmt"

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
	if old || len(n.cfg.Join) > 0 || n.cfg.BootstrapExpect > 1 {
		return nil
	}
	id := n.cfg.Folder.Cluster()
	if id == (peer.ClusterID{}) {
		copy(id[:], random(len(id)))
		if err := n.cfg.Folder.adopt(id); err != nil {
			return err
		}
	}
	self := raft.Server{ID: n.id, Address: raft.ServerAddress(n.cfg.RaftAddr), Suffrage: raft.Voter}
	err = raft.BootstrapCluster(conf, n.logs, n.wal, n.snapshots, n.transport,
		raft.Configuration{Servers: []raft.Server{self}})
	if err != nil {
		return fmt.Errorf("found cluster: %w", err)
	}
	return nil
}

// electAlone spares a lone server the wait for other leaders: it tells itself
// to stand for election at once.
func (n *Node) electAlone() {
	servers := n.raft.GetConfiguration().Configuration().Servers
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

func (n *Node) forward(ctx context.Context, c *call) error { return ErrNotLeader }

func (n *Node) serve() {}

func (n *Node) settle() {
	n.work.Go(n.electAlone)
}

func (n *Node) keepTime()  {}
func (n *Node) startTime() { n.clock.agreed(n.clock.read()) }

func (n *Node) handOver() {}

type commitHint struct{ index, term uint64 }

func (n *Node) hint(term, index uint64) commitHint { return commitHint{} }

func (n *Node) readIndex() (uint64, error) {
	i, _, err := n.confirmed()
	return i, err
}

var _ = errors.New
