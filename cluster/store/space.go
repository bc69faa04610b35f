package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Space is the room on the file system that the store lies on, in bytes.
type Space struct {
	Free, Total int64
	// Low asks that no new work be taken: what there is to finish needs the
	// rest.
	Low bool
}

// FreeSpace looks how much room there is. It costs a system call.
func (s *Store) FreeSpace() (Space, error) {
	free, total, err := diskSpace(s.opt.Dir)
	if err != nil {
		return Space{}, fmt.Errorf("look for free space: %w", err)
	}
	low := max(s.opt.LowBytes, total/100*int64(s.opt.LowPercent))
	return Space{Free: free, Total: total, Low: free < low}, nil
}

// ReleaseReserve gives the reserve file up, so that what must be written can
// be: for whoever runs out of space on the same disk. It is made again once
// there is room.
func (s *Store) ReleaseReserve() { s.room.release() }

// reserve is a file that only holds blocks.
type reserve struct {
	path string
	size int64

	mu   sync.Mutex
	held bool
}

// hold makes the file, if it is wanted and not there.
func (r *reserve) hold() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.size <= 0 {
		return nil
	}
	if err := allocate(r.path, os.O_RDWR|os.O_CREATE, r.size); err != nil {
		return errors.Join(err, os.Remove(r.path))
	}
	r.held = true
	return nil
}

// release reports whether there was something to give.
func (r *reserve) release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.held {
		return false
	}
	r.held = os.Remove(r.path) != nil
	return !r.held
}

// refill makes the reserve again when the disk is no longer low.
func (s *Store) refill() {
	s.room.mu.Lock()
	wanted := !s.room.held && s.room.size > 0
	s.room.mu.Unlock()
	if !wanted {
		return
	}
	if sp, err := s.FreeSpace(); err == nil && !sp.Low && sp.Free > s.opt.MinFree+2*s.room.size {
		if err := s.room.hold(); err != nil {
			s.log.Warn("the reserve could not be made", "path", s.room.path, "error", err)
		}
	}
}

// Pauses between looks for space.
const (
	leastPause = 50 * time.Millisecond
	mostPause  = 2 * time.Second
)

// awaitRoom returns when a commit of so many bytes cannot run out of space, or
// false when the store closes. Readers go on with the overlay meanwhile, the applying
// goroutine until it is pressed.
func (s *Store) awaitRoom(bytes int64) bool {
	for pause := leastPause; ; pause = min(2*pause, mostPause) {
		err := s.findRoom(bytes)
		if err != nil && s.room.release() {
			s.log.Warn("the reserve was given up", "path", s.room.path)
			err = s.findRoom(bytes)
		}
		if err == nil {
			if s.short.Swap(nil) != nil {
				s.log.Info("checkpoints are written again", "dir", s.opt.Dir)
			}
			return true
		}
		if s.short.Swap(&err) == nil {
			s.log.Error("checkpoints wait for space", "dir", s.opt.Dir, "error", err)
		}
		select {
		case <-s.quit:
			return false
		case <-time.After(pause):
		}
	}
}

// findRoom allocates what a commit may need. When the commit may make
// Badger begin a new memtable, the old one becomes a table, and compactions
// follow: they too would die of a full disk, so MinFree must be there.
func (s *Store) findRoom(bytes int64) error {
	if err := s.wal.prepare(bytes); err != nil {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	if !s.wal.mayRotate() {
		return nil
	}
	free, _, err := diskSpace(s.opt.Dir)
	if err != nil {
		return err
	}
	if free < s.opt.MinFree {
		return fmt.Errorf("%w: %d MiB are free, %d are needed", ErrNoSpace, free>>20, s.opt.MinFree>>20)
	}
	return nil
}

// roomToOpen refuses to open a database where there is no room to replay its
// logs, after giving up the reserve.
func (s *Store) roomToOpen(dir string) error {
	s.room = &reserve{path: filepath.Join(s.opt.Dir, reserveName), size: s.opt.Reserve}
	_, err := os.Stat(s.room.path)
	s.room.held = err == nil
	need, err := replayBytes(dir)
	if err != nil {
		return err
	}
	need += openCost
	free, _, err := diskSpace(s.opt.Dir)
	if err == nil && free < need && s.room.release() {
		free, _, err = diskSpace(s.opt.Dir)
	}
	if err != nil {
		return err
	}
	if free < need {
		return fmt.Errorf("%w: opening needs %d MiB, %d are free", ErrNoSpace, need>>20, free>>20)
	}
	return nil
}

// openCost is what opening writes beside replayed logs.
const openCost = 4 << 20
