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
// that is no error but a SIGBUS, which ends the process. So the blocks of the
// log in use are allocated, and those of the next one, which Badger finds
// empty and takes, before any byte is written.
type walFiles struct {
	dir  string
	room int64 // bytes that a log may come to hold
	// active is the number of the log in use, and allocated says that it has
	// its blocks; next that the log after it is prepared.
	active          int
	allocated, next bool
	// filled is an upper bound of what the memtable in use holds.
	filled int64
}

// newWalFiles looks at a database that Badger has just opened.
func newWalFiles(dir string, memTable int64) (*walFiles, error) {
	w := &walFiles{dir: dir, room: memTable + memTable/4 + 1<<20}
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

// prepare allocates what a commit may need.
func (w *walFiles) prepare() error {
	if !w.allocated {
		if err := allocate(w.path(w.active), os.O_RDWR, w.room); err != nil {
			return err
		}
		w.allocated = true
	}
	if !w.next {
		if err := allocate(w.path(w.active+1), os.O_RDWR|os.O_CREATE, w.room); err != nil {
			return errors.Join(err, os.Remove(w.path(w.active+1)))
		}
		w.next = true
	}
	return nil
}

// committed notes what a commit wrote, and whether Badger went on to the next
// log for it: then that one's name must be made durable.
func (w *walFiles) committed(ops []record) error {
	var bytes int64
	for i := range ops {
		bytes += int64(len(ops[i].key)+len(ops[i].value)) + memtableCost
	}
	st, err := os.Stat(w.path(w.active + 1))
	switch {
	case errors.Is(err, fs.ErrNotExist) && !w.next, err == nil && st.Size() == 0:
		w.filled += bytes
		return nil
	case err != nil:
		return err
	}
	w.active, w.allocated, w.next, w.filled = w.active+1, w.next, false, bytes
	return syncDir(w.dir)
}

// memtableCost is the most that Badger's memtable needs for an entry, in the
// mean, beside its bytes.
const memtableCost = 64

// drop removes the prepared log when the database closes.
func (w *walFiles) drop() error {
	if !w.next {
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
