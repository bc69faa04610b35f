package calendar

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestZeroSchedule(t *testing.T) {
	var s Schedule
	if _, ok := s.Next(time.Time{}); ok {
		t.Error("the zero schedule is due")
	}
	if _, ok := s.Prev(time.Now()); ok {
		t.Error("the zero schedule was due")
	}
	if s.Zone() != time.UTC {
		t.Error("the zero schedule has a zone")
	}
}

// TestFarTimes: a time that no machine can have is no trap.
func TestFarTimes(t *testing.T) {
	for _, r := range []Rule{{Cron: "0 0 29 2 *", Timezone: "Europe/Berlin"}, {Every: "36500d"}, {Every: "7d"},
		{Solar: &Solar{Event: "sunset"}}, {At: Times{"2027-01-01T00:00:00Z"}}} {
		s := must(t, r)
		for _, far := range []time.Time{{}, time.Unix(-1<<60, 0), dawn, dawn.Add(-1)} {
			if tick, ok := s.Next(far); !ok || tick.Year() < 1899 || tick.Year() > 2027 {
				t.Errorf("%+v after %s: %s, %v", r, far, tick, ok)
			}
			if _, ok := s.Prev(far); ok {
				t.Errorf("%+v before %s", r, far)
			}
		}
		for _, far := range []time.Time{dusk, dusk.Add(-1), time.Unix(1<<60, 0)} {
			if tick, ok := s.Next(far); ok {
				t.Errorf("%+v after %s: %s", r, far, tick)
			}
			if _, ok := s.Prev(far); !ok {
				t.Errorf("%+v before %s: nothing", r, far)
			}
		}
	}
}

func TestEvery(t *testing.T) {
	cases := []struct {
		rule        Rule
		after, want string
	}{
		{Rule{Every: "15m"}, "2026-01-01T10:07:00Z", "2026-01-01T10:15:00Z"},
		{Rule{Every: "15m"}, "2026-01-01T10:15:00Z", "2026-01-01T10:30:00Z"},
		{Rule{Every: "7d"}, "2026-01-01T10:15:00Z", "2026-01-08T00:00:00Z"},
		{Rule{Every: "100ms"}, "2026-01-01T10:15:00.05Z", "2026-01-01T10:15:00.1Z"},
		{Rule{Every: "1h"}, "1950-01-01T10:15:00Z", "1950-01-01T11:00:00Z"},
		{Rule{Every: "10m", Start: "2026-01-01T10:03:00Z"}, "2026-01-01T10:07:00Z", "2026-01-01T10:13:00Z"},
		{Rule{Every: "10m", Start: "2026-01-01T10:03:00Z"}, "2025-01-01T00:00:00Z", "2026-01-01T10:03:00Z"},
		// A span passes the change of a clock as it is.
		{Rule{Every: "1d", Start: "2026-03-28T09:00:00+01:00", Timezone: "Europe/Berlin"}, "2026-03-28T09:00:00+01:00", "2026-03-29T10:00:00+02:00"},
	}
	for _, c := range cases {
		got, ok := must(t, c.rule).Next(at(t, c.after))
		if !ok || !got.Equal(at(t, c.want)) {
			t.Errorf("%+v after %s: got %s, %v, want %s", c.rule, c.after, got, ok, c.want)
		}
	}
}

func TestAt(t *testing.T) {
	s := must(t, Rule{At: Times{"2027-03-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-01-01T01:00:00+01:00"}})
	ticks := s.Upcoming(at(t, "2026-01-01T00:00:00Z"), 10)
	if len(ticks) != 2 || !ticks[0].Equal(at(t, "2027-01-01T00:00:00Z")) || !ticks[1].Equal(at(t, "2027-03-01T00:00:00Z")) {
		t.Errorf("got %v", ticks)
	}
	if _, ok := s.Next(ticks[1]); ok {
		t.Error("due after the last time")
	}
	if start, end := s.Interval(ticks[1]); !start.Equal(ticks[1]) || !end.Equal(ticks[1]) {
		t.Errorf("interval %s, %s", start, end)
	}
}

