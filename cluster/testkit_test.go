package cluster

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// list is a Shard that remembers every command it has seen, in order, and
// writes them to a file when it is told to.
type list struct {
	path string

	applied, durable atomic.Uint64

	mu      sync.Mutex
	flush   sync.Mutex // one checkpoint at a time
	cmds    []string
	term    uint64
	lastT   int64
	wentOld int // entries whose T was below an earlier one
}

func openList(path string) (*list, error) {
	l := &list{path: path}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return l, l.load(f)
}

func (l *list) Apply(index, term uint64, entry []byte) []command.Result {
	if index <= l.applied.Load() {
		return nil
	}
	t, cmds, err := splitBatch(entry)
	if err != nil {
		panic(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t < l.lastT {
		l.wentOld++
	}
	l.lastT = max(l.lastT, t)
	results := make([]command.Result, len(cmds))
	for i, c := range cmds {
		l.cmds = append(l.cmds, string(c))
		results[i] = command.Result{Version: uint32(len(l.cmds)), Detail: string(c)}
	}
	l.term = term
	l.applied.Store(index)
	return results
}

// splitBatch reads an entry without knowing its commands.
func splitBatch(b []byte) (int64, [][]byte, error) {
	if len(b) == 0 {
		return 0, nil, errors.New("empty entry")
	}
	t, n := binary.Varint(b[1:])
	b = b[1+n:]
	count, n := binary.Uvarint(b)
	b = b[n:]
	cmds := make([][]byte, 0, count)
	for range count {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return 0, nil, errors.New("damaged entry")
		}
		cmds = append(cmds, b[n:n+int(size)])
		b = b[n+int(size):]
	}
	return t, cmds, nil
}

func (l *list) AppliedIndex() uint64 { return l.applied.Load() }
func (l *list) Time() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastT
}

func (l *list) DurableIndex() uint64 { return l.durable.Load() }

func (l *list) Checkpoint(context.Context) error {
	l.flush.Lock()
	defer l.flush.Unlock()
	tmp := l.path + ".tmp"
	f, err := os.Create(tmp)
	if err != nil {
		return err
	}
	index, _, err := l.WriteSnapshot(context.Background(), f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, l.path); err != nil {
		return err
	}
	l.durable.Store(max(l.durable.Load(), index))
	return nil
}

func (l *list) WriteSnapshot(_ context.Context, w io.Writer) (uint64, uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := binary.AppendUvarint(nil, l.applied.Load())
	b = binary.AppendUvarint(b, l.term)
	b = binary.AppendVarint(b, l.lastT)
	b = binary.AppendUvarint(b, uint64(len(l.cmds)))
	for _, c := range l.cmds {
		b = binary.AppendUvarint(b, uint64(len(c)))
		b = append(b, c...)
	}
	_, err := w.Write(b)
	return l.applied.Load(), l.term, err
}

func (l *list) Restore(r io.Reader) error {
	l.mu.Lock()
	err := l.load(r)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.Checkpoint(context.Background())
}

func (l *list) load(r io.Reader) error {
	br := bufio.NewReader(r)
	index, err := binary.ReadUvarint(br)
	if err != nil {
		return err
	}
	term, _ := binary.ReadUvarint(br)
	lastT, _ := binary.ReadVarint(br)
	count, _ := binary.ReadUvarint(br)
	cmds := make([]string, 0, count)
	for range count {
		n, err := binary.ReadUvarint(br)
		if err != nil {
			return err
		}
		c := make([]byte, n)
		if _, err := io.ReadFull(br, c); err != nil {
			return err
		}
		cmds = append(cmds, string(c))
	}
	l.cmds, l.term, l.lastT = cmds, term, lastT
	l.applied.Store(index)
	l.durable.Store(index)
	return nil
}

func (l *list) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.cmds...)
}

// server is one node of a test with all that it holds.
type server struct {
	t      testing.TB
	dir    string
	cfg    Config
	name   string // node id; empty: made up
	tls    peer.Files
	addr   string
	net    *peer.Net
	folder *Folder
	shard  *list
	void   *void // in place of shard
	*Node
}

func testLog(name string) *slog.Logger {
	if os.Getenv("WINDROW_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name)
}

// start starts a node; a stopped one starts again on its folder and address.
func (s *server) start() error {
	var err error
	if s.folder, err = OpenFolder(s.dir, s.name); err != nil {
		return err
	}
	log := testLog(s.folder.NodeID())
	addr := s.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if s.net, err = peer.Listen(peer.Config{Addr: addr, NodeID: s.folder.NodeID(), Log: log, Cluster: s.folder.Cluster, TLS: s.tls}); err != nil {
		return errors.Join(err, s.folder.Close())
	}
	s.addr = s.net.Addr().String()
	if s.shard, err = openList(filepath.Join(s.dir, "list")); err != nil {
		return err
	}
	cfg := s.cfg
	cfg.Folder, cfg.Net, cfg.Shard, cfg.Log = s.folder, s.net, s.shard, log
	if s.void != nil {
		cfg.Shard = s.void
	}
	if s.Node, err = Start(cfg); err != nil {
		return errors.Join(err, s.net.Close(), s.folder.Close())
	}
	return nil
}

func (s *server) stop() {
	s.t.Helper()
	if s.Node == nil {
		return
	}
	if err := errors.Join(s.Node.Close(), s.net.Close(), s.folder.Close()); err != nil {
		s.t.Errorf("stop %s: %v", s.dir, err)
	}
	s.Node = nil
}

func mustStart(t testing.TB, dir string, cfg Config) *server {
	t.Helper()
	s := &server{t: t, dir: dir, cfg: cfg}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

const patience = 20 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually polls until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// mustPropose proposes until the command is in the log, once. A machine short
// of processors may lose its leader at any time; what became of a command then
// shows in the state that the next leader vouches for.
func (s *server) mustPropose(text string) (command.Result, uint64) {
	s.t.Helper()
	ctx := within(s.t)
	for {
		r, index, err := s.Propose(ctx, []byte(text))
		if err == nil {
			if r.Detail != text {
				s.t.Fatalf("propose %.40q: got the result of %.40q", text, r.Detail)
			}
			return r, index
		}
		if !errors.Is(err, ErrUnknownOutcome) {
			s.t.Fatalf("propose %.40q: %v", text, err)
		}
		index, err = s.ReadIndex(ctx)
		if err != nil {
			s.t.Fatalf("read after %.40q: %v", text, err)
		}
		if at := slices.Index(s.shard.all(), text); at >= 0 {
			return command.Result{Detail: text, Version: uint32(at + 1)}, index
		}
	}
}

func (s *server) waitLead() {
	s.t.Helper()
	eventually(s.t, "node leads", func() bool { l, _ := s.Leadership(); return l.Self })
}

// mustFail waits until the node has given up, and says why.
func (s *server) mustFail() error {
	s.t.Helper()
	select {
	case <-s.Failed():
		return s.Err()
	case <-time.After(patience):
		s.t.Fatalf("%s goes on", s.ID())
		return nil
	}
}
