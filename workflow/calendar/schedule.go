package calendar

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"
)

// Schedule is a parsed Rule. It never changes; any number of goroutines may
// ask it. The zero Schedule is never due.
type Schedule struct {
	ticks      source
	zone       *time.Location
	start, end time.Time // zero: unbounded
	jitter     time.Duration
}

// source gives ticks without bounds. It is asked for times from dawn to dusk.
type source interface {
	// next is the first tick after a time, false if there is none.
	next(after time.Time) (time.Time, bool)
}

// Zone is the time zone of the schedule; its ticks are given in it.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

// Next is the first tick after a time, itself excluded; false if there will be
// none any more.
func (s Schedule) Next(after time.Time) (time.Time, bool) {
	if !s.start.IsZero() && after.Before(s.start) {
		after = s.start.Add(-1)
	}
	t, ok := next(s.ticks, after)
	if !ok || !s.end.IsZero() && t.After(s.end) {
		return time.Time{}, false
	}
	return t.In(s.Zone()), true
}

// Prev is the last tick before a time, itself excluded; false if there was
// none.
func (s Schedule) Prev(before time.Time) (time.Time, bool) {
	if !s.end.IsZero() && before.After(s.end) {
		before = s.end.Add(1)
	}
	t, ok := prev(s.ticks, before)
	if !ok || t.Before(s.start) {
		return time.Time{}, false
	}
	return t.In(s.Zone()), true
}

// Upcoming are the next n ticks after a time, or as many as there are.
func (s Schedule) Upcoming(after time.Time, n int) []time.Time {
	ticks, _ := s.Missed(after, dusk, n)
	return ticks
}

// Missed are the ticks after from and up to to, to included, the earliest
// first. Of more than limit ticks it gives the first limit, and true.
func (s Schedule) Missed(from, to time.Time, limit int) (ticks []time.Time, more bool) {
	for t, ok := s.Next(from); ok && !t.After(to); t, ok = s.Next(t) {
		if len(ticks) >= limit {
			return ticks, true
		}
		ticks = append(ticks, t)
	}
	return ticks, false
}

// Interval is the span of data that a tick completes: from the tick before it,
// the bounds of the schedule left aside, to the tick. Without a tick before
// it, and for times that were listed one by one, it is empty.
func (s Schedule) Interval(tick time.Time) (start, end time.Time) {
	if _, listed := s.ticks.(list); !listed {
		if t, ok := prev(s.ticks, tick); ok {
			return t.In(s.Zone()), tick
		}
	}
	return tick, tick
}

// Delay is how long after a tick its work begins: at least 0 and less than the
// jitter, spread evenly over names and ticks, and the same on every node.
func (s Schedule) Delay(name string, tick time.Time) time.Duration {
	if s.jitter <= 0 {
		return 0
	}
	seed := binary.BigEndian.AppendUint64([]byte(name), uint64(tick.UnixNano()))
	sum := sha256.Sum256(seed)
	scaled, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(s.jitter))
	return time.Duration(scaled)
}

// next keeps sources to the times that they understand.
func next(s source, after time.Time) (time.Time, bool) {
	if s == nil || !after.Before(dusk) {
		return time.Time{}, false
	}
	if after.Before(dawn) {
		after = dawn.Add(-1)
	}
	t, ok := s.next(after)
	if !ok || !t.Before(dusk) {
		return time.Time{}, false
	}
	return t, true
}

// prev closes in on the last tick before a time by asking for next ones only,
// so that there is one way to find a tick.
func prev(s source, before time.Time) (time.Time, bool) {
	if before.After(dusk) {
		before = dusk
	}
	low, ok := next(s, time.Time{})
	if !ok || !low.Before(before) {
		return time.Time{}, false
	}
	// low is a tick; between high and before there is none.
	for high := before; ; {
		middle := low.Add(high.Sub(low) / 2)
		if t, ok := next(s, middle); ok && t.Before(before) {
			low = t
			continue
		}
		high = middle
		if t, ok := next(s, low); !ok || !t.Before(before) {
			return low, true
		}
	}
}
