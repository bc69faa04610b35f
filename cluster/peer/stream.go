package peer

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Stream is a long-lived exchange of frames with one peer. Send may be called
// by several goroutines, Recv by one. Either fails for good once the stream or
// its connection has ended: a vanished peer is noticed within about a second.
type Stream interface {
	// Send writes one frame of at most MaxFrame bytes; it does not keep it.
	Send(frame []byte) error
	// Recv gives the next frame, the caller's to keep; io.EOF once the peer
	// has closed.
	Recv() ([]byte, error)
	// SetReadDeadline and SetWriteDeadline bound Recv and Send; zero is none.
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// Peer is the node id that the other side gave. With TLS its certificate
	// was verified, but ids are not bound to certificates.
	Peer() string
	// Close ends both directions; the peer's Recv gives io.EOF.
	Close() error
}

// framed is a Stream over one multiplexed connection.
type framed struct {
	conn net.Conn
	peer string
	r    *bufio.Reader

	mu  sync.Mutex // held to write
	buf []byte
}

func newFramed(conn net.Conn, peer string) *framed {
	return &framed{conn: conn, peer: peer, r: bufio.NewReaderSize(conn, 16<<10)}
}

// keepBuffer is the largest write buffer that a quiet stream holds on to.
const keepBuffer = 64 << 10

// Send implements Stream. Header and payload leave in one write, since each
// write is a frame of the multiplexer of its own.
func (s *framed) Send(frame []byte) error {
	if len(frame) > MaxFrame {
		return errors.New("send: frame above MaxFrame")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = appendFrame(s.buf[:0], frame)
	_, err := s.conn.Write(s.buf)
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	return err
}

// Recv implements Stream.
func (s *framed) Recv() ([]byte, error) { return readFrame(s.r) }

// SetReadDeadline implements Stream.
func (s *framed) SetReadDeadline(t time.Time) error { return s.conn.SetReadDeadline(t) }

// SetWriteDeadline implements Stream.
func (s *framed) SetWriteDeadline(t time.Time) error { return s.conn.SetWriteDeadline(t) }

// Peer implements Stream.
func (s *framed) Peer() string { return s.peer }

// Close implements Stream.
func (s *framed) Close() error { return s.conn.Close() }

var (
	_ Stream    = (*framed)(nil)
	_ io.Closer = (*framed)(nil)
)
