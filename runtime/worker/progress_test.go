package worker

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// TestProgressTravels with beats: soon, each once, the newest only, and once
// more to a leader that may be another.
func TestProgressTravels(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}))
		synctest.Wait()
		for range 3 {
			for _, s := range []string{"1", " {\"done\" : 2}\n", "no JSON"} {
				p.tell(1, s)
			}
			pass(progressEvery + 2*soon)
		}
		pass(time.Second)
		if got, want := newest(p.heard()), slices.Repeat([]string{`{"done":2}`}, 3); !slices.Equal(got, want) {
			t.Errorf("beats told %q, want %q", got, want)
		}
		p.disconnect()
		pass(time.Second)
		if got, want := newest(p.heard()), slices.Repeat([]string{`{"done":2}`}, 4); !slices.Equal(got, want) {
			t.Errorf("after another attachment beats told %q, want %q", got, want)
		}
	})
}

// newest leaves out what a beat told that was due between two words of a round.
func newest(heard []string) []string {
	return slices.DeleteFunc(heard, func(s string) bool { return s == "1" })
}

// TestProgressIsBounded: ten beats a second at the most for it alone.
func TestProgressIsBounded(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}))
		synctest.Wait()
		for range 100 {
			p.tell(1, "1")
			pass(10 * time.Millisecond)
		}
		if n := len(p.heard()); n < 5 || n > 11 {
			t.Errorf("%d reports in a second", n)
		}
	})
}

// TestLastProgressIsKept with the outcome, unless it is long.
func TestLastProgressIsKept(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}), assignment(2, queue.Payload{}))
		synctest.Wait()
		p.tell(1, "1")
		p.tell(1, "2")
		p.tell(2, `"`+strings.Repeat("x", queue.MaxProgress)+`"`)
		p.ok(1, "null")
		pass(time.Second)
		p.ok(2, "null")
		pass(time.Second)
		got := p.results()
		if len(got) != 2 || string(got[0].Outcome.Progress) != "2" || got[1].Outcome.Progress != nil {
			t.Errorf("%d results, the last progress is %q", len(got), got[0].Outcome.Progress)
		}
	})
}
