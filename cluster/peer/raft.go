package peer

import (
	"context"
	"net"
	"sync"
	"time"
)

// raftListener gives Raft's transport the connections that were meant for it.
type raftListener struct {
	addr net.Addr
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newRaftListener(addr net.Addr) *raftListener {
	return &raftListener{addr: addr, ch: make(chan net.Conn), done: make(chan struct{})}
}

func (l *raftListener) offer(conn net.Conn) {
	select {
	case l.ch <- conn:
	case <-l.done:
		_ = conn.Close()
	}
}

// Accept implements net.Listener.
func (l *raftListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ch:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *raftListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *raftListener) Addr() net.Addr { return l.addr }

// Raft is the listener of Raft's connections. Closing it turns Raft's callers
// away and leaves everything else served.
func (n *Net) Raft() net.Listener { return n.raft }

// LoopRaft is a connection of this node's Raft to itself, within the process:
// an advertised address need not be reachable from here.
func (n *Net) LoopRaft() net.Conn {
	here, there := net.Pipe()
	n.work.Go(func() { n.raft.offer(there) })
	return here
}

// DialRaft opens a connection for Raft's transport.
func (n *Net) DialRaft(addr string, limit time.Duration) (net.Conn, error) {
	return n.connect(context.Background(), addr, raftStream, limit)
}
