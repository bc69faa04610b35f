package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/cluster/blob"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// blobKind is the kind of stream on which blobs travel between nodes.
const blobKind = "blob"

// blobChunk is how much of a blob one frame carries.
const blobChunk = 256 << 10

// blobs keeps large values in this node's store and the other servers'.
type blobs struct {
	*blob.Replicator
	most int64
}

// Put implements api.Blobs.
func (b blobs) Put(ctx context.Context, body io.Reader, want string) (string, int64, error) {
	info, err := b.Replicator.Put(ctx, body, want, b.most)
	return info.Digest, info.Size, blobError(err)
}

// blobError gives an error of a blob the name that the API knows.
func blobError(err error) error {
	switch {
	case errors.Is(err, blob.ErrMismatch):
		return fmt.Errorf("%w: %w", api.ErrDigest, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", api.ErrDiskFull, err)
	case errors.Is(err, blob.ErrNotFound):
		return fmt.Errorf("%w: %w", api.ErrNotFound, err)
	case errors.Is(err, blob.ErrNoQuorum), errors.Is(err, blob.ErrClosed):
		return fmt.Errorf("%w: %w", api.ErrBusy, err)
	}
	return err
}

// Open implements api.Blobs.
func (b blobs) Open(ctx context.Context, digest string) (io.ReadCloser, int64, error) {
	r, size, err := b.Replicator.Open(ctx, digest)
	return r, size, blobError(err)
}

// File gives the file of a blob, fetched from another server where it is
// missing here.
func (b blobs) File(ctx context.Context, digest string) (string, error) {
	path, err := b.Local.Path(digest)
	if !errors.Is(err, blob.ErrNotFound) {
		return path, err
	}
	if err := b.Fetch(ctx, digest); err != nil {
		return "", err
	}
	return b.Local.Path(digest)
}

// blobPeers implements blob.Peers.
type blobPeers struct {
	net    *peer.Net
	votes  func() bool // this node is one of the servers that count
	others func() []string
}

// Others implements blob.Peers.
func (p *blobPeers) Others() []string { return p.others() }

// Need implements blob.Peers.
func (p *blobPeers) Need(others int) int {
	if p.votes() {
		return (others + 1) / 2 // and this one
	}
	return others/2 + 1
}

// otherServers are the servers that hold blobs beside this node.
func (n *node) otherServers() []string {
	if n.servers != nil {
		return n.servers.others()
	}
	c := n.voting.Load()
	if c == nil { // at start
		return nil
	}
	var out []string
	for _, m := range c.Voters() {
		if m.ID != c.ID() {
			out = append(out, m.RaftAddr)
		}
	}
	return out
}

// votes reports whether this node is one of the servers that count.
func (n *node) votes() bool {
	c := n.voting.Load()
	if c == nil { // a worker, or at start
		return n.servers == nil
	}
	return slices.ContainsFunc(c.Voters(), func(m cluster.Member) bool { return m.ID == c.ID() })
}

// blobHeader begins a stream: what the caller wants done.
type blobHeader struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"` // of a push
	Push   bool   `json:"push"`
}

// Push implements blob.Peers.
func (p *blobPeers) Push(ctx context.Context, addr, digest string, size int64, r io.Reader) error {
	s, err := p.open(ctx, addr, blobHeader{Digest: digest, Size: size, Push: true})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	defer heed(ctx, s)()
	if err := sendAll(s, r); err != nil {
		return err
	}
	if ctx.Err() != nil { // a deadline that is set now would take the place of its own
		return ctx.Err()
	}
	answer, err := recvWithin(s, syncWithin)
	if err != nil {
		return err
	}
	if len(answer) > 0 {
		return fmt.Errorf("%s: %s", addr, answer)
	}
	return nil
}

