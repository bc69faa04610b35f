package calendar

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestErrors(t *testing.T) {
	long := strings.Repeat("0,", 600) + "0 * * * *"
	many := `{"at": ["` + strings.Repeat(`2027-01-01T00:00:00Z","`, 1000) + `2027-01-01T00:00:00Z"]}`
	cases := []struct{ rule, field, says string }{
		{`{}`, "", "give one of cron"},
		{`{"at": ""}`, "", "give one of cron"},
		{`{"cron": "* * * * *", "every": "5m"}`, "every", "beside cron"},
		{`{"every": "5m", "solar": {"event": "sunrise"}}`, "solar", "two schedules"},
		{`{"cron": "* * * *"}`, "cron", "has 4 fields; write five"},
		{`{"cron": "* * * * * * *"}`, "cron", "has 7 fields"},
		{`{"cron": " "}`, "cron", "has 0 fields"},
		{`{"cron": "60 * * * *"}`, "cron", `minute cannot be "60"; write numbers from 0 to 59`},
		{`{"cron": "0 24 * * *"}`, "cron", "hour"},
		{`{"cron": "0 0 0 * *"}`, "cron", "day of month"},
		{`{"cron": "0 0 * foo *"}`, "cron", `names such as "jan"`},
		{`{"cron": "0 0 * * 8"}`, "cron", "day of week"},
		{`{"cron": "0 0 L * *"}`, "cron", "day of month"},
		{`{"cron": "0 0 * * mon#1"}`, "cron", "day of week"},
		{`{"cron": "*/0 * * * *"}`, "cron", "step goes from 1 to 60"},
		{`{"cron": "*/90 * * * *"}`, "cron", "step goes from 1 to 60"},
		{`{"cron": "*/+5 * * * *"}`, "cron", "step"},
		{`{"cron": "*-5 * * * *"}`, "cron", "without a range"},
		{`{"cron": "1-2-3 * * * *"}`, "cron", "minute"},
		{`{"cron": "-1 * * * *"}`, "cron", "minute"},
		{`{"cron": "5, * * * *"}`, "cron", "minute"},
		{`{"cron": "99999999999999999999 * * * *"}`, "cron", "minute"},
		{`{"cron": "TZ=0"}`, "cron", `use "timezone"`},
		{`{"cron": "TZ=Europe/Berlin 0 0 * * *"}`, "cron", `use "timezone"`},
		{`{"cron": "CRON_TZ=Asia/Tokyo 0 0 * * *"}`, "cron", `use "timezone"`},
		{`{"cron": "@every 5m"}`, "cron", `"every"`},
		{`{"cron": "@reboot"}`, "cron", "cluster"},
		{`{"cron": "@noon"}`, "cron", "@daily"},
		{`{"cron": "0 0 30 2 *"}`, "cron", "nothing would ever be due"},
		{`{"cron": "0 0 31 4,6,9,11 *"}`, "cron", "nothing would ever be due"},
		{`{"cron": "` + long + `"}`, "cron", "at most 1024"},
		{`{"cron": "* * * * *", "days": "all"}`, "days", `"either" or "both"`},
		{`{"every": "5m", "days": "both"}`, "days", "leave it out"},
		{`{"every": "soon"}`, "every", "write a number with a unit"},
		{`{"every": ["5m"]}`, "every", "write a number with a unit"},
		{`{"every": "-5m"}`, "every", "is no duration"},
		{`{"every": "50ms"}`, "every", "at least 100ms"},
		{`{"every": 0}`, "every", "at least 100ms"},
		{`{"every": 1e300}`, "every", "is no duration"},
		{`{"every": "NaN"}`, "every", "is no duration"},
		{`{"every": "40000d"}`, "every", "at most"},
		{`{"every": "9999999999d"}`, "every", "is no duration"},
		{`{"every": "1d-5h"}`, "every", "is no duration"},
		{`{"every": "106751d2562047h"}`, "every", "is no duration"},
		{`{"at": "tomorrow"}`, "at", "with its offset"},
		{`{"at": "2027-01-31T09:00:00"}`, "at", "with its offset"},
		{`{"at": ["2027-01-31T09:00:00Z", "2027-02-31T09:00:00Z"]}`, "at[1]", "with its offset"},
		{`{"at": "3027-01-31T09:00:00Z"}`, "at", "from 1900 to 2261"},
		{`{"at": []}`, "at", "is empty"},
		{`{"at": 5}`, "at", "neither a time nor a list"},
		{many, "at", "at most 1000"},
		{`{"cron": "@daily", "timezone": "Berlin"}`, "timezone", "Europe/Berlin"},
		{`{"cron": "@daily", "timezone": "Local"}`, "timezone", "IANA"},
		{`{"cron": "@daily", "timezone": "../../etc/passwd"}`, "timezone", "IANA"},
		{`{"cron": "@daily", "start": "monday"}`, "start", "with its offset"},
		{`{"cron": "@daily", "start": "2027-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}`, "end", "before start"},
		{`{"cron": "@daily", "jitter": "25h"}`, "jitter", "at most 24h"},
		{`{"cron": "@daily", "jitter": "a bit"}`, "jitter", "is no duration"},
		{`{"every": "10s", "jitter": "11s"}`, "jitter", "longer than every"},
		{`{"solar": {"event": "sunset", "latitude": 91}}`, "solar.latitude", "from -90"},
		{`{"solar": {"event": "sunset", "longitude": -181}}`, "solar.longitude", "from -180"},
		{`{"solar": {"event": "teatime"}}`, "solar.event", "dusk_astronomical"},
		{`{"solar": {"event": "sunset", "latitude": 90}}`, "solar.latitude", "a degree from a pole"},
		{`{"solar": {"event": "dusk_astronomical", "latitude": -90}}`, "solar.latitude", "a degree from a pole"},
	}
	for _, c := range cases {
		var r Rule
		err := json.Unmarshal([]byte(c.rule), &r)
		if err == nil {
			_, err = Parse(r)
		}
		var fault *Error
		if !errors.As(err, &fault) || fault.Field != c.field || !strings.Contains(fault.Reason, c.says) {
			t.Errorf("%.200s: got %v, want field %q, saying %q", c.rule, err, c.field, c.says)
		}
	}
}

