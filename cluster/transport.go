package cluster

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// transport is Raft's own, over the node's one listener, except for snapshots.
type transport struct {
	*raft.NetworkTransport
	node   *Node
	stream *streamLayer
}

func newTransport(n *Node, logger hclog.Logger) *transport {
	stream := &streamLayer{Listener: n.cfg.Net.Raft(), node: n, out: map[*outgoing]struct{}{}}
	t := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Logger: logger, Stream: stream, MaxPool: 4, Timeout: raftTimeout,
	})
	t.TimeoutScale = snapshotScale
	return &transport{NetworkTransport: t, node: n, stream: stream}
}

// errMuted says that this node no longer speaks as a part of the cluster.
var errMuted = errors.New("this node has given up")

// mute ends this node's say in the cluster, heartbeats above all.
func (t *transport) mute() error {
	t.stream.mute()
	return t.Close()
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

	mu    sync.Mutex
	muted bool
	out   map[*outgoing]struct{} // Raft itself cannot close those in use
}

// outgoing is a connection that Raft opened.
type outgoing struct {
	net.Conn
	layer *streamLayer
}

// Close implements net.Conn.
func (c *outgoing) Close() error {
	c.layer.mu.Lock()
	delete(c.layer.out, c)
	c.layer.mu.Unlock()
	return c.Conn.Close()
}

// Dial implements raft.StreamLayer.
func (s *streamLayer) Dial(addr raft.ServerAddress, limit time.Duration) (net.Conn, error) {
	s.mu.Lock()
	muted := s.muted
	s.mu.Unlock()
	if muted {
		return nil, errMuted
	}
	if string(addr) == s.node.cfg.RaftAddr {
		return s.node.cfg.Net.LoopRaft(), nil
	}
	conn, err := s.node.cfg.Net.DialRaft(string(addr), limit)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.muted {
		return nil, errors.Join(errMuted, conn.Close())
	}
	c := &outgoing{Conn: conn, layer: s}
	s.out[c] = struct{}{}
	return c, nil
}

func (s *streamLayer) mute() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.muted = true
	for c := range s.out {
		_ = c.Conn.Close() // Raft's goroutines find out and close it too
	}
}

// Addr implements net.Listener; Raft tells it to the others as this node's.
func (s *streamLayer) Addr() net.Addr { return advertised(s.node.cfg.RaftAddr) }

type advertised string

// Network implements net.Addr.
func (advertised) Network() string { return "tcp" }

// String implements net.Addr.
func (a advertised) String() string { return string(a) }
