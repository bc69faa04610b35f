package wire

import "time"

// Time is a moment, written as RFC 3339 in UTC with nanoseconds.
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000000000Z"

// At makes a Time of unix nanoseconds.
func At(unixNano int64) Time { return Time{time.Unix(0, unixNano).UTC()} }

// AppendTime writes unix nanoseconds as a Time without quotes.
func AppendTime(dst []byte, unixNano int64) []byte {
	return time.Unix(0, unixNano).UTC().AppendFormat(dst, timeLayout)
}

// String is what JSON holds.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes a string; the zero time is null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	s := scanner{b: b}
	v, err := s.time()
	if err == nil {
		*t = v
	}
	return err
}

// The first and last moments that a node can keep: nanoseconds since 1970 in
// 64 bits end in 2262.
var (
	minTime = time.Unix(0, 0)
	maxTime = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// ParseTime reads an RFC 3339 time between 1970 and 2262.
func ParseTime(text string) (Time, error) {
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return Time{}, reason(`%q is no time; write RFC 3339 such as "2026-01-31T09:30:00Z"`, clip(text))
	}
	if v.Before(minTime) || !v.Before(maxTime) {
		return Time{}, reason("%q is out of range; times lie between 1970 and 2262", text)
	}
	return Time{v.UTC()}, nil
}
