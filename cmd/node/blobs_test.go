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
