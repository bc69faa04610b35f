package calendar

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// MinEvery is the shortest span between two ticks.
	MinEvery = 100 * time.Millisecond
	// MaxEvery is the longest, 100 years of 365 days.
	MaxEvery = 100 * 365 * 24 * time.Hour
	// MaxTimes is how many times a list may hold.
	MaxTimes = 1000
	// MaxJitter bounds the delay of a tick.
	MaxJitter = 24 * time.Hour
)

// dawn and dusk are the first and last instants that are understood; what is
// outside int64 nanoseconds since 1970 cannot be a time of the machine.
var (
	dawn = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	dusk = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Parse makes a Schedule of a rule. Its errors are of type *Error.
func Parse(r Rule) (Schedule, error) {
	if err := onlyOne(r); err != nil {
		return Schedule{}, err
	}
	var s Schedule
	var err error
	if s.zone, err = parseZone(r.Timezone); err != nil {
		return Schedule{}, err
	}
	if s.start, err = parseBound("start", r.Start); err != nil {
		return Schedule{}, err
	}
	if s.end, err = parseBound("end", r.End); err != nil {
		return Schedule{}, err
	}
	if !s.end.IsZero() && s.end.Before(s.start) {
		return Schedule{}, fault("end", "is before start; nothing would ever be due")
	}
	if s.jitter, err = parseSpan("jitter", r.Jitter, 0, MaxJitter); err != nil {
		return Schedule{}, err
	}
	if s.ticks, err = parseTicks(r, s); err != nil {
		return Schedule{}, err
	}
	return s, nil
}

// onlyOne holds that a rule has one form and nothing that belongs to another.
func onlyOne(r Rule) error {
	var forms []string
	for _, f := range []struct {
		name  string
		given bool
	}{{"cron", r.Cron != ""}, {"every", r.Every != ""}, {"at", r.At != nil}, {"solar", r.Solar != nil}} {
		if f.given {
			forms = append(forms, f.name)
		}
	}
	switch {
	case len(forms) == 0:
		return fault("", "says no time; give one of cron, every, at and solar")
	case len(forms) > 1:
		return fault(forms[1], "stands beside %s; give only one of cron, every, at and solar, or make two schedules", forms[0])
	case r.Days != "" && forms[0] != "cron":
		return fault("days", "belongs to cron; leave it out")
	}
	return nil
}

func parseTicks(r Rule, s Schedule) (source, error) {
	switch {
	case r.Cron != "":
		f, err := parseCron(r.Cron)
		if err != nil {
			return nil, err
		}
		switch r.Days {
		case "", "either":
		case "both":
			f.bothDays = true
		default:
			return nil, fault("days", `%q is unknown; write "either" or "both"`, clip(r.Days))
		}
		c := wall{fields: f, zone: s.zone}
		if _, ok := c.next(dawn); !ok {
			return nil, fault("cron", "%q names a day that no calendar has; nothing would ever be due", clip(r.Cron))
		}
		return c, nil
	case r.Every != "":
		every, err := parseSpan("every", r.Every, MinEvery, MaxEvery)
		if err != nil {
			return nil, err
		}
		if s.jitter > every {
			return nil, fault("jitter", "%s is longer than every, %s; make it at most as long", r.Jitter, r.Every)
		}
		return interval{every: every, anchor: s.start}, nil
	case r.Solar != nil:
		return parseSolar(*r.Solar)
	}
	return parseTimes(r.At)
}

func parseTimes(texts Times) (source, error) {
	if len(texts) == 0 {
		return nil, fault("at", "is empty; give one time at least")
	}
	if len(texts) > MaxTimes {
		return nil, fault("at", "holds %d times; at most %d are taken", len(texts), MaxTimes)
	}
	var l list
	for i, text := range texts {
		field := "at"
		if len(texts) > 1 {
			field = "at[" + strconv.Itoa(i) + "]"
		}
		t, err := parseTime(field, text)
		if err != nil {
			return nil, err
		}
		l = append(l, t)
	}
	slices.SortFunc(l, time.Time.Compare)
	return slices.CompactFunc(l, time.Time.Equal), nil
}

func parseBound(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return parseTime(field, text)
}

func parseTime(field, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, fault(field, `%q is no time; write it with its offset as "2027-01-31T09:00:00+01:00" or "2027-01-31T08:00:00Z"`, clip(text))
	}
	if t.Before(dawn) || !t.Before(dusk) {
		return t, fault(field, "%q is out of reach; times go from %d to %d", clip(text), dawn.Year(), dusk.Year()-1)
	}
	return t.UTC(), nil
}

// parseZone never gives the zone of the machine: nodes may differ in it.
func parseZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || strings.EqualFold(name, "local") {
		return nil, fault("timezone", `%q is unknown; write an IANA name such as "Europe/Berlin" or "UTC"`, clip(name))
	}
	return zone, nil
}
