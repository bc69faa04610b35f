package cluster

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/hashicorp/raft"
)

// logStore stands before the log on disk: it keeps the newest entries in
// memory, bounded by bytes, counts bytes for compaction, and refuses to drop
// what the shard does not hold durably.
type logStore struct {
	raft.LogStore
	// dispensable fails unless everything up to an entry is durable elsewhere.
	dispensable func(index uint64) error
	grown       chan struct{} // a hint that the log has grown by markEvery
	stored      func(last uint64)
	damaged     func(error) // hears of an entry that is not what was written
	full        func()      // there is no space for the log
	writes      writeWatch

	mu     sync.Mutex
	recent []*raft.Log // consecutive
	bytes  int         // of recent
	limit  int
	marks  []logMark
	total  int64 // bytes ever stored, as far as known
}

// logMark says how much had been stored up to and with an entry.
type logMark struct {
	index uint64
	total int64
}

// markEvery is the distance of marks, bytes.
const markEvery = 1 << 20

// entryOverhead is about what an entry costs beside its data.
const entryOverhead = 64

func newLogStore(disk raft.LogStore, limit int) (*logStore, error) {
	s := &logStore{LogStore: disk, limit: limit, grown: make(chan struct{}, 1)}
	first, err := disk.FirstIndex()
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	last, err := disk.LastIndex()
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	s.marks = []logMark{{index: max(first, 1) - 1}}
	if last > 0 {
		if s.total, err = s.estimate(first, last); err != nil {
			return nil, err
		}
		s.marks = append(s.marks, logMark{index: last, total: s.total})
	}
	return s, nil
}

// samples is how many entries estimate looks at.
const samples = 64

// estimate guesses the bytes of a log that another process wrote.
func (s *logStore) estimate(first, last uint64) (int64, error) {
	step := max((last-first+1)/samples, 1)
	var sum, n int64
	for i := first; i <= last; i += step {
		var l raft.Log
		if err := s.LogStore.GetLog(i, &l); err != nil {
			return 0, fmt.Errorf("read log entry %d: %w", i, err)
		}
		sum += int64(len(l.Data)) + entryOverhead
		n++
	}
	return sum / n * int64(last-first+1), nil
}

// IsMonotonic implements raft.MonotonicLogStore: the log on disk allows no gap,
// so Raft must empty it after it installed a snapshot.
func (s *logStore) IsMonotonic() bool { return true }

// GetLog implements raft.LogStore.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	s.mu.Lock()
	if n := len(s.recent); n > 0 {
		if first := s.recent[0].Index; index >= first && index < first+uint64(n) {
			*l = *s.recent[index-first]
			s.mu.Unlock()
			return nil
		}
	}
	s.mu.Unlock()
	if err := s.LogStore.GetLog(index, l); err != nil {
		return err
	}
	err := verify(l)
	if err != nil && s.damaged != nil {
		s.damaged(err)
	}
	return err
}

// StoreLog implements raft.LogStore.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	for _, l := range logs {
		if err := sign(l); err != nil {
			return err
		}
	}
	s.writes.begin()
	err := s.LogStore.StoreLogs(logs)
	s.writes.end(err)
	if errors.Is(err, syscall.ENOSPC) {
		s.full() // Raft tries again
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	for _, l := range logs {
		s.keep(l)
	}
	s.mu.Unlock()
	s.stored(logs[len(logs)-1].Index)
	return nil
}

func (s *logStore) keep(l *raft.Log) {
	size := len(l.Data) + entryOverhead
	if n := len(s.recent); n > 0 && s.recent[n-1].Index+1 != l.Index {
		s.recent, s.bytes = nil, 0
	}
	s.recent = append(s.recent, l)
	s.bytes += size
	drop := 0
	for s.bytes > s.limit && drop < len(s.recent)-1 {
		s.bytes -= len(s.recent[drop].Data) + entryOverhead
		s.recent[drop] = nil
		drop++
	}
	s.recent = s.recent[drop:]
	s.total += int64(size)
	if s.total-s.marks[len(s.marks)-1].total >= markEvery {
		s.marks = append(s.marks, logMark{index: l.Index, total: s.total})
		select {
		case s.grown <- struct{}{}:
		default:
		}
	}
}

// DeleteRange implements raft.LogStore. A prefix goes after a snapshot, a
// suffix when it conflicts with the leader's log.
func (s *logStore) DeleteRange(from, to uint64) error {
	last, err := s.LogStore.LastIndex()
	if err != nil {
		return err
	}
	first, err := s.LogStore.FirstIndex()
	if err != nil {
		return err
	}
	if from <= first {
		if err := s.dispensable(min(to, last)); err != nil {
			return fmt.Errorf("drop log entries up to %d: %w", to, err)
		}
	}
	s.forget(from, to, from <= first)
	return s.LogStore.DeleteRange(from, to)
}

// forget drops what lies in the range from memory.
func (s *logStore) forget(from, to uint64, prefix bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*raft.Log
	s.bytes = 0
	for _, l := range s.recent {
		if l.Index < from || l.Index > to {
			kept = append(kept, l)
			s.bytes += len(l.Data) + entryOverhead
		}
	}
	s.recent = kept
	for prefix && len(s.marks) > 1 && s.marks[1].index <= to {
		s.marks = s.marks[1:]
	}
	for n := len(s.marks); !prefix && n > 1 && s.marks[n-1].index >= from; n-- {
		s.total = s.marks[n-2].total
		s.marks = s.marks[:n-1]
	}
}

// bytesAfter estimates the bytes of the entries after index.
func (s *logStore) bytesAfter(index uint64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.marks) - 1; i >= 0; i-- {
		if s.marks[i].index <= index {
			return s.total - s.marks[i].total
		}
	}
	return s.total - s.marks[0].total
}

// trailing is how many of the newest entries up to last make about so many
// bytes.
func (s *logStore) trailing(last uint64, bytes int64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.marks) - 1; i >= 0; i-- {
		if s.total-s.marks[i].total >= bytes {
			return last - min(s.marks[i].index, last)
		}
	}
	return last - min(s.marks[0].index, last)
}

// lastCommand is the newest entry at or below index that the shard sees, given
// that it has applied everything up to applied. Raft's own entries never reach
// the shard, so nobody may wait for them.
func (s *logStore) lastCommand(index, applied uint64) (uint64, error) {
	for i := index; i > applied; i-- {
		var l raft.Log
		switch err := s.GetLog(i, &l); {
		case errors.Is(err, raft.ErrLogNotFound): // compacted, thus applied
			return applied, nil
		case err != nil:
			return 0, err
		case l.Type == raft.LogCommand:
			return i, nil
		}
	}
	return min(index, applied), nil
}
