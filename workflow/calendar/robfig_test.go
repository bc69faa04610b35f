package calendar

import (
	"testing"
	"time"

	"github.com/robfig/cron/v3"
	"pgregory.net/rapid"
)

// TestRobfig: where no clock changes, the ticks are those of the library.
func TestRobfig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCron(t)
		theirs, err := cron.ParseStandard("CRON_TZ=UTC " + c.text)
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "after"), 0).UTC()
		ours, err := Parse(Rule{Cron: c.text})
		if err != nil {
			if never := theirs.Next(after); !never.IsZero() {
				t.Fatalf("%q: %v, but it is due at %s", c.text, err, never)
			}
			return
		}
		for range 10 {
			got, ok := ours.Next(after)
			want := theirs.Next(after) // the zero time after five years without a tick
			if want.IsZero() && ok && got.Before(after.AddDate(5, 0, 0)) || !want.IsZero() && !got.Equal(want) {
				t.Fatalf("%q after %s: got %s, want %s", c.text, after, got, want)
			}
			if want.IsZero() {
				return
			}
			after = got
		}
	})
}
