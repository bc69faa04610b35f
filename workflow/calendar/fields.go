package calendar

import (
	"strconv"
	"strings"
)

// fields are the values that each field of a cron text allows, one bit each.
type fields struct {
	second, minute, hour, day, month, weekday uint64
	anyDay, anyWeekday                        bool // written with a star: not restricted
	bothDays                                  bool // else one of day and weekday is enough, if both are restricted
}

// A column is one field of a cron text.
type column struct {
	name     string
	min, max int
	names    []string // of the values from min on
}

var (
	seconds  = column{name: "second", max: 59}
	minutes  = column{name: "minute", max: 59}
	hours    = column{name: "hour", max: 23}
	days     = column{name: "day of month", min: 1, max: 31}
	months   = column{name: "month", min: 1, max: 12, names: []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}}
	weekdays = column{name: "day of week", max: 6, names: []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}}
)

// nicknames stand for whole texts.
var nicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// maxCron bounds the text; a list of every second is shorter.
const maxCron = 1024

// parseCron reads five fields, six with the second first, or a nickname.
func parseCron(text string) (fields, error) {
	if len(text) > maxCron {
		return fields{}, fault("cron", "has %d characters; at most %d are read", len(text), maxCron)
	}
	words := strings.Fields(text)
	if len(words) > 0 && strings.Contains(words[0], "=") {
		return fields{}, fault("cron", `begins with %q; leave it out and use "timezone"`, clip(words[0]))
	}
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		full, ok := nicknames[strings.ToLower(strings.Join(words, " "))]
		if !ok {
			return fields{}, nickname(text)
		}
		words = strings.Fields(full)
	}
	switch len(words) {
	case 5:
		words = append([]string{"0"}, words...)
	case 6:
	default:
		return fields{}, fault("cron", "%q has %d fields; write five (minute, hour, day of month, month, day of week) or six with the second first", clip(text), len(words))
	}
	var checked [6]uint64
	for i, c := range []column{seconds, minutes, hours, days, months, weekdays} {
		var err error
		if checked[i], err = c.parse(words[i]); err != nil {
			return fields{}, err
		}
	}
	return compile(checked, starred(words[3]), starred(words[5]))
}

// starred goes by what is written, as cron does: "1-31" restricts, though it
// leaves out no day.
func starred(text string) bool {
	for term := range strings.SplitSeq(text, ",") {
		if term == "*" || term == "?" || term == "*/1" || term == "?/1" {
			return true
		}
	}
	return false
}

func nickname(text string) error {
	switch {
	case strings.HasPrefix(text, "@every"):
		return fault("cron", `%q is no cron text; write the duration in "every" instead`, clip(text))
	case strings.HasPrefix(text, "@reboot"):
		return fault("cron", `%q has no meaning in a cluster; write a time in "at" instead`, clip(text))
	}
	return fault("cron", "%q is unknown; there are @yearly, @monthly, @weekly, @daily and @hourly", clip(text))
}

// parse reads a list of terms.
func (c column) parse(text string) (uint64, error) {
	var bits uint64
	for term := range strings.SplitSeq(text, ",") {
		b, err := c.term(term)
		if err != nil {
			return 0, err
		}
		bits |= b
	}
	return bits, nil
}

// term reads a value, a range or a star, each with or without a step. A range
// whose end is before its beginning goes round: "fri-mon", "22-2".
func (c column) term(text string) (uint64, error) {
	body, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		var ok bool
		if step, ok = number(stepText); !ok || step < 1 || step > c.size() {
			return 0, c.fault(text, "its step goes from 1 to %d", c.size())
		}
	}
	lowText, highText, ranged := strings.Cut(body, "-")
	if lowText == "*" || lowText == "?" {
		if ranged {
			return 0, c.fault(text, "a star stands without a range")
		}
		return c.bits(c.min, c.max, step), nil
	}
	low, ok := c.value(lowText)
	if !ok {
		return 0, c.wrong(text)
	}
	high := low
	switch {
	case ranged:
		if high, ok = c.value(highText); !ok {
			return 0, c.wrong(text)
		}
	case stepped:
		high = c.max // "5/10" is from 5 on
	}
	return c.bits(low, high, step), nil
}

func (c column) size() int { return c.max - c.min + 1 }

// bits are the values from low to high, around the end if need be, by steps.
func (c column) bits(low, high, step int) uint64 {
	if c.folds() && low == c.max+1 {
		if high == low {
			high = c.min
		}
		low = c.min
	}
	if high < low {
		high += c.size()
	}
	var bits uint64
	for v := low; v <= high; v += step {
		bits |= 1 << ((v-c.min)%c.size() + c.min)
	}
	return bits
}

// folds: 7 is Sunday as well as 0.
func (c column) folds() bool { return c.name == weekdays.name }

// value reads a number, or a name in full or by its first three letters.
func (c column) value(text string) (int, bool) {
	lower := strings.ToLower(text)
	for i, name := range c.names {
		if lower == name || lower == name[:3] {
			return c.min + i, true
		}
	}
	v, ok := number(text)
	if c.folds() && v == c.max+1 {
		return v, ok
	}
	return v, ok && v >= c.min && v <= c.max
}

// number reads digits alone; strconv would take signs as well.
func number(text string) (int, bool) {
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.Atoi(text)
	return v, err == nil
}

func (c column) wrong(text string) error {
	if c.names != nil {
		return c.fault(text, "write numbers from %d to %d or names such as %q, ranges and lists of them", c.min, c.max, c.names[0][:3])
	}
	return c.fault(text, "write numbers from %d to %d, ranges and lists of them", c.min, c.max)
}

func (c column) fault(text, format string, args ...any) error {
	return fault("cron", "%s cannot be %q; "+format, append([]any{c.name, clip(text)}, args...)...)
}

// full tells whether the column has every value.
func (c column) full(bits uint64) bool { return bits == c.bits(c.min, c.max, 1) }
