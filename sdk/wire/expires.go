package wire

import "encoding/json"

// Expires is when a task that has not started is given up: after a while from
// its acceptance, or at a time. One of the two is set.
type Expires struct {
	In Duration
	At Time
}

// MarshalJSON writes the time where there is one, else the duration.
func (e Expires) MarshalJSON() ([]byte, error) {
	if !e.At.IsZero() {
		return json.Marshal(e.At)
	}
	return json.Marshal(e.In)
}

// UnmarshalJSON reads a duration or a time.
func (e *Expires) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.expires()
	if err == nil {
		*e = v
	}
	return err
}

// ParseExpires tells a time from a duration by its form.
func ParseExpires(text string) (Expires, error) {
	if len(text) > 10 && text[4] == '-' && text[7] == '-' {
		at, err := ParseTime(text)
		return Expires{At: at}, err
	}
	in, err := ParseDuration(text)
	if err != nil {
		return Expires{}, reason(`%q is neither a duration such as "10m" nor a time such as "2026-01-31T09:30:00Z"`, clip(text))
	}
	return Expires{In: in}, nil
}
