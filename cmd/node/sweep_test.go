package main

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/blob"
)

// TestUnusedModulesAreSwept: on a worker a module goes when it has not been
// used, and is known no longer; one in use stays, however old its file.
func TestUnusedModulesAreSwept(t *testing.T) {
	local, err := blob.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := blobs{Replicator: blob.NewReplicator(local, alone{}, 100, slog.New(slog.DiscardHandler)), most: 100}
	t.Cleanup(b.Close)
	m := &modules{blobs: b, limit: 100, known: map[string]*knownModule{}}
	hourAgo := time.Now().Add(-sweepAge)
	keep := func(name string, used time.Time) string {
		digest, _, err := b.Put(t.Context(), strings.NewReader(name), "")
		if err != nil {
			t.Fatal(err)
		}
		path, err := local.Path(digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
		if !used.IsZero() {
			m.known[digest] = &knownModule{used: used}
		}
		return digest
	}
	inUse, unused, value := keep("in use", time.Now()), keep("unused", hourAgo), keep("a value", time.Time{})
	read := keep("a value that is read", time.Time{})
	if _, err := (values{b}).Get(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	if _, _, err := local.Sweep(func(digest string) bool { return m.keep(digest, sweepAge) }, sweepAge); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		digest string
		stays  bool
	}{"in use": {inUse, true}, "unused": {unused, false}, "a value": {value, false}, "one that was read": {read, true}} {
		if got := local.Has(tc.digest); got != tc.stays {
			t.Errorf("%s is here: %v", name, got)
		}
	}
	if _, ok := m.Local(inUse); !ok {
		t.Error("a module in use was forgotten")
	}
	if _, ok := m.Local(unused); ok {
		t.Error("a module whose file is gone is still known")
	}
	if _, err := local.Path(unused); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