// TestBounds: both ends belong to the schedule.
func TestBounds(t *testing.T) {
	s := must(t, Rule{Cron: "0 12 * * *", Start: "2026-01-02T12:00:00Z", End: "2026-01-04T12:00:00Z"})
	ticks := s.Upcoming(time.Time{}, 10)
	if len(ticks) != 3 || ticks[0].Day() != 2 || ticks[2].Day() != 4 {
		t.Fatalf("got %v", ticks)
	}
	if last, ok := s.Prev(at(t, "2030-01-01T00:00:00Z")); !ok || !last.Equal(ticks[2]) {
		t.Errorf("last tick %s, %v", last, ok)
	}
	if before, ok := s.Prev(ticks[0]); ok {
		t.Errorf("a tick before the first: %s", before)
	}
	// The data of the first tick is that of a whole day all the same.
	if start, end := s.Interval(ticks[0]); end.Sub(start) != 24*time.Hour {
		t.Errorf("interval %s, %s", start, end)
	}
}

func TestMissed(t *testing.T) {
	s := must(t, Rule{Every: "1m"})
	from, to := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-01T00:05:00Z")
	for limit, want := range map[int]int{0: 0, 4: 4, 5: 5, 6: 5} {
		ticks, more := s.Missed(from, to, limit)
		if len(ticks) != want || more != (limit < 5) {
			t.Errorf("limit %d: %v, more %v", limit, ticks, more)
		}
	}
	if ticks, more := s.Missed(to, from, 5); len(ticks) != 0 || more {
		t.Errorf("from after to: %v", ticks)
	}
	if ticks, _ := s.Missed(from, from.Add(time.Minute), 5); len(ticks) != 1 {
		t.Errorf("to belongs to it: %v", ticks)
	}
}

// TestDelay: the delay of a tick is known for good, and evenly spread.
func TestDelay(t *testing.T) {
	s := must(t, Rule{Every: "1m", Jitter: "10s"})
	tick := at(t, "2026-01-01T00:05:00Z")
	if got := s.Delay("report", tick); got != 9552345159 {
		t.Errorf("the delay of this tick has changed to %d: running schedules would shift", got)
	}
	const n = 2000
	var sum time.Duration
	for i := range n {
		sum += s.Delay(fmt.Sprint("schedule ", i), tick)
	}
	if mean := sum / n; mean < 4700*time.Millisecond || mean > 5300*time.Millisecond {
		t.Errorf("mean delay %s", mean)
	}
	if d := must(t, Rule{Every: "1m"}).Delay("report", tick); d != 0 {
		t.Errorf("delay %s without jitter", d)
	}
}

// TestOrder holds over a year of every kind of schedule.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Rule
		switch rapid.SampledFrom([]string{"cron", "every", "at", "solar"}).Draw(t, "kind") {
		case "cron":
			r.Cron = drawCron(t).text
		case "every":
			r.Every = Span(fmt.Sprintf("%dms", rapid.Int64Range(100, 1e9).Draw(t, "every")))
		case "at":
			for range rapid.IntRange(1, 20).Draw(t, "times") {
				r.At = append(r.At, time.Unix(rapid.Int64Range(17e8, 19e8).Draw(t, "at"), 0).UTC().Format(time.RFC3339))
			}
		case "solar":
			r.Solar = &Solar{Event: rapid.SampledFrom(Events).Draw(t, "event"),
				Latitude: rapid.Float64Range(-89, 89).Draw(t, "latitude"), Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude")}
		}
		r.Timezone = rapid.SampledFrom(zones).Draw(t, "zone")
		if rapid.Bool().Draw(t, "bounded") {
			r.Start, r.End = "2024-01-01T00:00:00Z", "2030-01-01T00:00:00Z"
		}
		s, err := Parse(r)
		if err != nil {
			t.Skip(err) // a day that no calendar has
		}
		after := time.Unix(rapid.Int64Range(17e8, 19e8).Draw(t, "after"), rapid.Int64Range(0, 999999999).Draw(t, "nano"))
		checkOrder(t, s, after, 20)
	})
}
