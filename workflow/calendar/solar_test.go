package calendar

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const tolerance = 2 * time.Minute

// TestEphemeris compares with times that were computed by another program.
func TestEphemeris(t *testing.T) {
	text, err := os.ReadFile("testdata/sun.txt")
	if err != nil {
		t.Fatal(err)
	}
	var compared int
	var worst time.Duration
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0] == "#" {
			continue
		}
		latitude, err1 := strconv.ParseFloat(words[1], 64)
		longitude, err2 := strconv.ParseFloat(words[2], 64)
		if err1 != nil || err2 != nil {
			t.Fatal(line)
		}
		from := at(t, words[3]+"T00:00:00Z")
		got, ok := must(t, Rule{Solar: &Solar{Event: words[4], Latitude: latitude, Longitude: longitude}}).Next(from)
		if words[5] == "-" {
			if ok && got.Sub(from) < 24*time.Hour {
				t.Errorf("%s: got %s, want none that day", line, got)
			}
			continue
		}
		off := got.Sub(at(t, words[5])).Abs()
		if !ok || off > tolerance {
			t.Errorf("%s: got %s, %v", line, got, ok)
		}
		worst = max(worst, off)
		compared++
	}
	if compared < 300 {
		t.Errorf("only %d times compared", compared)
	}
	t.Logf("%d times compared, %s off at most", compared, worst)
}

// TestAlmanac compares with what almanacs print, to the minute.
func TestAlmanac(t *testing.T) {
	for _, c := range []struct {
		place               string
		latitude, longitude float64
		event, zone, want   string
	}{
		{"London", 51.5074, -0.1278, "sunrise", "Europe/London", "2024-06-20 04:43"},
		{"London", 51.5074, -0.1278, "sunset", "Europe/London", "2024-06-20 21:21"},
		{"New York", 40.7128, -74.0060, "sunrise", "America/New_York", "2024-12-21 07:17"},
		{"New York", 40.7128, -74.0060, "sunset", "America/New_York", "2024-12-21 16:32"},
		{"Berlin", 52.52, 13.405, "sunrise", "Europe/Berlin", "2024-06-21 04:43"},
		{"Berlin", 52.52, 13.405, "sunset", "Europe/Berlin", "2024-06-21 21:33"},
		{"Reykjavik", 64.1466, -21.9426, "sunrise", "Atlantic/Reykjavik", "2024-12-21 11:22"},
		{"Sydney", -33.8688, 151.2093, "sunset", "Australia/Sydney", "2024-12-21 20:05"},
		{"Tokyo", 35.6895, 139.6917, "sunrise", "Asia/Tokyo", "2024-01-01 06:51"},
	} {
		s := must(t, Rule{Solar: &Solar{Event: c.event, Latitude: c.latitude, Longitude: c.longitude}, Timezone: c.zone})
		want, err := time.ParseInLocation("2006-01-02 15:04", c.want, s.Zone())
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Next(want.Add(-3 * time.Hour)); !ok || got.Sub(want).Abs() > tolerance {
			t.Errorf("%s, %s: got %s, %v, want %s", c.place, c.event, got, ok, c.want)
		}
	}
}

// TestPolarNight: in Tromsø the sun stays away from the end of November to the
// middle of January, and never sets from May to July.
func TestPolarNight(t *testing.T) {
	for _, c := range []struct{ event, after, earliest, latest string }{
		{"sunrise", "2024-12-01T00:00:00Z", "2025-01-14T00:00:00Z", "2025-01-17T00:00:00Z"},
		{"sunset", "2024-05-25T00:00:00Z", "2024-07-23T00:00:00Z", "2024-07-29T00:00:00Z"},
		{"solar_noon", "2024-12-01T00:00:00Z", "2024-12-01T10:00:00Z", "2024-12-01T11:00:00Z"},
	} {
		s := must(t, Rule{Solar: &Solar{Event: c.event, Latitude: 69.6492, Longitude: 18.9553}})
		got, ok := s.Next(at(t, c.after))
		if !ok || got.Before(at(t, c.earliest)) || got.After(at(t, c.latest)) {
			t.Errorf("%s after %s: got %s, %v", c.event, c.after, got, ok)
		}
	}
}

// TestSunYear: one event a solar day, wherever the day begins.
func TestSunYear(t *testing.T) {
	for _, longitude := range []float64{-180, -90, 0, 90, 180} {
		for _, event := range Events {
			s := must(t, Rule{Solar: &Solar{Event: event, Latitude: 40, Longitude: longitude}})
			ticks, _ := s.Missed(at(t, "2026-01-01T00:00:00Z"), at(t, "2027-01-01T00:00:00Z"), 1000)
			if len(ticks) < 364 || len(ticks) > 366 {
				t.Errorf("%s at %v east: %d a year", event, longitude, len(ticks))
			}
			for i := range ticks[1:] {
				if gap := ticks[i+1].Sub(ticks[i]); gap < 23*time.Hour+55*time.Minute || gap > 24*time.Hour+5*time.Minute {
					t.Errorf("%s at %v east: %s after %s", event, longitude, gap, ticks[i])
				}
			}
		}
	}
}
