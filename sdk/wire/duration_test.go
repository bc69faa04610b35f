package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "250ms": 250 * time.Millisecond, "30s": 30 * time.Second, "5m": 5 * time.Minute,
		"24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute,
		"30": 30 * time.Second, "0.25": 250 * time.Millisecond, "1e3": 1000 * time.Second, "10us": 10 * time.Microsecond,
		"10µs": 10 * time.Microsecond, "1ns": 1, ".5s": 500 * time.Millisecond, "36500d": MaxDuration.Std(),
	} {
		got, err := ParseDuration(text)
		if err != nil || got.Std() != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-5", "s", "1x", "1.s", "1.2.3s", "1 s", "NaN", "nan", "Inf", "1e309", "-Inf",
		"9223372036854775808", "99999999999999999999h", "36501d", "876001h", "0x10", "1_000", "1e", "5mm", "1h-3m",
		strings.Repeat("9", 65), strings.Repeat("1h", 40), "１s", "1e400s"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v, want a refusal", text, got)
		}
	}
}

func TestDurationString(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 5 * time.Minute: "5m", 24 * time.Hour: "24h", 90 * time.Minute: "1h30m",
		time.Hour + time.Second: "1h0m1s", 250 * time.Millisecond: "250ms", 10 * time.Second: "10s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "64MiB": 64 << 20, "1.5GiB": 3 << 29, "10 kB": 10_000, "12B": 12, "9223372036854775807": MaxSize,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "-1MiB", "1e3", "NaN", "1.5", "MiB", "64mb", "9223372036854775808",
		"9999999999GiB", "1..5GiB", "64 M iB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d, want a refusal", text, got)
		}
	}
}

func TestParseRate(t *testing.T) {
	for _, text := range []string{"1/s", "100/m", "4294967295/h"} {
		if got, err := ParseRate(text); err != nil || got.String() != text {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0/s", "-1/s", "+1/s", "1", "1/d", "1/s/s", "4294967296/s", "1.5/s", "/s"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("%q: got %v, want a refusal", text, got)
		}
	}
}

func TestExpires(t *testing.T) {
	for text, want := range map[string]string{
		`"10m"`: `"10m"`, `90`: `"1m30s"`,
		`"2026-01-31T09:30:00+01:00"`: `"2026-01-31T08:30:00.000000000Z"`,
	} {
		var e Expires
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, _ := json.Marshal(e); string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{`true`, `"soon"`, `"1969-12-31T00:00:00Z"`, `"9999-01-01T00:00:00Z"`, `-1`, `{}`} {
		var e Expires
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s: got %v, want a refusal", text, e)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"250ms", "-1s", "NaN", "1e309", "36500d", "1h30m", "0.1", "99999999999999999999h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 || d > MaxDuration {
			t.Fatalf("%q gave %d", text, d)
		}
		again, err := ParseDuration(d.String())
		if err != nil || again != d {
			t.Fatalf("%q: %v became %q and then %v, %v", text, d, d.String(), again, err)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"64MiB", "-1", "NaN", "1e309", "9223372036854775807", "1.5GB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if z, err := ParseSize(text); err == nil && z < 0 {
			t.Fatalf("%q gave %d", text, z)
		}
	})
}
