package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// snapshotMeta is the one snapshot a node has, as it stands in its file.
type snapshotMeta struct {
	ID                 string             `json:"id"`
	Index              uint64             `json:"index"`
	Term               uint64             `json:"term"`
	Configuration      raft.Configuration `json:"configuration"`
	ConfigurationIndex uint64             `json:"configuration_index"`
	// ShardIndex is what the shard must hold at least for the log before
	// Index to be dispensable.
	ShardIndex uint64 `json:"shard_index"`
	// File holds a received snapshot that the shard has not restored yet.
	File string `json:"file,omitempty"`
}

func (m *snapshotMeta) raft(size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, ID: m.ID, Index: m.Index, Term: m.Term,
		Configuration: m.Configuration, ConfigurationIndex: m.ConfigurationIndex, Size: size,
	}
}

// snapshotStore implements raft.SnapshotStore without copies of the state: the
// shard itself is the snapshot. Only a follower that needs one costs a file,
// whose state may be newer than the snapshot's index, since entries that a
// shard already holds are skipped. What a follower receives does go to disk
// first, and stays until the shard has restored it.
type snapshotStore struct {
	ctx   context.Context // ends writing when the node closes
	dir   string
	shard Shard

	mu   sync.Mutex
	meta *snapshotMeta // nil: none yet
}

const metaName = "snapshot.json"

func openSnapshots(ctx context.Context, dir string, shard Shard) (*snapshotStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make snapshot folder: %w", err)
	}
	s := &snapshotStore{ctx: ctx, dir: dir, shard: shard}
	b, err := os.ReadFile(filepath.Join(dir, metaName))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read snapshot: %w", err)
	default:
		s.meta = &snapshotMeta{}
		if err := json.Unmarshal(b, s.meta); err != nil {
			return nil, fmt.Errorf("read snapshot: %w", err)
		}
	}
	return s, s.sweep()
}

// sweep removes files that a crash left behind.
func (s *snapshotStore) sweep() error {
	names, err := filepath.Glob(filepath.Join(s.dir, "*.data"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if s.meta != nil && filepath.Base(name) == s.meta.File {
			continue
		}
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("remove left-over snapshot: %w", err)
		}
	}
	return nil
}

// recover finishes a restore that a crash cut short, and refuses to run on a
// shard that lacks what the log no longer has.
func (s *snapshotStore) recover() error {
	if s.meta == nil {
		return nil
	}
	if s.meta.File != "" {
		f, err := os.Open(filepath.Join(s.dir, s.meta.File))
		if err != nil {
			return fmt.Errorf("open received snapshot: %w", err)
		}
		defer f.Close()
		if err := s.shard.Restore(bufio.NewReaderSize(f, 1<<20)); err != nil {
			return fmt.Errorf("restore received snapshot: %w", err)
		}
		return s.restored(s.shard.AppliedIndex())
	}
	if have := s.shard.AppliedIndex(); have < s.meta.ShardIndex {
		return fmt.Errorf("the store holds entries up to %d, but the log begins after %d: "+
			"the store's folder was lost or replaced; remove the node from the cluster, empty its data folder and join it anew",
			have, s.meta.ShardIndex)
	}
	return nil
}

// restored notes that the shard holds the newest snapshot.
func (s *snapshotStore) restored(index uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meta == nil || s.meta.File == "" {
		return nil
	}
	next := *s.meta
	file := next.File
	next.File, next.ShardIndex = "", index
	if err := s.commit(&next); err != nil {
		return err
	}
	return os.Remove(filepath.Join(s.dir, file))
}

// commit makes meta the node's snapshot, durably. The mutex is held.
func (s *snapshotStore) commit(meta *snapshotMeta) error {
	b, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(s.dir, metaName), append(b, '\n')); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	s.meta = meta
	return nil
}

// newest is a copy of the node's snapshot.
func (s *snapshotStore) newest() (snapshotMeta, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.meta == nil {
		return snapshotMeta{}, false
	}
	return *s.meta, true
}

// List implements raft.SnapshotStore.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	m, ok := s.newest()
	if !ok {
		return nil, nil
	}
	return []*raft.SnapshotMeta{m.raft(0)}, nil
}

