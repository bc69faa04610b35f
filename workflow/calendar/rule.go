package calendar

import (
	"encoding/json"
	"fmt"
)

// Rule is when something is due, as the user writes it: one of cron, every, at
// and solar, and what narrows it.
type Rule struct {
	// Cron is five fields: minute, hour, day of month, month, day of week; or
	// six with the second before them; or a name such as "@daily".
	Cron string `json:"cron,omitempty"`
	// Days says what holds when Cron names both days of the month and days of
	// the week: "either" is due (cron's way, and the default), or "both" must
	// fit (Celery's way).
	Days string `json:"days,omitempty"`
	// Every is a span of time, at least MinEvery. Ticks are whole spans away
	// from Start, or else from 1970-01-01 00:00 UTC.
	Every Span `json:"every,omitempty"`
	// At is one time or a list of times, RFC 3339.
	At Times `json:"at,omitempty"`
	// Solar is an event of the sun at a place.
	Solar *Solar `json:"solar,omitempty"`

	// Timezone is the IANA name of the zone in which Cron is read; UTC if empty.
	Timezone string `json:"timezone,omitempty"`
	// Start and End bound the ticks, both inclusive; RFC 3339.
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
	// Jitter is what a tick is delayed by at most; see Schedule.Delay.
	Jitter Span `json:"jitter,omitempty"`
}

// Solar is an event of the sun at a place. On days without the event nothing
// is due.
type Solar struct {
	// Event is one of Events.
	Event string `json:"event"`
	// Latitude is in degrees, north positive; Longitude in degrees, east positive.
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Times are RFC 3339 times; a single one may stand in JSON without brackets.
type Times []string

// UnmarshalJSON reads a string or a list of strings.
func (t *Times) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = nil
		if one != "" {
			*t = Times{one}
		}
		return nil
	}
	var list []string
	if json.Unmarshal(b, &list) != nil {
		return fault("at", `is neither a time nor a list of times; write it as "2027-01-31T09:00:00+01:00"`)
	}
	*t = list
	return nil
}

// MarshalJSON writes a single time without brackets.
func (t Times) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// Error says which field of a Rule is wrong and what would be right.
type Error struct {
	Field  string // such as "cron" or "at[2]"; empty if it is the whole
	Reason string
}

// Error names the field first.
func (e *Error) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

func fault(field, format string, args ...any) error {
	return &Error{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// clip keeps what is quoted back in an error short.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
