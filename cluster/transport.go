package cluster

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport is Raft's own, over the node's one listener, except for snapshots.
type transport struct {
	*raft.NetworkTransport
	node *Node
}

func newTransport(n *Node, logger hclog.Logger) *transport {
	t := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Logger: logger, Stream: &streamLayer{Listener: n.cfg.Net.Raft(), node: n}, MaxPool: 4, Timeout: raftTimeout,
	})
	t.TimeoutScale = snapshotScale
	return &transport{NetworkTransport: t, node: n}
}

// InstallSnapshot implements raft.Transport. Raft opens a snapshot before it
// knows whether the follower can be reached, and wants its exact size before
// the first byte. The file is written here, once the follower answers, so that
// one that is down does not cost a copy of the state at each attempt.
func (t *transport) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest,
	resp *raft.InstallSnapshotResponse, data io.Reader) error {
	lazy, ok := data.(*lazySnapshot)
	if !ok {
		return t.NetworkTransport.InstallSnapshot(id, target, args, resp, data)
	}
	conn, err := t.node.cfg.Net.DialRaft(string(target), raftTimeout)
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	began := time.Now()
	if args.Size, err = lazy.write(); err != nil {
		return err
	}
	t.node.log.Info("send a snapshot", "to", string(id), "index", args.LastLogIndex,
		"bytes", args.Size, "written_in", time.Since(began))
	if err := t.NetworkTransport.InstallSnapshot(id, target, args, resp, lazy); err != nil {
		return fmt.Errorf("send snapshot of %d bytes: %w", args.Size, err)
	}
	return nil
}

// streamLayer is Raft's way through the node's one listener.
type streamLayer struct {
	net.Listener
	node *Node
}

// Dial implements raft.StreamLayer.
func (s *streamLayer) Dial(addr raft.ServerAddress, limit time.Duration) (net.Conn, error) {
	return s.node.cfg.Net.DialRaft(string(addr), limit)
}

// Addr implements net.Listener; Raft tells it to the others as this node's.
func (s *streamLayer) Addr() net.Addr { return advertised(s.node.cfg.RaftAddr) }

type advertised string

// Network implements net.Addr.
func (advertised) Network() string { return "tcp" }

// String implements net.Addr.
func (a advertised) String() string { return string(a) }
