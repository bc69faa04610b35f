package peer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// What a connection is for: its first byte.
const (
	raftStream byte = 'R'
	peerStream byte = 'P'
)

const protocol = 1

// What the listening side says to a preamble.
const (
	welcome byte = iota
	otherCluster
	otherProtocol
)

// ErrOtherCluster says that the node at an address belongs to another cluster.
var ErrOtherCluster = errors.New("the node at this address belongs to another cluster")

// ClusterID names a cluster; zero is a node that has not joined one yet.
type ClusterID [16]byte

// preamble opens every connection: what it is for, which protocol, which
// cluster, and who calls.
type preamble struct {
	kind    byte
	version byte
	cluster ClusterID
	node    string
}

const handshakeTime = 5 * time.Second

func (p preamble) write(w io.Writer) error {
	b := append([]byte{p.kind, p.version}, p.cluster[:]...)
	b = append(b, byte(len(p.node)))
	b = append(b, p.node...)
	_, err := w.Write(b)
	return err
}

func readPreamble(r io.Reader) (preamble, error) {
	var head [2 + 16 + 1]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return preamble{}, err
	}
	if head[0] != raftStream && head[0] != peerStream {
		return preamble{}, fmt.Errorf("first byte %#x: not a Windrow node", head[0])
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return preamble{}, err
	}
	p := preamble{kind: head[0], version: head[1], cluster: ClusterID(head[2:18])}
	name := make([]byte, head[18])
	if _, err := io.ReadFull(r, name); err != nil {
		return preamble{}, err
	}
	p.node = string(name)
	return p, nil
}

// greet is the calling side of the handshake.
func greet(conn net.Conn, p preamble, limit time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	if err := p.write(conn); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return fmt.Errorf("greet: %w", err)
	}
	switch answer[0] {
	case welcome:
		return conn.SetDeadline(time.Time{})
	case otherCluster:
		return ErrOtherCluster
	default:
		return fmt.Errorf("greet: the node refused protocol %d; run the same version on all nodes", p.version)
	}
}

// receive is the listening side of the handshake.
func receive(conn net.Conn, own ClusterID) (preamble, error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return preamble{}, err
	}
	p, err := readPreamble(conn)
	if err != nil {
		return p, err
	}
	answer := welcome
	switch {
	case p.version != protocol:
		answer, err = otherProtocol, fmt.Errorf("node %q speaks protocol %d", p.node, p.version)
	case p.cluster != own && p.cluster != (ClusterID{}) && own != (ClusterID{}):
		answer, err = otherCluster, fmt.Errorf("node %q belongs to another cluster", p.node)
	}
	if _, werr := conn.Write([]byte{answer}); err == nil {
		err = werr
	}
	if err != nil {
		return p, err
	}
	return p, conn.SetDeadline(time.Time{})
}
