package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// Keep-alive of a session: a peer that is stopped or has vanished is given up
// after at most the sum of the two.
const (
	pingEvery = 300 * time.Millisecond
	pingLimit = time.Second
)

// streamWindow is how much of one stream may be under way unread.
const streamWindow = 1 << 20

func (n *Net) yamux() *yamux.Config {
	c := yamux.DefaultConfig()
	c.KeepAliveInterval = pingEvery
	c.ConnectionWriteTimeout = pingLimit
	c.MaxStreamWindowSize = streamWindow
	c.StreamOpenTimeout = 0 // streams fail with their session
	c.StreamCloseTimeout = 10 * time.Second
	c.LogOutput = nil
	c.Logger = quiet{n}
	return c
}

// quiet takes the multiplexer's remarks, which tell of every broken
// connection, to the debug log.
type quiet struct{ n *Net }

func (q quiet) Print(v ...any) { q.n.log.Debug("peer session", "detail", fmt.Sprint(v...)) }
func (q quiet) Printf(f string, v ...any) {
	q.n.log.Debug("peer session", "detail", fmt.Sprintf(f, v...))
}
func (q quiet) Println(v ...any) { q.n.log.Debug("peer session", "detail", fmt.Sprint(v...)) }

// serveSession accepts the streams of one calling node.
func (n *Net) serveSession(conn net.Conn, node string) {
	session, err := yamux.Server(conn, n.yamux())
	if err != nil {
		_ = conn.Close()
		return
	}
	defer session.Close()
	for {
		raw, err := session.AcceptStream()
		if err != nil {
			return
		}
		n.work.Go(func() { n.serveStream(newFramed(raw, node)) })
	}
}

// maxKind bounds the name of a stream's kind.
const maxKind = 64

func (n *Net) serveStream(s *framed) {
	defer func() { _ = s.Close() }()
	kind, err := s.Recv()
	if err != nil || len(kind) > maxKind {
		return
	}
	n.mu.Lock()
	serve := n.streams[string(kind)]
	n.mu.Unlock()
	if serve == nil {
		n.log.Debug("turn a stream away", "kind", string(kind), "node", s.peer)
		return
	}
	serve(n.ctx, s)
}

// link is the one outgoing session to an address, opened when first needed and
// again, with growing pauses, after it broke.
type link struct {
	n    *Net
	addr string

	turn chan struct{} // held to open a session; a channel, so that waiting can be given up

	mu       sync.Mutex
	session  *yamux.Session
	caller   *caller
	failures int
	retryAt  time.Time
}

// Pauses between attempts to reach an address.
const (
	firstPause = 20 * time.Millisecond
	longPause  = time.Second
	dialLimit  = time.Second
)

// ErrUnreachable says that nothing was sent: no connection could be made.
var ErrUnreachable = errors.New("node unreachable")

func (n *Net) link(addr string) (*link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, ErrClosed
	}
	l := n.links[addr]
	if l == nil {
		l = &link{n: n, addr: addr, turn: make(chan struct{}, 1)}
		n.links[addr] = l
	}
	return l, nil
}

// Dial opens a stream of a kind to the node at a Raft address.
func (n *Net) Dial(ctx context.Context, addr, kind string) (Stream, error) {
	if len(kind) > maxKind {
		return nil, fmt.Errorf("stream kind of %d bytes", len(kind))
	}
	l, err := n.link(addr)
	if err != nil {
		return nil, err
	}
	session, err := l.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	}
	return openStream(session, addr, kind)
}

func openStream(session *yamux.Session, addr, kind string) (*framed, error) {
	raw, err := session.OpenStream()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	}
	s := newFramed(raw, addr)
	if err := s.Send([]byte(kind)); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	}
	return s, nil
}

// current is the live session, if there is one.
func (l *link) current() *yamux.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil && l.session.IsClosed() {
		l.session = nil
	}
	return l.session
}

// open gives the live session or makes one, waiting out the pause after a
// failure as long as ctx allows.
func (l *link) open(ctx context.Context) (*yamux.Session, error) {
	if s := l.current(); s != nil {
		return s, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.n.ctx.Done():
		return nil, ErrClosed
	}
	if s := l.current(); s != nil {
		return s, nil
	}
	if err := l.pause(ctx); err != nil {
		return nil, err
	}
	return l.connect(ctx)
}

func (l *link) pause(ctx context.Context) error {
	l.mu.Lock()
	wait := time.Until(l.retryAt)
	l.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.n.ctx.Done():
		return ErrClosed
	}
}

func (l *link) connect(ctx context.Context) (*yamux.Session, error) {
	conn, err := l.n.connect(ctx, l.addr, peerStream, dialLimit)
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		pause := min(firstPause<<min(l.failures, 10), longPause)
		l.failures++
		l.retryAt = time.Now().Add(pause)
		return nil, err
	}
	session, err := yamux.Client(conn, l.n.yamux())
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	l.mu.Lock()
	l.session, l.failures = session, 0
	l.mu.Unlock()
	if l.n.ctx.Err() != nil { // Close may have passed before the session was there to be closed
		l.close()
		return nil, ErrClosed
	}
	return session, nil
}

func (l *link) close() {
	l.mu.Lock()
	session, caller := l.session, l.caller
	l.session, l.caller = nil, nil
	l.mu.Unlock()
	if caller != nil {
		_ = caller.stream.Close()
	}
	if session != nil {
		_ = session.Close()
	}
}
