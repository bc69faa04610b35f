package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"
)

// Restore makes a snapshot the content of a store's directory. It builds a new
// database beside the old one, checks the whole snapshot, syncs, and changes
// the name in one rename: whenever it fails or the machine stops, the
// directory holds the old content or the new. It may run while a Store is open
// there; the next Open sees the new content and removes the old. Two of it, or
// it and an Open, must not run at once.
func Restore(dir string, r io.Reader) error {
	if err := (restorer{dir: dir, step: func(string) {}}).run(r); err != nil {
		return fmt.Errorf("restore store %s: %w", dir, err)
	}
	return nil
}

// restorer is one restore; step is a seam that tells tests where it is.
type restorer struct {
	dir  string
	step func(string)
}

func (re restorer) run(r io.Reader) error {
	old, err := findPlace(re.dir)
	if err != nil {
		return err
	}
	re.step("begun")
	next := place{number: old.number + 1}
	final := filepath.Join(re.dir, next.name())
	building := final + buildingPart
	if err := errors.Join(os.RemoveAll(building), os.RemoveAll(final)); err != nil {
		return err
	}
	if err := build(building, r); err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	re.step("built")
	if err := syncTree(building); err != nil {
		return err
	}
	if err := os.Rename(building, final); err != nil {
		return err
	}
	if err := syncDir(re.dir); err != nil {
		return err
	}
	re.step("in place")
	if err := next.write(re.dir); err != nil {
		return err
	}
	re.step("named")
	return nil
}

// build writes a snapshot into a new database. Sorted as it is, it goes
// straight into tables of the lowest level.
func build(dir string, r io.Reader) (err error) {
	o := Options{Dir: dir, MemTable: 8 << 20, Logger: slog.New(slog.DiscardHandler)}
	opt := badgerOptions(dir, &o).WithNumCompactors(0)
	db, err := badger.OpenManaged(opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out := &tableWriter{dir: dir, sw: db.NewStreamWriter(), buf: z.NewBuffer(4<<20, "restore")}
	defer func() { err = errors.Join(err, out.buf.Release()) }()
	if err := out.sw.Prepare(); err != nil {
		return err
	}
	h, err := readSnapshot(r, out.add)
	if err == nil {
		err = out.finish(h)
	}
	if err != nil {
		out.sw.Cancel()
	}
	return err
}

// tableWriter gathers pairs for Badger's stream writer.
type tableWriter struct {
	dir  string
	sw   *badger.StreamWriter
	buf  *z.Buffer
	meta bool // the bookkeeping has come by
}

const (
	tableBatch = 2 << 20
	// restoreMargin is the free space that is kept ahead of the tables being
	// written: Badger writes them through memory maps, and a full disk would
	// kill the process.
	restoreMargin = 128 << 20
)

func (t *tableWriter) add(h snapshotHead, key, value []byte) error {
	if bytes.Equal(key, ownKey(ownMeta)) {
		if !bytes.Equal(value, h.encode()) {
			return fmt.Errorf("%w: its head and its bookkeeping differ", ErrSnapshot)
		}
		t.meta = true
	}
	badger.KVToBuffer(&pb.KV{Key: key, Value: value, Version: max(h.version, 1)}, t.buf)
	if t.buf.LenNoPadding() < tableBatch {
		return nil
	}
	return t.flush()
}

func (t *tableWriter) flush() error {
	free, _, err := diskSpace(t.dir)
	if err != nil {
		return err
	}
	if free < restoreMargin {
		return fmt.Errorf("%w: a restore leaves %d MiB free, %d are", ErrNoSpace, int64(restoreMargin)>>20, free>>20)
	}
	err = t.sw.Write(t.buf)
	t.buf.Reset()
	return err
}

func (t *tableWriter) finish(h snapshotHead) error {
	if !t.meta && h.index > 0 {
		return fmt.Errorf("%w: no bookkeeping in it", ErrSnapshot)
	}
	if err := t.flush(); err != nil {
		return err
	}
	return t.sw.Flush()
}

// syncTree makes a folder of plain files durable.
func syncTree(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil && !strings.HasSuffix(e.Name(), "LOCK") {
			return err
		}
	}
	return syncDir(dir)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
