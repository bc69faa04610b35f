package journal

import (
	"errors"
	"os"
)

// reader is one follower's place.
type reader struct {
	j      *Journal
	after  ID
	seg    *segment
	offset int64
}

// step reads on. more says that there is something to be read at once; changed
// is closed when there is, otherwise.
func (r *reader) step(fn func(*Event) error) (more bool, changed <-chan struct{}, err error) {
	seg, limit, changed, err := r.place()
	if err != nil || seg == nil {
		return false, changed, err
	}
	begun := r.offset
	var failed error
	at, err := seg.read(r.offset, func(b *batch) bool {
		b.each(r.after, func(e *Event) bool {
			failed = fn(e)
			r.after = e.ID
			return failed == nil
		})
		if whole := (ID{b.index, lastOf}); failed == nil && whole.after(r.after) {
			r.after = whole
		}
		return failed == nil
	})
	if errors.Is(err, os.ErrNotExist) { // retired meanwhile
		return false, nil, ErrGone
	}
	r.offset = at
	switch {
	case failed != nil:
		err = failed
	case err == nil && at == begun && at < limit && r.j.damaged(seg):
		err = ErrGone
	}
	return at > begun || at < limit, changed, err
}

// place finds the segment to read: the one in hand, or the next when it has
// been read to its end.
func (r *reader) place() (seg *segment, limit int64, changed <-chan struct{}, err error) {
	j := r.j
	j.mu.Lock()
	defer j.mu.Unlock()
	changed = j.changed
	if j.floor.after(r.after) { // also in the midst: the state may have jumped
		return nil, 0, changed, ErrGone
	}
	if r.seg == nil {
		r.begin()
	}
	if r.seg == nil {
		return nil, 0, changed, nil
	}
	if r.offset >= r.seg.size {
		if next := j.following(r.seg); next != nil {
			r.seg, r.offset = next, 0
		}
	}
	if r.offset >= r.seg.size {
		return nil, 0, changed, nil
	}
	return r.seg, r.seg.size, changed, nil
}

// begin finds the first segment for a new reader, if there is one yet.
func (r *reader) begin() {
	for _, s := range r.j.segments {
		if (ID{Index: s.last, N: lastOf}).after(r.after) {
			r.seg = s
			return
		}
	}
}

// damaged notes that a segment which others follow cannot be read to its end:
// what is missing in it must not be passed over.
func (j *Journal) damaged(s *segment) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	next := j.following(s)
	if next != nil && (ID{Index: s.last, N: lastOf}).after(j.floor) {
		j.floor = ID{Index: s.last, N: lastOf}
	}
	return next != nil
}

// following is the segment after one, or nil; j.mu is held.
func (j *Journal) following(s *segment) *segment {
	for i, x := range j.segments {
		if x == s && i+1 < len(j.segments) {
			return j.segments[i+1]
		}
		if x.first > s.last && x != s {
			return x
		}
	}
	return nil
}
