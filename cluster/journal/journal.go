// Package journal writes down what the machine did: every committed transition
// as an event, in segment files of each node, for readers who follow along and
// may go on where they were.
//
// It is not the truth: the Raft log and the store are. It keeps 24 hours or 256
// MiB; whoever asks for older events is told to start over. Entries that a
// restart applies again are not written again, and one that a power loss took
// from the journal but not from the store leaves a gap, which readers are told
// of in the same way.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/windrow-dev/windrow/cluster/state"
)

// Options say where a journal is and how much it keeps; zero is the default.
type Options struct {
	Dir     string
	Segment int64 // bytes of a file, 8 MiB
	Keep    int64 // bytes in all, 256 MiB
	Age     int64 // nanoseconds of the machine's time, 24 h
	Logger  *slog.Logger
}

// ErrGone says that events after the given id are not kept any more, or were
// never here: read the state anew and follow from now.
var ErrGone = errors.New("events after this id are gone")

// Journal is one node's.
type Journal struct {
	opt Options

	// Of the writer: Append belongs to the applying goroutine.
	in   chan batch
	done chan struct{}
	file *os.File
	buf  []byte

	mu       sync.Mutex
	segments []*segment // oldest first
	last     uint64     // index of the newest batch written
	seen     uint64     // index of the newest entry that Append was told of
	queued   uint64     // index of the newest batch on its way or written
	floor    ID         // events up to here may be missing
	changed  chan struct{}
	pending  int // batches on their way to the file
	idle     sync.Cond
	closed   bool // nothing is taken any more
	failed   error
}

// lastOf is a number after that of any event of an entry.
const lastOf = 1<<32 - 1

// pendingBatches bounds what waits for the disk; Append then waits too.
const pendingBatches = 4096

// Open opens a journal or makes one. applied is the index that the node's
// store has: the machine will be told of no entry up to it again.
func Open(opt Options, applied uint64) (*Journal, error) {
	if opt.Segment == 0 {
		opt.Segment = 8 << 20
	}
	if opt.Keep == 0 {
		opt.Keep = 256 << 20
	}
	if opt.Age == 0 {
		opt.Age = 24 * 3600e9
	}
	j := &Journal{opt: opt, in: make(chan batch, pendingBatches), done: make(chan struct{}), changed: make(chan struct{})}
	j.idle.L = &j.mu
	if err := j.load(); err != nil {
		return nil, fmt.Errorf("open the journal of events: %w", err)
	}
	j.begin(applied)
	go j.write()
	if applied == 0 && len(j.segments) == 0 { // so that a restart knows that nothing is missing
		j.pending++
		j.in <- batch{}
	}
	return j, nil
}

// begin finds out what may be missing: entries that the store has and the
// journal has not.
func (j *Journal) begin(applied uint64) {
	j.seen = max(applied, j.last)
	j.queued = j.last
	if len(j.segments) == 0 || j.last < applied {
		j.forget(max(applied, j.last))
		return
	}
	if first := j.segments[0].first; first > 0 {
		j.floor = ID{Index: first - 1, N: lastOf}
	}
}

func (j *Journal) load() error {
	if err := os.MkdirAll(j.opt.Dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(j.opt.Dir)
	if err != nil {
		return err
	}
	var names []string // sorted, which is by index
	for _, e := range entries {
		if isSegment(e.Name()) {
			names = append(names, filepath.Join(j.opt.Dir, e.Name()))
		}
	}
	for i, name := range names {
		open := headOf
		if i == len(names)-1 {
			open = openSegment
		}
		s, err := open(name)
		if err != nil {
			return err
		}
		if s.size == 0 {
			if err := os.Remove(s.path); err != nil {
				return err
			}
			continue
		}
		if n := len(j.segments); n > 0 {
			j.segments[n-1].last = s.first - 1
		}
		j.segments = append(j.segments, s)
		j.last = s.last
	}
	return nil
}

// Append takes an entry's transitions, in log order. It waits only when the
// disk is far behind. After Close it does nothing: the next Open finds by the
// store's index that events may be missing.
func (j *Journal) Append(index uint64, now int64, moves []state.Move) {
	j.mu.Lock()
	if index <= j.seen || j.closed {
		j.mu.Unlock()
		return
	}
	j.seen = index
	if len(moves) == 0 {
		j.mu.Unlock()
		return
	}
	j.pending++
	j.queued = index
	j.mu.Unlock()
	j.in <- batch{index, now, moves}
}

// Checkpoint returns once the files tell of every entry so far, if only that it
// moved nothing. The store calls it before it makes an index durable, so that
// after a crash the journal is never behind.
func (j *Journal) Checkpoint() {
	j.mu.Lock()
	mark := j.queued < j.seen && !j.closed
	if mark {
		j.pending++
		j.queued = j.seen
	}
	index := j.seen
	j.mu.Unlock()
	if mark {
		j.in <- batch{index: index}
	}
	j.Flush()
}

// Restart forgets everything: the node's state was replaced by another node's
// as of an index. It belongs to the applying goroutine, as Append does.
func (j *Journal) Restart(index uint64) {
	j.Flush()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen = max(j.seen, index)
	j.queued = max(j.queued, j.seen)
	j.forget(index)
	j.tell()
}

// forget drops what lies before a gap, which nobody may read any more: the gap
// must not be passed over after a restart, when nothing else tells of it. j.mu
// is held, and nothing is on its way to the files.
func (j *Journal) forget(index uint64) {
	j.floor = ID{}
	if index > 0 { // else nothing is missing: the node is new
		j.floor = ID{Index: index, N: lastOf}
	}
	for len(j.segments) > 0 {
		if err := os.Remove(j.segments[0].path); err != nil {
			j.opt.Logger.Warn("remove events from before a gap", "err", err)
			break
		}
		j.segments = slices.Delete(j.segments, 0, 1)
	}
	if j.file != nil { // what comes goes to a file of its own
		_ = j.file.Close()
		j.file = nil
	}
}

// Flush returns once everything appended is in the files.
func (j *Journal) Flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.pending > 0 && j.failed == nil {
		j.idle.Wait()
	}
}

