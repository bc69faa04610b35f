package wire

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a span of time. In JSON it is a string such as "250ms", "30s",
// "1h30m" or "7d", or a bare number of seconds; it is never negative.
type Duration time.Duration

// MaxDuration is the longest span that is understood: 100 years of 365 days.
const MaxDuration = Duration(100 * 365 * 24 * time.Hour)

// Seconds makes a Duration of so many seconds.
func Seconds(n float64) Duration { return Duration(n * float64(time.Second)) }

// Std gives the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d as users do: "5m" and not "5m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText makes d a JSON string.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a string or a number of seconds.
func (d *Duration) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.duration()
	if err == nil {
		*d = v
	}
	return err
}

var units = map[string]int64{
	"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6,
	"s": 1e9, "m": 60e9, "h": 3600e9, "d": 24 * 3600e9,
}

// ParseDuration reads what Duration's JSON allows; digits without a unit are
// seconds.
func ParseDuration(text string) (Duration, error) {
	if text == "" || len(text) > 64 {
		return 0, noDuration(text)
	}
	if text[0] == '-' {
		return 0, reason("%q is negative; a duration is at least 0", text)
	}
	if c := text[len(text)-1]; c >= '0' && c <= '9' {
		return seconds(text)
	}
	var sum int64
	for rest := text; rest != ""; {
		n := span(rest, digitOrDot)
		u := span(rest[n:], unitLetter)
		unit, ok := units[rest[n:n+u]]
		if !ok {
			return 0, noDuration(text)
		}
		v, ok := scaled(rest[:n], unit)
		if !ok {
			return 0, noDuration(text)
		}
		if v > int64(MaxDuration)-sum {
			return 0, tooLong(text)
		}
		sum += v
		rest = rest[n+u:]
	}
	return Duration(sum), nil
}

// seconds reads a bare JSON number.
func seconds(text string) (Duration, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) || strings.ContainsAny(text, "xX_") || math.IsNaN(f) {
		return 0, noDuration(text)
	}
	switch {
	case f < 0:
		return 0, reason("%s is negative; a duration is at least 0", text)
	case f > float64(MaxDuration)/1e9:
		return 0, tooLong(text)
	}
	return Duration(math.Round(f * 1e9)), nil
}

// scaled is a decimal number times a unit, false if it is no number. What is
// beyond MaxDuration comes back as more than it.
func scaled(number string, unit int64) (int64, bool) {
	whole, fraction, dotted := strings.Cut(number, ".")
	if whole == "" && fraction == "" || dotted && fraction == "" || strings.Contains(fraction, ".") {
		return 0, false
	}
	var v int64
	for _, c := range whole {
		v = v*10 + int64(c-'0')
		if v > int64(MaxDuration)/unit {
			return int64(MaxDuration) + 1, true
		}
	}
	v *= unit
	if fraction != "" {
		f, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return 0, false
		}
		v += int64(math.Round(f * float64(unit)))
	}
	return v, true
}

func digitOrDot(c byte) bool { return c >= '0' && c <= '9' || c == '.' }

func unitLetter(c byte) bool { return !digitOrDot(c) }

// span is the length of the start of s whose bytes satisfy in.
func span(s string, in func(byte) bool) int {
	for i := range len(s) {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

func noDuration(text string) error {
	return reason(`%q is no duration; write a number with a unit (ns, us, ms, s, m, h, d) such as "250ms" or "1h30m", or a bare number of seconds`, clip(text))
}

func tooLong(text string) error {
	return reason("%q is longer than %d years, the longest duration", clip(text), MaxDuration.Std()/(365*24*time.Hour))
}

// clip keeps what is quoted back in an error short.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
