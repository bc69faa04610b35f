package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster/blob"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// alone are no peers.
type alone struct{}

func (alone) Others() []string { return nil }
func (alone) Need(int) int     { return 0 }
func (alone) Push(context.Context, string, string, int64, io.Reader) error {
	return errors.New("no such peer")
}
func (alone) Fetch(context.Context, string, string) (io.ReadCloser, error) {
	return nil, blob.ErrNotFound
}

// broken yields an error in place of bytes.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestBlobErrorsHaveTheirNames(t *testing.T) {
	local, err := blob.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := blobs{Replicator: blob.NewReplicator(local, alone{}, 100, slog.New(slog.DiscardHandler)), most: 100}
	t.Cleanup(b.Close)
	absent := "sha256:" + strings.Repeat("0", 64)
	for name, tc := range map[string]struct {
		body io.Reader
		want error
	}{
		"another digest": {strings.NewReader("x"), api.ErrDigest},
		"full disk":      {broken{syscall.ENOSPC}, api.ErrDiskFull},
	} {
		if _, _, err := b.Put(t.Context(), tc.body, absent); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.Open(t.Context(), absent); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("an absent blob: %v", err)
	}
}

// TestSilentServer: a server that takes a stream and says nothing is given up
// with the caller's context.
func TestSilentServer(t *testing.T) {
	listen := func(id string) *peer.Net {
		net, err := peer.Listen(peer.Config{Addr: "127.0.0.1:0", NodeID: id, Log: slog.New(slog.DiscardHandler), Cluster: func() peer.ClusterID { return peer.ClusterID{} }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = net.Close() })
		return net
	}
	here, there := listen("n1"), listen("n2")
	taken := make(chan struct{})
	there.Handle(blobKind, func(ctx context.Context, s peer.Stream) {
		if _, err := s.Recv(); err != nil {
			t.Error(err)
		}
		taken <- struct{}{}
		<-ctx.Done()
	})
	p := &blobPeers{net: here}
	for name, ask := range map[string]func(context.Context) error{
		"push": func(ctx context.Context) error {
			return p.Push(ctx, there.Addr().String(), "sha256:x", 1, strings.NewReader("x"))
		},
		"fetch": func(ctx context.Context) error {
			_, err := p.Fetch(ctx, there.Addr().String(), "sha256:x")
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-taken
			cancel()
		}()
		if err := ask(ctx); err == nil {
			t.Errorf("%s: no error", name)
		}
		cancel()
	}
}
