package calendar

import (
	"encoding/json"
	"time"
)

// The ways to deal with ticks that nobody was there for.
const (
	MisfireOnce = "once" // the last one is made up for; the default
	MisfireSkip = "skip" // none is
	MisfireAll  = "all"  // every one is
)

// MaxGrace bounds how late a tick may be made up for.
const MaxGrace = MaxEvery

// Definition is what a schedule's text says of its ticks; what they run is
// beside it.
type Definition struct {
	Rule
	Overlap      string `json:"overlap,omitempty"`
	Misfire      string `json:"misfire,omitempty"`
	MisfireGrace Span   `json:"misfire_grace,omitempty"`
	Catchup      bool   `json:"catchup,omitempty"`
}

// Policy says whether every missed tick is made up for, and how late one may
// be, 0 for any time.
func (d *Definition) Policy() (all bool, grace int64, err error) {
	switch d.Misfire {
	case "", MisfireOnce, MisfireSkip, MisfireAll:
	default:
		return false, 0, fault("misfire", `%q is unknown; write "once", "skip" or "all"`, clip(d.Misfire))
	}
	if d.Catchup && d.Misfire != "" && d.Misfire != MisfireAll {
		return false, 0, fault("catchup", `stands beside misfire %q; catchup is misfire "all"`, d.Misfire)
	}
	span, err := parseSpan("misfire_grace", d.MisfireGrace, 0, MaxGrace)
	return d.Catchup || d.Misfire == MisfireAll, int64(span), err
}

// First is the first tick that a schedule waits for which begins at now, has
// dealt with those up to seen, or 0, and says when it is to begin: with catchup
// that may be in the past. It is 0 if there is none.
func (d *Definition) First(s Schedule, now, seen int64) int64 {
	after := time.Unix(0, max(now, seen))
	if d.Catchup && !s.start.IsZero() {
		after = s.start.Add(-1)
		if seen >= after.UnixNano() {
			after = time.Unix(0, seen)
		}
	}
	t, ok := s.Next(after)
	if !ok {
		return 0
	}
	return t.UnixNano()
}

// Stamp adds to what a run keeps for its readers, a JSON object, which
// schedule's which tick it is of.
func Stamp(meta []byte, schedule string, tick int64) []byte {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(meta, &all) != nil {
		return meta
	}
	all["schedule"], _ = json.Marshal(schedule) // a string always has a JSON form
	if tick != 0 {
		all["tick"], _ = json.Marshal(time.Unix(0, tick).UTC().Format(time.RFC3339Nano))
	}
	out, err := json.Marshal(all)
	if err != nil {
		return meta
	}
	return out
}