// Create implements raft.SnapshotStore.
func (s *snapshotStore) Create(_ raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &snapshotSink{store: s, meta: snapshotMeta{
		ID:    fmt.Sprintf("%d-%d-%d", term, index, time.Now().UnixMilli()),
		Index: index, Term: term, Configuration: configuration, ConfigurationIndex: configurationIndex,
	}}, nil
}

// Open implements raft.SnapshotStore. A local snapshot is written when it is
// first read; until then its size is unknown.
func (s *snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, ok := s.newest()
	if !ok || m.ID != id {
		return nil, nil, fmt.Errorf("open snapshot %s: gone", id)
	}
	if m.File == "" {
		return m.raft(0), &lazySnapshot{store: s, atLeast: m.ShardIndex}, nil
	}
	f, err := os.Open(filepath.Join(s.dir, m.File))
	if err != nil {
		return nil, nil, fmt.Errorf("open received snapshot: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return m.raft(st.Size()), f, nil
}

// lazySnapshot is one consistent state in a file of its own, which exists from
// the first use until Close.
type lazySnapshot struct {
	store   *snapshotStore
	atLeast uint64
	f       *os.File
}

// write makes the file, if it is not there yet, and gives its size.
func (z *lazySnapshot) write() (int64, error) {
	if z.f == nil {
		f, err := os.CreateTemp(z.store.dir, "send-*.data")
		if err != nil {
			return 0, fmt.Errorf("write snapshot: %w", err)
		}
		if err := z.fill(f); err != nil {
			return 0, errors.Join(fmt.Errorf("write snapshot: %w", err), f.Close(), os.Remove(f.Name()))
		}
		z.f = f
	}
	st, err := z.f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (z *lazySnapshot) fill(f *os.File) error {
	w := bufio.NewWriterSize(f, 1<<20)
	index, _, err := z.store.shard.WriteSnapshot(z.store.ctx, w)
	if err != nil {
		return err
	}
	if index < z.atLeast {
		return fmt.Errorf("state stands at entry %d, wanted %d", index, z.atLeast)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// Read implements io.Reader.
func (z *lazySnapshot) Read(b []byte) (int, error) {
	if z.f == nil {
		if _, err := z.write(); err != nil {
			return 0, err
		}
	}
	return z.f.Read(b)
}

// Close implements io.Closer.
func (z *lazySnapshot) Close() error {
	if z.f == nil {
		return nil
	}
	return errors.Join(z.f.Close(), os.Remove(z.f.Name()))
}

// snapshotSink takes either a local checkpoint, which has no bytes, or a
// received snapshot.
type snapshotSink struct {
	store *snapshotStore
	meta  snapshotMeta
	local bool
	f     *os.File
	ended bool
}

// ID implements raft.SnapshotSink.
func (k *snapshotSink) ID() string { return k.meta.ID }

// Write implements io.Writer.
func (k *snapshotSink) Write(b []byte) (int, error) {
	if k.f == nil {
		f, err := os.Create(filepath.Join(k.store.dir, "received-"+k.meta.ID+".data"))
		if err != nil {
			return 0, err
		}
		k.f = f
		k.meta.File = filepath.Base(f.Name())
	}
	return k.f.Write(b)
}

// Close implements io.Closer: it makes the snapshot the node's newest.
func (k *snapshotSink) Close() error {
	if k.ended {
		return nil
	}
	if !k.local && k.f == nil {
		return errors.Join(errors.New("received snapshot is empty"), k.Cancel())
	}
	k.ended = true
	if k.f != nil {
		if err := errors.Join(k.f.Sync(), k.f.Close()); err != nil {
			return fmt.Errorf("write received snapshot: %w", err)
		}
	}
	k.store.mu.Lock()
	defer k.store.mu.Unlock()
	return k.store.commit(&k.meta)
}

// Cancel implements raft.SnapshotSink.
func (k *snapshotSink) Cancel() error {
	if k.ended {
		return nil
	}
	k.ended = true
	if k.f == nil {
		return nil
	}
	return errors.Join(k.f.Close(), os.Remove(k.f.Name()))
}
