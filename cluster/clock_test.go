package cluster

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTimeline tells stories of two clocks in seconds: "+n" lets both run,
// "wall+n" and "wall-n" set the wall clock, "agree" is a majority's word,
// "seen n" is a T in the log, and "= n" is what T must be, counted from the
// start, which is at 1000.
func TestTimeline(t *testing.T) {
	for name, story := range map[string]string{
		"runs with the clocks":                  "agree = 0 +5 = 5 +1 = 6",
		"a jump needs a majority":               "agree +1 = 1 wall+100 +1 = 2 +1 = 3 agree = 103 +1 = 104",
		"a jump stays refused":                  "agree +1 = 1 wall+100 +10 = 11 wall-100 +1 = 12",
		"never back, half speed":                "agree +10 = 10 wall-4 = 10 +2 = 11 +2 = 12 +2 = 13 +2 = 14 +2 = 16",
		"half speed until the wall clock is it": "agree +10 = 10 wall-1 = 10 +1 = 10.5 +3 = 13",
		"far back and forth again":              "agree +10 = 10 wall-100 +10 = 15 wall+100 +1 = 21",
		"a new leader starts at the last T":     "seen 50 = 50 +2 = 51",
		"a new leader follows a checked clock":  "seen -50 = -50 +1 = -49 agree = 1",
		"a new leader without a check goes on":  "seen -50 = -50 +10 = -40 +10 = -30",
		"slewing is followed":                   "agree wall+0.04 = 0.04 +1 = 1.04",
		"suspension lets both clocks go on":     "agree +3600 = 3600",
	} {
		t.Run(name, func(t *testing.T) { tell(t, story) })
	}
}

func tell(t *testing.T, story string) {
	const start = int64(1000e9)
	r := reading{boot: 5e9, wall: start}
	line := timeline{t: start}
	if !strings.HasPrefix(story, "agree") { // a new leader: T comes from the log alone
		line.t = start - int64(1000e9)
	}
	line.now(reading{boot: r.boot, wall: 0})
	words := strings.Fields(story)
	for i := 0; i < len(words); i++ {
		var n float64
		switch w := words[i]; {
		case w == "agree":
			line.agreed(r)
		case w == "seen", w == "=":
			i++
			if _, err := fmt.Sscan(words[i], &n); err != nil {
				t.Fatal(err)
			}
			if w == "seen" {
				line.seen(start + int64(n*1e9))
			} else if got := line.now(r) - start; got != int64(n*1e9) {
				t.Fatalf("word %d: T is %v, want %v", i, time.Duration(got), n)
			}
		case strings.HasPrefix(w, "wall"):
			if _, err := fmt.Sscan(w[4:], &n); err != nil {
				t.Fatal(err)
			}
			r.wall += int64(n * 1e9)
		default:
			if _, err := fmt.Sscan(w, &n); err != nil {
				t.Fatal(err)
			}
			r.boot += int64(n * 1e9)
			r.wall += int64(n * 1e9)
		}
	}
}

// TestTimelineHolds: whatever the clocks do, T never goes back and never runs
// faster than the boot clock unless it was agreed that it may.
func TestTimelineHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reading{boot: 1e9, wall: 1000e9}
		var line timeline
		line.seen(rapid.Int64Range(0, 2000e9).Draw(t, "last"))
		last := line.now(r)
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			passed := rapid.Int64Range(0, 5e9).Draw(t, "passed")
			jump := rapid.SampledFrom([]int64{0, 0, 0, 1e6, -1e6, 3e9, -3e9, 500e9, -500e9}).Draw(t, "jump")
			agree := rapid.Bool().Draw(t, "agree")
			r.boot += passed
			r.wall += passed + jump
			if agree {
				line.agreed(r)
			}
			now := line.now(r)
			if now < last {
				t.Fatalf("T went back by %v", time.Duration(last-now))
			}
			if now-last > passed && now > r.wall {
				t.Fatalf("T ran ahead of the wall clock by itself")
			}
			if now-last > passed && now > r.boot+line.agree+slack {
				t.Fatalf("T jumped further than was agreed")
			}
			if last > r.wall && now-last > passed/2 && now > r.wall {
				t.Fatalf("T ran at more than half speed while ahead")
			}
			last = now
		}
	})
}

func TestMajority(t *testing.T) {
	const s = int64(time.Second)
	for _, c := range []struct {
		differ  []int64
		servers int
		want    bool
	}{
		{nil, 1, true},
		{nil, 2, false},
		{[]int64{s / 2}, 2, true},
		{[]int64{s}, 3, true},
		{[]int64{-s}, 3, true},
		{[]int64{s + 1}, 3, false},
		{[]int64{s + 1, 5}, 3, true},
		{[]int64{noAnswer, noAnswer}, 3, false},
		{[]int64{0}, 5, false},
		{[]int64{0, 0}, 5, true},
		{[]int64{0, 2 * s, 2 * s, 2 * s}, 5, false},
	} {
		if got := majority(c.differ, c.servers); got != c.want {
			t.Errorf("%v of %d: %v", c.differ, c.servers, got)
		}
	}
}

func TestReadClocks(t *testing.T) {
	a := readClocks()
	b := readClocks()
	if a.boot <= 0 || b.boot < a.boot || b.wall == 0 {
		t.Fatalf("%+v then %+v", a, b)
	}
}

// TestReadingsApart takes the processor away between the readings of the two
// clocks: T is not ahead of the time for that, or tasks would begin early.
func TestReadingsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := int64(1000e9)
		pass := func() { now += rapid.Int64Range(1, 40e6).Draw(t, "passes") }
		line := timeline{}
		line.agreed(reading{boot: now - 900e9, wall: now})
		for range rapid.IntRange(2, 20).Draw(t, "readings") {
			r := readBoth(func() int64 { w := now; pass(); return w }, func() int64 { b := now - 900e9; pass(); return b })
			if at := line.now(r); at > now {
				t.Fatalf("T is %v ahead of the time", time.Duration(at-now))
			}
		}
	})
}
