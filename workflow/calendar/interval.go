package calendar

import (
	"slices"
	"time"
)

// interval ticks at whole spans from its anchor, so that it never drifts. With
// an anchor of its own it begins there; else it counts from 1970 and has no
// beginning.
type interval struct {
	every  time.Duration
	anchor time.Time
}

func (i interval) next(after time.Time) (time.Time, bool) {
	anchor := int64(0)
	if !i.anchor.IsZero() {
		anchor = i.anchor.UnixNano()
		if after.Before(i.anchor) {
			return i.anchor, true
		}
	}
	since := after.UnixNano() - anchor
	span := int64(i.every)
	whole := since / span
	if since%span < 0 {
		whole--
	}
	// Times lie between 1900 and 2262 and spans within a century, so that
	// nothing overflows but a tick behind the end.
	tick := anchor + whole*span
	if tick > dusk.UnixNano()-span {
		return time.Time{}, false
	}
	return time.Unix(0, tick+span).UTC(), true
}

// list is times in order.
type list []time.Time

func (l list) next(after time.Time) (time.Time, bool) {
	i, found := slices.BinarySearchFunc(l, after, time.Time.Compare)
	if found {
		i++
	}
	if i == len(l) {
		return time.Time{}, false
	}
	return l[i], true
}
