package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// walSuffix ends the names of Badger's memtable logs, which are numbered.
const walSuffix = ".mem"

// walFiles sees to it that Badger never runs out of space in a memtable log.
// Badger writes those through a memory map of a sparse file: on a full disk
// that is no error but a SIGBUS, which ends the process. So the blocks that a
// commit needs are allocated before it, some ahead: in the log in use, and
// when Badger may begin the next one also in that, which Badger finds empty
// and takes.
type walFiles struct {
	dir      string
	memTable int64
	step     int64 // how much is allocated ahead
	active   int   // the number of the log in use
	// have are the bytes with blocks in the log in use, ahead those in the
	// next one; 0 while it is not prepared.
	have, ahead int64
	// written and filled are upper bounds of what the log in use and its
	// memtable hold.
	written, filled int64
}

// newWalFiles looks at a database that Badger has just opened.
func newWalFiles(dir string, memTable int64) (*walFiles, error) {
	w := &walFiles{dir: dir, memTable: memTable, step: memTable / 4}
	found, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(f), walSuffix))
		if err != nil {
			return nil, fmt.Errorf("%s is none of Badger's files: %w", f, err)
		}
		w.active = max(w.active, n)
	}
	return w, nil
}

func (w *walFiles) path(n int) string {
	return filepath.Join(w.dir, fmt.Sprintf("%05d%s", n, walSuffix))
}

// Upper bounds of what Badger adds to an entry's bytes in a log and, in the
// mean, in a memtable.
const (
	walCost      = 40
	memtableCost = 64
)

// sizes are upper bounds of what changes take in a log and in a memtable.
func sizes(ops []record) (wal, mem int64) {
	for i := range ops {
		n := int64(len(ops[i].key) + len(ops[i].value))
		wal += n + walCost
		mem += n + memtableCost
	}
	return wal + 4096, mem
}

// mayRotate says that the next commit may make Badger begin a new log.
func (w *walFiles) mayRotate() bool { return w.filled >= w.memTable }

// prepare allocates what a commit of so many bytes may need.
func (w *walFiles) prepare(bytes int64) error {
	if need := w.written + bytes; need > w.have {
		if err := allocate(w.path(w.active), os.O_RDWR, need+w.step); err != nil {
			return err
		}
		w.have = need + w.step
	}
	if w.mayRotate() && bytes > w.ahead {
		next := w.path(w.active + 1)
		if err := allocate(next, os.O_RDWR|os.O_CREATE, bytes+w.step); err != nil {
			return errors.Join(err, os.Remove(next))
		}
		w.ahead = bytes + w.step
	}
	return nil
}

// committed notes what a commit wrote, and whether Badger went on to the next
// log for it: then that one's name must be made durable.
func (w *walFiles) committed(wal, mem int64) error {
	st, err := os.Stat(w.path(w.active + 1))
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.ahead == 0, err == nil && st.Size() == 0:
		w.written += wal
		w.filled += mem
		return nil
	case err != nil:
		return err
	}
	w.active++
	w.have, w.ahead = w.ahead, 0
	w.written, w.filled = wal, mem
	return syncDir(w.dir)
}

// drop removes the prepared log when the database closes.
func (w *walFiles) drop() error {
	if w.ahead == 0 {
		return nil
	}
	return os.Remove(w.path(w.active + 1))
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

// replayBytes is the size of the tables that opening a database may write.
func replayBytes(dir string) (n int64, err error) {
	found, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	for _, f := range found {
		b, err := allocatedBytes(f)
		if err != nil {
			return 0, err
		}
		n += b
	}
	return n, err
}
