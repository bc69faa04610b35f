package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/ristretto/v2/z"
)

// badgerOptions is how every database of ours is opened; DESIGN.md says why.
func badgerOptions(dir string, o *Options) badger.Options {
	return badger.DefaultOptions(dir).
		WithSyncWrites(!o.nosync).
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithCompression(options.None).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithVerifyValueChecksum(true).
		WithValueThreshold(1 << 20).
		WithValueLogFileSize(1 << 20). // holds nothing; maps twice its size
		WithMemTableSize(o.MemTable).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithBlockCacheSize(0). // blocks are mapped, and a cache would count each as a whole table
		WithMetricsEnabled(false).
		WithLogger(badgerLog{o.Logger})
}

// openFiles finds the database, opens it and reads where it stands.
func (s *Store) openFiles() error {
	p, err := findPlace(s.opt.Dir)
	if err != nil {
		return err
	}
	if err := p.tidy(s.opt.Dir); err != nil {
		return err
	}
	dir := filepath.Join(s.opt.Dir, p.name())
	if err := s.openBadger(dir); err != nil {
		return err
	}
	err = s.readState()
	if err == nil && p.empty {
		p.empty = false
		err = p.write(s.opt.Dir)
	}
	if err != nil {
		err = errors.Join(err, s.closeFiles())
	}
	return err
}

func (s *Store) openBadger(dir string) error {
	if err := dropEmptyLogs(dir); err != nil {
		return err
	}
	if err := s.roomToOpen(dir); err != nil {
		return err
	}
	db, err := badger.OpenManaged(badgerOptions(dir, &s.opt))
	if err != nil {
		return damaged(s.opt.Dir, err)
	}
	s.db = db
	if s.wal, err = newWalFiles(dir, s.opt.MemTable); err != nil {
		return errors.Join(err, db.Close())
	}
	s.refill()
	return nil
}

// readState reads the applied index and what was left half done.
func (s *Store) readState() error {
	lsm, _ := s.db.Size()
	if s.opt.VerifyLimit >= 0 && lsm <= s.opt.VerifyLimit {
		if err := verify(s.db); err != nil {
			return damaged(s.opt.Dir, err)
		}
	}
	s.version = s.db.MaxVersion()
	if err := s.recoverLarge(); err != nil {
		return damaged(s.opt.Dir, err)
	}
	s.db.SetDiscardTs(s.version)
	m, err := s.readMeta(s.version)
	if err == nil {
		err = s.readSweep()
	}
	if err != nil {
		return damaged(s.opt.Dir, err)
	}
	if m.index < s.opt.Floor {
		return damaged(s.opt.Dir, fmt.Errorf("its applied index is %d, but the log only goes back to %d", m.index, s.opt.Floor))
	}
	s.applied.Store(m.index)
	s.appliedTerm.Store(m.term)
	s.durable.Store(m.index)
	s.last = m
	s.swept.Store(m.time)
	return nil
}

// verify reads every block.
func verify(db *badger.DB) error {
	err := caught(db.VerifyChecksum)
	if err == nil {
		return nil
	}
	tables, globErr := filepath.Glob(filepath.Join(db.Opts().Dir, "*.sst"))
	for _, path := range tables {
		if err := caught(func() error { return verifyTable(path) }); err != nil {
			return fmt.Errorf("table %s is damaged: %w", path, err)
		}
	}
	return errors.Join(err, globErr)
}

// verifyTable reads one table by itself, to name the damaged one.
func verifyTable(path string) error {
	f, err := z.OpenMmapFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	t, err := table.OpenTable(f, table.Options{ReadOnly: true, ChkMode: options.OnTableAndBlockRead})
	if err != nil {
		return errors.Join(err, f.Close(-1))
	}
	return t.Close(-1)
}

// caught makes an error of a panic: Badger panics on many a damaged block.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a checksum is wrong (%v)", p)
		}
	}()
	return f()
}

// closeFiles closes Badger, which writes its memtable as a table first. Where
// there is no room for that it is left as a kill would leave it.
func (s *Store) closeFiles() error {
	need := s.wal.filled + openCost
	free, _, err := diskSpace(s.opt.Dir)
	if err == nil && free < need && s.room.release() {
		free, _, err = diskSpace(s.opt.Dir)
	}
	if err == nil && free < need {
		return fmt.Errorf("%w: closing needs %d MiB, %d are free; the next start replays the logs", ErrNoSpace, need>>20, free>>20)
	}
	return errors.Join(err, s.db.Close(), s.wal.drop())
}

// damaged says what a person can do about a database that cannot be read.
func damaged(dir string, err error) error {
	return fmt.Errorf("the database cannot be used: %w; move %s away as a whole: "+
		"a node of a cluster then fetches a snapshot, a single node needs a backup restored", err, dir)
}

// meta is the bookkeeping of a checkpoint.
type meta struct {
	index, term uint64
	time        int64
}

// readMeta reads the bookkeeping as of a version.
func (s *Store) readMeta(version uint64) (meta, error) {
	txn := s.db.NewTransactionAt(version, false)
	defer txn.Discard()
	item, err := txn.Get(ownKey(ownMeta))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return meta{}, nil
	}
	if err != nil {
		return meta{}, err
	}
	var m meta
	err = item.Value(func(b []byte) error {
		m, err = decodeMeta(b)
		return err
	})
	return m, err
}

// readSweep finds how far sweeps have come and what is next.
func (s *Store) readSweep() error {
	s.sweep.next.Store(never)
	b, err := s.Get(ownKey(ownHead))
	if err == nil {
		s.sweep.head, err = decodeHead(b)
	} else if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	it := s.iterate(s.version, bounds{prefix: ownKey(ownExpiry), from: s.sweep.head.at.key()})
	defer it.Close()
	if !it.Valid() {
		return nil
	}
	at, err := parseListKey(it.Item().Key())
	s.sweep.next.Store(at.minute)
	return err
}

// badgerLog passes Badger's words on.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any)   { l.log.Error("badger", "says", line(f, a)) }
func (l badgerLog) Warningf(f string, a ...any) { l.log.Warn("badger", "says", line(f, a)) }
func (l badgerLog) Infof(f string, a ...any)    { l.log.Debug("badger", "says", line(f, a)) }
func (badgerLog) Debugf(string, ...any)         {}

func line(f string, a []any) string { return strings.TrimSpace(fmt.Sprintf(f, a...)) }
