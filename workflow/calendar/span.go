package calendar

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Span is a duration as the user writes it: "250ms", "1h30m", "7d", or a
// number of seconds. Only Parse reads it, which can say in which field it is
// wrong.
type Span string

// UnmarshalJSON takes a string, and of anything else its text.
func (s *Span) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		text = string(b)
	}
	*s = Span(text)
	return nil
}

// parseSpan reads a span within bounds; without a text it is zero.
func parseSpan(field string, s Span, min, max time.Duration) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	d, ok := spanOf(string(s))
	if !ok {
		return 0, fault(field, `%q is no duration; write a number with a unit (ns, us, ms, s, m, h, d) such as "250ms", "1h30m" or "7d", or a number of seconds`, clip(string(s)))
	}
	if d < min || d > max {
		return 0, fault(field, "%s is out of bounds; it is at least %s and at most %s", clip(string(s)), min, max)
	}
	return d, nil
}

// spanOf takes what Go's durations lack: whole days, in front of the rest, and
// numbers without a unit, which are seconds.
func spanOf(text string) (time.Duration, bool) {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return scale(f, time.Second)
	}
	var long time.Duration
	rest := text
	if days, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil {
			return 0, false
		}
		var ok bool
		if long, ok = scale(float64(n), 24*time.Hour); !ok || after == "" {
			return long, ok
		}
		rest = after
	}
	short, err := time.ParseDuration(rest)
	if err != nil || short > math.MaxInt64-long || strings.ContainsAny(rest, "+-") {
		return 0, false
	}
	return long + short, true
}

// scale is false for what no duration can hold.
func scale(f float64, unit time.Duration) (time.Duration, bool) {
	n := math.Round(f * float64(unit))
	if !(n > -math.MaxInt64 && n < math.MaxInt64) { // nor what is not a number
		return 0, false
	}
	return time.Duration(n), true
}