// Fetch implements blob.Peers.
func (p *blobPeers) Fetch(ctx context.Context, addr, digest string) (io.ReadCloser, error) {
	s, err := p.open(ctx, addr, blobHeader{Digest: digest})
	if err != nil {
		return nil, err
	}
	free := heed(ctx, s)
	answer, err := recvWithin(s, pieceWithin)
	if err == nil && len(answer) > 0 {
		err = fmt.Errorf("%w: %s: %s", blob.ErrNotFound, addr, answer)
	}
	if err != nil {
		free()
		_ = s.Close()
		return nil, err
	}
	return &blobReader{s: s, free: free}, nil
}

// heed makes what waits on a stream give up when the context ends. What it
// gives frees the stream of the context.
func heed(ctx context.Context, s peer.Stream) (free func() bool) {
	return context.AfterFunc(ctx, func() {
		_ = s.SetReadDeadline(time.Unix(1, 0)) // both fail on a stream that is closed, which is as well
		_ = s.SetWriteDeadline(time.Unix(1, 0))
	})
}

func (p *blobPeers) open(ctx context.Context, addr string, h blobHeader) (peer.Stream, error) {
	s, err := p.net.Dial(ctx, addr, blobKind)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(h)
	if err == nil {
		err = s.Send(head)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// serve answers one stream of another node.
func (b blobs) serve(ctx context.Context, s peer.Stream) {
	defer func() { _ = s.Close() }()
	head, err := s.Recv()
	if err != nil {
		return
	}
	var h blobHeader
	if err := json.Unmarshal(head, &h); err != nil {
		_ = s.Send([]byte("damaged header"))
		return
	}
	if h.Push {
		_, err := b.Local.Put(ctx, &blobReader{s: s}, h.Digest, b.most)
		_ = s.Send(refusal(err))
		return
	}
	f, _, err := b.Local.Verified(h.Digest)
	if err != nil {
		_ = s.Send(refusal(err))
		return
	}
	defer f.Close()
	if s.Send(nil) == nil {
		_ = sendAll(s, f) // whoever reads notices a blob that ends early by its digest
	}
}

func refusal(err error) []byte {
	if err == nil {
		return nil
	}
	return []byte(err.Error())
}

// sendAll sends what r yields; an empty frame ends it.
func sendAll(s peer.Stream, r io.Reader) error {
	buf := make([]byte, blobChunk)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := sendSoon(s, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return sendSoon(s, nil)
		}
		if err != nil {
			return err
		}
	}
}

// A peer's session outlives what it could not write within a second, where the
// node stands still: a stream may have lost a piece then, or its end, and whoever
// waits for it would wait for ever. pieceWithin is how long one piece may take,
// syncWithin how long the receiver may take to have a whole blob on its disk.
const (
	pieceWithin = 10 * time.Second
	syncWithin  = 20 * time.Second
)

func recvWithin(s peer.Stream, limit time.Duration) ([]byte, error) {
	if err := s.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return nil, err
	}
	return s.Recv()
}

func sendSoon(s peer.Stream, frame []byte) error {
	if err := s.SetWriteDeadline(time.Now().Add(pieceWithin)); err != nil {
		return err
	}
	return s.Send(frame)
}

// blobReader is the inverse of sendAll.
type blobReader struct {
	s    peer.Stream
	free func() bool // of the context; nil where the stream has none
	rest []byte
	done bool
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		frame, err := recvWithin(r.s, pieceWithin)
		if err != nil {
			return 0, fmt.Errorf("blob stream broke: %w", err)
		}
		if len(frame) == 0 {
			r.done = true
		}
		r.rest = frame
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	if r.free != nil {
		r.free()
	}
	return r.s.Close()
}

// Put implements api.Blobs.
func (n *node) Put(ctx context.Context, body io.Reader, want string) (string, int64, error) {
	return n.blobs.Put(ctx, body, want)
}

// Open implements api.Blobs.
func (n *node) Open(ctx context.Context, digest string) (io.ReadCloser, int64, error) {
	return n.blobs.Open(ctx, digest)
}
