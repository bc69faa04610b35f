package calendar

import (
	"math"
	"math/bits"
	"time"
)

// wall ticks when a clock on the wall of a zone shows what its fields allow.
//
// A reading of that clock is kept as the seconds since 1970 that a clock in
// UTC would have to show the same. Between two changes of the clock reading
// and time differ by a constant, so the ticks are looked for in one such
// stretch after the other, and what the change itself does is seen between
// them.
type wall struct {
	fields fields
	zone   *time.Location
}

const secondsADay = 24 * 3600

func (w wall) next(after time.Time) (time.Time, bool) {
	s := w.stretch(time.Unix(after.Unix(), 0))
	from := after.Unix() + s.offset + 1
	// In a repeated hour only what means every hour ticks again.
	if !w.hourly() {
		from = max(from, s.shownBefore)
	}
	for {
		if r, ok := w.fields.next(from, s.end+s.offset); ok {
			return time.Unix(r-s.offset, 0).UTC(), true
		}
		if s.end >= dusk.Unix() {
			return time.Time{}, false
		}
		ahead := w.stretch(time.Unix(s.end, 0))
		last, first := s.end+s.offset, s.end+ahead.offset
		if _, ok := w.fields.next(max(from, last), first); ok { // skipped by the clock
			return time.Unix(s.end, 0).UTC(), true
		}
		if from = max(from, last, first); w.hourly() {
			from = first
		}
		s = ahead
	}
}

// hourly rules mean every hour that passes, not hours by their names.
func (w wall) hourly() bool { return hours.full(w.fields.hour) }

// stretch is a time in which a zone's clock does not change.
type stretch struct {
	end         int64 // Unix seconds, excluded
	offset      int64 // of the clock, seconds east of UTC
	shownBefore int64 // first reading that the clock had not shown before the stretch
}

func (w wall) stretch(at time.Time) stretch {
	at = at.In(w.zone)
	_, offset := at.Zone()
	first, last := at.ZoneBounds()
	s := stretch{end: dusk.Unix(), offset: int64(offset), shownBefore: math.MinInt64}
	if !first.IsZero() {
		_, before := first.Add(-1).Zone()
		s.shownBefore = first.Unix() + int64(before)
	}
	if last.IsZero() {
		return s
	}
	s.end = min(s.end, last.Unix())
	if s.end <= at.Unix() {
		// Package time takes every year to have 365 days: on the last day of a
		// leap year the end that it gives has passed.
		s.end = (at.Unix()/secondsADay + 1) * secondsADay
	}
	return s
}

// next is the first reading from one on and before a limit that the fields
// allow.
func (f fields) next(from, limit int64) (int64, bool) {
	day, second := from/secondsADay, from%secondsADay
	if second < 0 {
		day, second = day-1, second+secondsADay
	}
	for day*secondsADay < limit {
		date := time.Unix(day*secondsADay, 0).UTC()
		if f.month&(1<<date.Month()) == 0 {
			first := time.Date(date.Year(), date.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			day, second = first.Unix()/secondsADay, 0 // midnights leave no rest
			continue
		}
		if f.allowsDay(date) {
			if s, ok := f.nextSecond(second); ok {
				reading := day*secondsADay + s
				return reading, reading < limit
			}
		}
		day, second = day+1, 0
	}
	return 0, false
}

// allowsDay is cron's rule: a day of the month or a day of the week is enough
// if both are restricted.
func (f fields) allowsDay(date time.Time) bool {
	day := f.day&(1<<date.Day()) != 0
	weekday := f.weekday&(1<<date.Weekday()) != 0
	if f.bothDays || f.anyDay || f.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// nextSecond is the first second of the day from one on.
func (f fields) nextSecond(from int64) (int64, bool) {
	h, m, s := int(from/3600), int(from/60%60), int(from%60)
	if f.hour&(1<<h) != 0 {
		if f.minute&(1<<m) != 0 {
			if next, ok := bitFrom(f.second, s); ok {
				return clock(h, m, next), true
			}
		}
		if next, ok := bitFrom(f.minute, m+1); ok {
			return clock(h, next, bits.TrailingZeros64(f.second)), true
		}
	}
	if next, ok := bitFrom(f.hour, h+1); ok {
		return clock(next, bits.TrailingZeros64(f.minute), bits.TrailingZeros64(f.second)), true
	}
	return 0, false
}

func clock(h, m, s int) int64 { return int64(h)*3600 + int64(m)*60 + int64(s) }

// bitFrom is the lowest set bit that is not below from.
func bitFrom(set uint64, from int) (int, bool) {
	rest := set >> from << from
	return bits.TrailingZeros64(rest), rest != 0
}