// Close writes what is left. The store may still be cutting a checkpoint.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	for j.pending > 0 { // whoever is about to send has counted itself
		j.idle.Wait()
	}
	j.mu.Unlock()
	close(j.in)
	<-j.done
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file != nil {
		return errors.Join(j.failed, j.file.Close())
	}
	return j.failed
}

// write is the writer's life.
func (j *Journal) write() {
	defer close(j.done)
	for b := range j.in {
		list := append([]batch(nil), b)
		for len(list) < 256 && len(j.in) > 0 {
			list = append(list, <-j.in)
		}
		err := j.put(list)
		if err != nil {
			j.opt.Logger.Error("the journal of events cannot be written; followers miss events until it can", "err", err)
		}
		j.mu.Lock()
		j.pending -= len(list)
		if err != nil {
			j.floor = ID{Index: list[len(list)-1].index, N: lastOf}
		}
		j.idle.Broadcast()
		j.tell()
		j.mu.Unlock()
	}
}

// tell wakes the followers. j.mu is held.
func (j *Journal) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// put writes batches to the newest segment, or to a new one.
func (j *Journal) put(list []batch) error {
	s, err := j.current(&list[0])
	if err != nil {
		return err
	}
	j.buf = j.buf[:0]
	var raw []byte
	for i := range list {
		raw = list[i].append(raw[:0])
		j.buf = appendFramed(j.buf, raw)
	}
	if _, err := j.file.WriteAt(j.buf, s.size); err != nil {
		return err
	}
	if cap(j.buf) > 4<<20 {
		j.buf = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s.size += int64(len(j.buf))
	s.last = list[len(list)-1].index
	j.last = s.last
	return nil
}

// current is the segment to write to.
func (j *Journal) current(b *batch) (*segment, error) {
	j.mu.Lock()
	n := len(j.segments)
	if n > 0 && j.file != nil && j.segments[n-1].size < j.opt.Segment {
		defer j.mu.Unlock()
		return j.segments[n-1], nil
	}
	j.mu.Unlock()
	f, err := os.OpenFile(segmentPath(j.opt.Dir, b.index), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file = f
	s := &segment{path: f.Name(), first: b.index, last: b.index, begun: b.time}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = append(j.segments, s)
	return s, j.retire(b.time)
}

// retire removes what is too old or too much. j.mu is held.
func (j *Journal) retire(now int64) error {
	var sum int64
	for _, s := range j.segments {
		sum += s.size
	}
	var faults error
	for len(j.segments) > 1 && (sum > j.opt.Keep || j.segments[1].begun < now-j.opt.Age) {
		old := j.segments[0]
		sum -= old.size
		j.segments = slices.Delete(j.segments, 0, 1)
		if floor := (ID{Index: old.last, N: lastOf}); floor.after(j.floor) {
			j.floor = floor
		}
		faults = errors.Join(faults, os.Remove(old.path))
	}
	return faults
}

// Newest is the id after which a follower sees only what comes from now on.
func (j *Journal) Newest() ID {
	j.Flush()
	j.mu.Lock()
	defer j.mu.Unlock()
	return ID{Index: j.seen, N: lastOf}
}

// Follow calls fn for every event after an id, in their order, and goes on with
// what comes, until ctx is done or fn fails. It gives ErrGone where events
// after the id are not here. Between events, when there is nothing more for
// now, it calls idle, which may be nil.
func (j *Journal) Follow(ctx context.Context, after ID, fn func(*Event) error, idle func() error) error {
	r := reader{j: j, after: after}
	for {
		more, changed, err := r.step(fn)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if idle != nil {
			if err := idle(); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
