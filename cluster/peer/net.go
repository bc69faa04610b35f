package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Config says where a node listens and who it is.
type Config struct {
	Addr    string // host:port to listen on
	NodeID  string // at most 255 bytes
	TLS     Files  // none: every address must be loopback
	Log     *slog.Logger
	Cluster func() ClusterID // the node's cluster, zero until it has one
}

// Net is a node's end of all talk between nodes: one listener, and one
// connection to each node it has called.
type Net struct {
	cfg   Config
	log   *slog.Logger
	creds *credentials // nil: plain, loopback only
	ln    net.Listener
	raft  *raftListener

	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	streams map[string]func(context.Context, Stream)
	calls   map[string]func(context.Context, []byte) ([]byte, error)
	conns   map[net.Conn]struct{} // accepted; closed by Close
	links   map[string]*link
}

// ErrClosed says that this node is shutting down.
var ErrClosed = errors.New("node is shutting down")

// Listen opens the node's listener. It serves what was registered by Handle
// and HandleCall; what comes for a kind not registered yet is turned away, and
// the caller tries again.
func Listen(cfg Config) (*Net, error) {
	n := &Net{
		cfg: cfg, log: cfg.Log,
		streams: map[string]func(context.Context, Stream){},
		calls:   map[string]func(context.Context, []byte) ([]byte, error){},
		conns:   map[net.Conn]struct{}{},
		links:   map[string]*link{},
	}
	if cfg.TLS.Given() {
		creds, err := openCredentials(cfg.TLS)
		if err != nil {
			return nil, err
		}
		n.creds = creds
	} else if err := CheckPlain(cfg.Addr); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for other nodes: %w", err)
	}
	n.ln = ln
	n.raft = newRaftListener(ln.Addr())
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.streams[callKind] = n.serveCalls
	n.work.Go(n.accept)
	return n, nil
}

// Addr is the address the listener got.
func (n *Net) Addr() net.Addr { return n.ln.Addr() }

// Handle registers what serves streams of a kind. The stream is closed when
// serve returns; ctx ends when the node closes.
func (n *Net) Handle(kind string, serve func(ctx context.Context, s Stream)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.streams[kind] = serve
}

// HandleCall registers what answers calls of a method. An error of type *Error
// reaches the caller as it is, any other as its text.
func (n *Net) HandleCall(method string, answer func(ctx context.Context, request []byte) ([]byte, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls[method] = answer
}

// Close ends all connections and waits for the handlers.
func (n *Net) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		n.work.Wait()
		return nil
	}
	n.closed = true
	n.cancel()
	err := n.ln.Close()
	for c := range n.conns {
		_ = c.Close()
	}
	links := n.links
	n.links = map[string]*link{}
	n.mu.Unlock()
	for _, l := range links {
		l.close()
	}
	_ = n.raft.Close()
	n.work.Wait()
	return err
}

// acceptRetry is how long accept rests when the system is short of something.
const acceptRetry = 20 * time.Millisecond

func (n *Net) accept() {
	for {
		conn, err := n.ln.Accept()
		if err != nil {
			if n.ctx.Err() != nil {
				return
			}
			n.log.Warn("accept connection of a node", "error", err)
			select {
			case <-time.After(acceptRetry):
			case <-n.ctx.Done():
			}
			continue
		}
		if !n.track(conn) {
			_ = conn.Close()
			return
		}
		n.work.Go(func() { n.serve(conn) })
	}
}

func (n *Net) track(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.conns[conn] = struct{}{}
	return true
}

func (n *Net) forget(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, conn)
}

// serve finds out what a connection is for. A Raft connection is handed on and
// from then on belongs to Raft's transport.
func (n *Net) serve(raw net.Conn) {
	defer n.forget(raw)
	conn := raw
	if n.creds != nil {
		secure, err := n.creds.server(raw)
		if err != nil {
			n.log.Error("load certificates", "error", err)
			_ = raw.Close()
			return
		}
		conn = secure
	}
	hello, err := receive(conn, n.cfg.Cluster())
	if err != nil {
		n.log.Debug("turn a connection away", "remote", raw.RemoteAddr().String(), "error", err)
		_ = conn.Close()
		return
	}
	if hello.kind == raftStream {
		n.raft.offer(conn)
		return
	}
	n.serveSession(conn, hello.node)
}

// connect dials addr and says what for. The limit covers connecting, the TLS
// handshake and the greeting.
func (n *Net) connect(ctx context.Context, addr string, kind byte, limit time.Duration) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	if n.creds == nil {
		if err := CheckPlain(addr); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{Timeout: limit}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if n.creds != nil {
		secure, err := n.creds.client(conn, host)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	hello := preamble{kind: kind, version: protocol, cluster: n.cfg.Cluster(), node: n.cfg.NodeID}
	if err := greet(conn, hello, limit); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Go runs a helper of a stream's handler; Close waits for it as for handlers.
func (n *Net) Go(f func()) { n.work.Go(f) }
