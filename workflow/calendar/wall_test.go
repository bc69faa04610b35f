package calendar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func must(t testing.TB, r Rule) Schedule {
	t.Helper()
	s, err := Parse(r)
	if err != nil {
		t.Fatalf("Parse(%+v): %v", r, err)
	}
	return s
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestChangesOfTheClock lists every tick between two times, written as the
// clock of the zone shows them.
func TestChangesOfTheClock(t *testing.T) {
	const berlin, york, howe, paulo, katmandu = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"
	cases := []struct {
		name, zone, cron, from, to, want string
	}{
		{"plain days", berlin, "30 2 * * *", "2026-01-10T00:00:00+01:00", "2026-01-13T00:00:00+01:00",
			"01-10T02:30+01 01-11T02:30+01 01-12T02:30+01"},
		{"a fixed hour in the gap comes at its end", berlin, "30 2 * * *", "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00",
			"03-28T02:30+01 03-29T03:00+02 03-30T02:30+02"},
		{"several in the gap come once", berlin, "*/15 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T02:20:00+02:00",
			"03-29T03:00+02 03-30T02:00+02 03-30T02:15+02"},
		{"the gap's end is a tick itself", berlin, "0 2,3 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			"03-29T03:00+02"},
		{"every quarter through the gap", berlin, "*/15 * * * *", "2026-03-29T01:29:00+01:00", "2026-03-29T03:30:00+02:00",
			"03-29T01:30+01 03-29T01:45+01 03-29T03:00+02 03-29T03:15+02 03-29T03:30+02"},
		{"half past every hour", berlin, "30 * * * *", "2026-03-29T01:00:00+01:00", "2026-03-29T04:00:00+02:00",
			"03-29T01:30+01 03-29T03:00+02 03-29T03:30+02"},
		{"a fixed hour in the overlap comes the first time", berlin, "30 2 * * *", "2026-10-24T12:00:00+02:00", "2026-10-26T12:00:00+01:00",
			"10-25T02:30+02 10-26T02:30+01"},
		{"hours named in a list are fixed", berlin, "0 1,2,3 * * *", "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00",
			"10-25T01:00+02 10-25T02:00+02 10-25T03:00+01"},
		{"every second hour is fixed", berlin, "0 */2 * * *", "2026-10-24T23:00:00+02:00", "2026-10-25T05:00:00+01:00",
			"10-25T00:00+02 10-25T02:00+02 10-25T04:00+01"},
		{"every half hour through the overlap", berlin, "*/30 * * * *", "2026-10-25T01:45:00+02:00", "2026-10-25T03:00:00+01:00",
			"10-25T02:00+02 10-25T02:30+02 10-25T02:00+01 10-25T02:30+01 10-25T03:00+01"},
		{"asked in the second hour of the overlap", berlin, "30 2 * * *", "2026-10-25T02:10:00+01:00", "2026-10-26T12:00:00+01:00",
			"10-26T02:30+01"},
		{"minutes of a fixed hour", berlin, "*/20 2 * * *", "2026-10-25T00:00:00+02:00", "2026-10-25T12:00:00+01:00",
			"10-25T02:00+02 10-25T02:20+02 10-25T02:40+02"},
		{"New York, gap", york, "15 2 * * *", "2026-03-07T12:00:00-05:00", "2026-03-09T12:00:00-04:00",
			"03-08T03:00-04 03-09T02:15-04"},
		{"New York, overlap", york, "15 1 * * *", "2026-10-31T12:00:00-04:00", "2026-11-02T12:00:00-05:00",
			"11-01T01:15-04 11-02T01:15-05"},
		{"Lord Howe, gap of half an hour", howe, "10 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-05T12:00:00+11:00",
			"10-04T02:30+11 10-05T02:10+11"},
		{"Lord Howe, after the gap", howe, "45 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-05T12:00:00+11:00",
			"10-04T02:45+11 10-05T02:45+11"},
		{"Lord Howe, overlap of half an hour", howe, "45 1 * * *", "2026-04-04T12:00:00+11:00", "2026-04-06T12:00:00+10:30",
			"04-05T01:45+11 04-06T01:45+1030"},
		{"Lord Howe, every quarter", howe, "*/15 * * * *", "2026-04-05T01:20:00+11:00", "2026-04-05T02:00:00+10:30",
			"04-05T01:30+11 04-05T01:45+11 04-05T01:30+1030 04-05T01:45+1030 04-05T02:00+1030"},
		{"Sao Paulo, midnight in the gap", paulo, "0 0 * * *", "2018-11-03T12:00:00-03:00", "2018-11-05T12:00:00-02:00",
			"11-04T01:00-02 11-05T00:00-02"},
		{"Sao Paulo, overlap before midnight", paulo, "30 23 * * *", "2018-02-16T23:45:00-02:00", "2018-02-18T23:45:00-03:00",
			"02-17T23:30-02 02-18T23:30-03"},
		{"Sao Paulo, midnight after the overlap", paulo, "@daily", "2018-02-17T12:00:00-02:00", "2018-02-18T12:00:00-03:00",
			"02-18T00:00-03"},
		{"Kathmandu moved by a quarter of an hour", katmandu, "5 0 * * *", "1985-12-31T12:00:00+05:30", "1986-01-02T12:00:00+05:45",
			"01-01T00:15+0545 01-02T00:05+0545"},
		{"Samoa left out a day", "Pacific/Apia", "0 9 * * *", "2011-12-29T00:00:00-10:00", "2011-12-31T23:00:00+14:00",
			"12-29T09:00-10 12-31T00:00+14 12-31T09:00+14"},
		{"the last day of a leap year", berlin, "0 */8 * * *", "2040-12-30T20:00:00+01:00", "2041-01-01T09:00:00+01:00",
			"12-31T00:00+01 12-31T08:00+01 12-31T16:00+01 01-01T00:00+01 01-01T08:00+01"},
		{"UTC has no changes", "UTC", "30 2 29 3 *", "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z",
			"03-29T02:30Z 03-29T02:30Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := must(t, Rule{Cron: c.cron, Timezone: c.zone})
			ticks, more := s.Missed(at(t, c.from), at(t, c.to), 100)
			if more {
				t.Fatal("too many ticks")
			}
			var got []string
			for _, tick := range ticks {
				text := tick.Format("01-02T15:04Z0700")
				got = append(got, strings.TrimSuffix(text, "00"))
				if strings.HasSuffix(text, "Z") {
					got[len(got)-1] = text
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s in %s\n got %s\nwant %s", c.cron, c.zone, strings.Join(got, " "), c.want)
			}
		})
	}
}

// zones for the comparisons, with years in which their clocks change.
var zones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu",
	"UTC", "Africa/Casablanca", "America/St_Johns", "Asia/Tehran", "Pacific/Chatham", "America/Havana", "Asia/Beirut"}

// cronCase is a cron text together with the values that it stands for, so that
// the model needs no parser.
type cronCase struct {
	text                              string
	minute, hour, day, month, weekday map[int]bool
}

func (c cronCase) shows(r time.Time) bool {
	day, weekday := c.day[r.Day()], c.weekday[int(r.Weekday())]
	fits := day || weekday
	words := strings.Fields(c.text)
	if strings.Contains(words[2]+",", "*,") || strings.Contains(words[2]+",", "*/1,") || strings.Contains(words[4]+",", "*,") || strings.Contains(words[4]+",", "*/1,") {
		fits = day && weekday
	}
	return c.minute[r.Minute()] && c.hour[r.Hour()] && c.month[int(r.Month())] && fits
}

// drawField draws a field's text with its values.
func drawField(t *rapid.T, name string, low, high int) (string, map[int]bool) {
	values := map[int]bool{}
	add := func(from, to, step int) {
		for v := from; v <= to; v += step {
			values[v] = true
		}
	}
	var terms []string
	for i := range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 3}).Draw(t, name+" terms") {
		label := fmt.Sprintf("%s %d", name, i)
		from := rapid.IntRange(low, high).Draw(t, label+" from")
		to := rapid.IntRange(from, high).Draw(t, label+" to")
		step := rapid.IntRange(1, high-low+1).Draw(t, label+" step")
		switch rapid.IntRange(0, 4).Draw(t, label+" form") {
		case 0:
			terms = append(terms, fmt.Sprint(from))
			add(from, from, 1)
		case 1:
			terms = append(terms, fmt.Sprintf("%d-%d", from, to))
			add(from, to, 1)
		case 2:
			terms = append(terms, fmt.Sprintf("%d-%d/%d", from, to, step))
			add(from, to, step)
		case 3:
			terms = append(terms, fmt.Sprintf("*/%d", step))
			add(low, high, step)
		case 4:
			terms = append(terms, fmt.Sprintf("%d/%d", from, step))
			add(from, high, step)
		}
	}
	if terms == nil {
		add(low, high, 1)
		return "*", values
	}
	return strings.Join(terms, ","), values
}

