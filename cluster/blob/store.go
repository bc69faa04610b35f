package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Store is one server's blobs: files in up to 256 folders, and a folder of
// those being written. All methods may be called from anywhere.
type Store struct {
	dir string
	now func() time.Time
	// onDamaged is told of a blob that was put aside.
	onDamaged func(digest string)

	// mu makes "is it there and wanted, then touch, pin or remove it" one
	// step; it is not held while bytes flow.
	mu   sync.Mutex
	pins map[string]int
	// checked are the blobs whose bytes Path has looked at.
	checked map[string]struct{}
}

// Info tells of one blob. Touched is when it was last put.
type Info struct {
	Digest  string
	Size    int64
	Touched time.Time
}

const (
	temporaryDir = "tmp"
	damagedDir   = "damaged"
)

// OpenStore opens or makes a folder of blobs and clears what a crash left half
// written. The folder must be the store's alone.
func OpenStore(dir string) (*Store, error) {
	s := &Store{dir: dir, now: time.Now, onDamaged: func(string) {}, pins: map[string]int{}, checked: map[string]struct{}{}}
	if err := makeFolders(dir); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	left, err := os.ReadDir(filepath.Join(dir, temporaryDir))
	for _, e := range left {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, temporaryDir, e.Name())))
	}
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

// makeFolders makes the folders that are not there yet. Only then does it wait
// for the disk: a restart shall not.
func makeFolders(dir string) error {
	made := false
	for _, d := range []string{dir, filepath.Join(dir, temporaryDir), filepath.Join(dir, damagedDir)} {
		if _, err := os.Stat(d); err == nil {
			continue
		}
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
		made = true
	}
	if !made {
		return nil
	}
	return syncDir(dir)
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name[:2], name) }

// Stat tells of a blob, or ErrNotFound.
func (s *Store) Stat(digest string) (Info, error) {
	name, err := checkDigest(digest)
	if err != nil {
		return Info{}, err
	}
	st, err := os.Stat(s.path(name))
	if err != nil {
		return Info{}, missing(digest, err)
	}
	return Info{Digest: digest, Size: st.Size(), Touched: st.ModTime()}, nil
}

// Has reports whether a blob is here.
func (s *Store) Has(digest string) bool {
	_, err := s.Stat(digest)
	return err == nil
}

// Pin keeps a blob from Sweep and Remove until as many Unpin; ErrNotFound if
// it is not here. Pins are in memory: after a restart a blob's age protects it.
func (s *Store) Pin(digest string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.Stat(digest); err != nil {
		return err
	}
	s.pins[digest]++
	return nil
}

// Unpin takes back one Pin.
func (s *Store) Unpin(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pins[digest]--; s.pins[digest] <= 0 {
		delete(s.pins, digest)
	}
}

// Remove removes a blob unless it is pinned, and reports whether it did.
func (s *Store) Remove(digest string) (bool, error) {
	name, err := checkDigest(digest)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pins[digest] > 0 {
		return false, nil
	}
	delete(s.checked, digest)
	if err := os.Remove(s.path(name)); err != nil {
		return false, missing(digest, err)
	}
	return true, nil
}

// List calls fn for every blob, in the order of their digests, until it
// returns false. Blobs that come or go meanwhile may be seen or not.
func (s *Store) List(fn func(Info) bool) error {
	for i := range 256 {
		entries, err := os.ReadDir(filepath.Join(s.dir, fmt.Sprintf("%02x", i)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("list blobs: %w", err)
		}
		for _, e := range entries {
			info, err := s.Stat(algorithm + e.Name())
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDigest) {
				continue
			}
			if err != nil {
				return fmt.Errorf("list blobs: %w", err)
			}
			if !fn(info) {
				return nil
			}
		}
	}
	return nil
}

// Sweep removes what is neither pinned nor referred to and was put longer ago
// than the given age. A fault with one blob does not keep the others.
func (s *Store) Sweep(referenced func(digest string) bool, olderThan time.Duration) (removed int, bytes int64, err error) {
	before := s.now().Add(-olderThan)
	var old []Info
	err = s.List(func(i Info) bool {
		if i.Touched.Before(before) {
			old = append(old, i)
		}
		return true
	})
	for _, i := range old {
		if referenced(i.Digest) {
			continue
		}
		gone, e := s.removeOld(i.Digest, before)
		if gone {
			removed++
			bytes += i.Size
		}
		err = errors.Join(err, e)
	}
	return removed, bytes, err
}

// removeOld looks again under the lock: the blob may have been put or pinned
// since it was found old.
func (s *Store) removeOld(digest string, before time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.Stat(digest)
	if err != nil || s.pins[digest] > 0 || !i.Touched.Before(before) {
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return false, err
	}
	delete(s.checked, digest)
	if err := os.Remove(s.path(digest[len(algorithm):])); err != nil {
		return false, fmt.Errorf("remove blob: %w", err)
	}
	return true, nil
}

func missing(digest string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, digest)
	}
	return fmt.Errorf("blob %s: %w", digest, err)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