// TestJSON: what was read is written the same way again.
func TestJSON(t *testing.T) {
	for _, text := range []string{
		`{"cron":"0 9 * * mon-fri","days":"both","timezone":"Europe/Berlin","start":"2027-01-01T00:00:00Z","end":"2028-01-01T00:00:00+01:00","jitter":"30s"}`,
		`{"every":"1h30m"}`,
		`{"at":"2027-01-31T09:00:00+01:00"}`,
		`{"at":["2027-01-31T09:00:00+01:00","2027-02-28T09:00:00+01:00"]}`,
		`{"solar":{"event":"sunset","latitude":52.52,"longitude":13.405}}`,
	} {
		var r Rule
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		must(t, r)
		if again, err := json.Marshal(r); err != nil || string(again) != text {
			t.Errorf("got %s, %v\nwant %s", again, err, text)
		}
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"250ms"`: 250 * time.Millisecond, `"1h30m"`: 90 * time.Minute, `"7d"`: 7 * 24 * time.Hour,
		`"1d12h"`: 36 * time.Hour, `90`: 90 * time.Second, `0.5`: time.Second / 2, `"90"`: 90 * time.Second,
	} {
		var s Span
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if got, ok := spanOf(string(s)); !ok || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, ok, want)
		}
	}
}

// FuzzParse: whatever is written gives a schedule that keeps its promises, or
// an error that says why not.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"cron":"TZ=0"}`, `{"cron":"CRON_TZ="}`, `{"cron":"*/15 22-2 1,15 jan-mar fri-mon","timezone":"Europe/Berlin"}`,
		`{"cron":"0 0 0 29 2 *","days":"both","timezone":"America/St_Johns"}`, `{"cron":"@daily","timezone":"Pacific/Apia","start":"2011-12-29T00:00:00Z"}`,
		`{"every":"100ms","start":"1900-01-01T00:00:00Z"}`, `{"every":3153600000,"end":"2261-12-31T23:59:59.999999999Z"}`,
		`{"at":["2027-01-31T09:00:00+01:00","1900-01-01T00:00:00Z"],"jitter":"5s"}`,
		`{"solar":{"event":"dawn_civil","latitude":89,"longitude":-180}}`, `{"solar":{"event":"sunset","latitude":65.72,"longitude":180}}`,
	} {
		f.Add(seed, int64(1_800_000_000), uint32(7))
	}
	f.Fuzz(func(t *testing.T, text string, second int64, nano uint32) {
		var r Rule
		if json.Unmarshal([]byte(text), &r) != nil {
			return
		}
		s, err := Parse(r)
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Reason == "" {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		checkOrder(t, s, time.Unix(second%20_000_000_000, int64(nano)), 5)
	})
}

// checkOrder holds what is true of every schedule at every time.
func checkOrder(t interface {
	Helper()
	Fatalf(string, ...any)
}, s Schedule, after time.Time, n int) {
	t.Helper()
	previous := after
	for i := range n {
		tick, ok := s.Next(previous)
		if !ok {
			return
		}
		if !tick.After(previous) {
			t.Fatalf("Next(%s) = %s is not after it", previous, tick)
		}
		if again, ok := s.Next(tick.Add(-1)); !ok || !again.Equal(tick) {
			t.Fatalf("Next just before %s = %s, %v", tick, again, ok)
		}
		back, ok := s.Prev(tick.Add(1))
		if !ok || !back.Equal(tick) {
			t.Fatalf("Prev just after %s = %s, %v", tick, back, ok)
		}
		if i > 0 {
			if back, ok = s.Prev(tick); !ok || !back.Equal(previous) {
				t.Fatalf("Prev(%s) = %s, %v, want %s", tick, back, ok, previous)
			}
		}
		if d := s.Delay("name", tick); d < 0 || d > 0 && d >= s.jitter {
			t.Fatalf("Delay = %s with a jitter of %s", d, s.jitter)
		}
		if start, end := s.Interval(tick); start.After(end) || !end.Equal(tick) {
			t.Fatalf("Interval(%s) = %s, %s", tick, start, end)
		}
		previous = tick
	}
}