func drawCron(t *rapid.T) cronCase {
	var c cronCase
	var words [5]string
	words[0], c.minute = drawField(t, "minute", 0, 59)
	words[1], c.hour = drawField(t, "hour", 0, 23)
	words[2], c.day = drawField(t, "day", 1, 31)
	words[3], c.month = drawField(t, "month", 1, 12)
	words[4], c.weekday = drawField(t, "weekday", 0, 6)
	c.text = strings.Join(words[:], " ")
	return c
}

// model walks minute by minute and looks at the clock on the wall.
func (c cronCase) model(zone *time.Location, from, to time.Time) []time.Time {
	reading := func(t time.Time) time.Time {
		_, offset := t.In(zone).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	var ticks []time.Time
	// A day ahead, so that it knows what the clock has shown already.
	begin := from.Add(-24 * time.Hour)
	shown := reading(begin.Add(-time.Minute))
	for t := begin; !t.After(to); t = t.Add(time.Minute) {
		now := reading(t)
		tick := false
		for skipped := shown.Add(time.Minute); skipped.Before(now); skipped = skipped.Add(time.Minute) {
			tick = tick || c.shows(skipped)
		}
		if now.After(shown) || len(c.hour) == 24 {
			tick = tick || c.shows(now)
		}
		if now.After(shown) {
			shown = now
		}
		if tick && t.After(from) {
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// changeNear finds a change of the zone's clock near a time, for the drawing
// of windows in which something happens.
func changeNear(zone *time.Location, t time.Time) time.Time {
	if _, end := t.In(zone).ZoneBounds(); !end.IsZero() {
		return end.Truncate(time.Minute) // a file of zones may mark the last second of 32 bits
	}
	return t
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCron(t)
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		from := time.Date(rapid.IntRange(1990, 2040).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC)
		if rapid.IntRange(0, 3).Draw(t, "change") > 0 {
			from = changeNear(zone, from).Add(-time.Duration(rapid.IntRange(-120, 3000).Draw(t, "before")) * time.Minute)
		}
		to := from.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "length")) * time.Minute)
		s, err := Parse(Rule{Cron: c.text, Timezone: name})
		if err != nil {
			if strings.Contains(err.Error(), "no calendar") && len(c.model(time.UTC, from, from.Add(366*24*time.Hour))) == 0 {
				t.Skip("never")
			}
			t.Fatal(err)
		}
		got, _ := s.Missed(from, to, 10000)
		want := c.model(zone, from, to)
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%q in %s from %s to %s\n got %v\nwant %v", c.text, name, from, to, got, want)
		}
	})
}

