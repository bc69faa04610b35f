package store

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
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
		WithValueThreshold(maxValue + 1).
		WithValueLogFileSize(1 << 20). // holds nothing; maps twice its size
		WithMemTableSize(o.MemTable).
		WithNumMemtables(2).
		WithNumCompactors(2).
		WithBlockCacheSize(o.BlockCache).
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
	err = s.readState(dir)
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
	db, err := badger.OpenManaged(badgerOptions(dir, &s.opt))
	if err != nil {
		return damaged(dir, err)
	}
	s.db = db
	return nil
}

// readState reads the applied index and what was left half done.
func (s *Store) readState(dir string) error {
	lsm, _ := s.db.Size()
	if s.opt.VerifyLimit >= 0 && lsm <= s.opt.VerifyLimit {
		if err := s.db.VerifyChecksum(); err != nil {
			return damaged(dir, err)
		}
	}
	s.version = s.db.MaxVersion()
	s.db.SetDiscardTs(s.version)
	m, err := s.readMeta()
	if err != nil {
		return damaged(dir, err)
	}
	if m.index < s.opt.Floor {
		return damaged(dir, fmt.Errorf("its applied index is %d, but the log only goes back to %d", m.index, s.opt.Floor))
	}
	s.applied.Store(m.index)
	s.appliedTerm.Store(m.term)
	s.durable.Store(m.index)
	s.open.index, s.open.term, s.open.time = m.index, m.term, m.time
	return nil
}

func (s *Store) closeFiles() error { return s.db.Close() }

// damaged says what a person can do about a database that cannot be read.
func damaged(dir string, err error) error {
	return fmt.Errorf("%s cannot be used and was left as it is: %w; move it away: "+
		"a node of a cluster then fetches a snapshot, a single node needs a backup restored", dir, err)
}

// dropEmptyLogs removes memtable logs without a byte in them: prepared for a
// rotation that did not come, or cut short by a crash. Badger would refuse
// them.
func dropEmptyLogs(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	if err != nil {
		return err
	}
	for _, f := range found {
		st, err := os.Stat(f)
		if err != nil {
			return err
		}
		if st.Size() == 0 {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

const walSuffix = ".mem"

// meta is the bookkeeping of a checkpoint.
type meta struct {
	index, term uint64
	time        int64
}

func (s *Store) readMeta() (meta, error) {
	txn := s.db.NewTransactionAt(math.MaxUint64, false)
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

// badgerLog passes Badger's words on.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(f string, a ...any)   { l.log.Error("badger", "says", line(f, a)) }
func (l badgerLog) Warningf(f string, a ...any) { l.log.Warn("badger", "says", line(f, a)) }
func (l badgerLog) Infof(f string, a ...any)    { l.log.Debug("badger", "says", line(f, a)) }
func (badgerLog) Debugf(string, ...any)         {}

func line(f string, a []any) string { return strings.TrimSpace(fmt.Sprintf(f, a...)) }