// TestModelYear compares whole years.
func TestModelYear(t *testing.T) {
	every := func(from, to, step int) map[int]bool {
		values := map[int]bool{}
		for v := from; v <= to; v += step {
			values[v] = true
		}
		return values
	}
	days, months, weekdays := every(1, 31, 1), every(1, 12, 1), every(0, 6, 1)
	for _, name := range zones[:6] {
		for _, c := range []cronCase{
			{"7/30 */3 * * *", every(7, 59, 30), every(0, 23, 3), days, months, weekdays},
			{"*/20 * * * *", every(0, 59, 20), every(0, 23, 1), days, months, weekdays},
			{"10 1-3 * * *", every(10, 10, 1), every(1, 3, 1), days, months, weekdays},
		} {
			s := must(t, Rule{Cron: c.text, Timezone: name})
			from := at(t, "2018-01-01T00:00:00Z")
			to := from.AddDate(1, 0, 0)
			got, _ := s.Missed(from, to, 1_000_000)
			if want := c.model(s.Zone(), from, to); !slices.EqualFunc(got, want, time.Time.Equal) {
				t.Errorf("%q in %s: %d ticks, want %d", c.text, name, len(got), len(want))
			}
		}
	}
}

// TestOneTickADay: a daily schedule has one tick on every day of the calendar.
func TestOneTickADay(t *testing.T) {
	for _, name := range zones {
		for _, year := range []int{2007, 2018, 2026, 2040} {
			for _, cron := range []string{"0 0 * * *", "30 0 * * *", "45 1 * * *", "30 2 * * *", "0 3 * * *", "59 23 * * *"} {
				s := must(t, Rule{Cron: cron, Timezone: name})
				first := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				tick, ok := s.Next(time.Date(year, 1, 1, 0, 0, 0, -1, s.Zone()))
				for ; first.Year() == year; first = first.AddDate(0, 0, 1) {
					if got := tick.Format(time.DateOnly); !ok || got != first.Format(time.DateOnly) {
						t.Fatalf("%s in %s: tick %s, want one on %s", cron, name, tick, first.Format(time.DateOnly))
					}
					tick, ok = s.Next(tick)
				}
			}
		}
	}
}

func TestSeconds(t *testing.T) {
	s := must(t, Rule{Cron: "*/20 59 23 31 12 *"})
	var got []string
	for _, tick := range s.Upcoming(at(t, "2026-05-01T00:00:00Z"), 4) {
		got = append(got, tick.Format(time.RFC3339))
	}
	want := "2026-12-31T23:59:00Z 2026-12-31T23:59:20Z 2026-12-31T23:59:40Z 2027-12-31T23:59:00Z"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
}
