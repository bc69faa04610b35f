package worker

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// settleAt teaches a credit a steady duration and asks.
func settleAt(c *credit, d time.Duration) (asked int) {
	for range 100 {
		c.learn(int64(d))
		if running, prefetch, changed := c.want(); changed {
			c.ask(running, prefetch)
			asked++
		}
	}
	return asked
}

func TestPrefetch(t *testing.T) {
	for _, x := range []struct {
		mean          time.Duration
		least, mostly uint32
	}{
		{10 * time.Microsecond, mostPrefetch, mostPrefetch},
		{100 * time.Microsecond, 80, 160},
		{time.Millisecond, 8, 16},
		{6 * time.Millisecond, 1, 2},
		{17 * time.Millisecond, 0, 0},
		{time.Second, 0, 0},
	} {
		c := newCredit(4, 2)
		settleAt(&c, x.mean)
		if c.prefetch < x.least || c.prefetch > x.mostly || c.running != 4 {
			t.Errorf("at %s it asks for %d + %d, want %d to %d ahead", x.mean, c.running, c.prefetch, x.least, x.mostly)
		}
		if asked := settleAt(&c, x.mean); asked != 0 {
			t.Errorf("at a steady %s it asked %d times more", x.mean, asked)
		}
		if asked := settleAt(&c, x.mean*5/4); asked != 0 {
			t.Errorf("a quarter more than %s made it ask %d times", x.mean, asked)
		}
	}
}

func TestBounces(t *testing.T) {
	c := newCredit(8, 2)
	settleAt(&c, 50*time.Microsecond)
	now := time.Unix(1000, 0)
	for keeps := 7; keeps >= 3; keeps-- {
		c.bounced(now, keeps)
	}
	running, prefetch, changed := c.want()
	if running != 3 || prefetch != 0 || !changed {
		t.Fatalf("after a bounce it asks for %d + %d", running, prefetch)
	}
	c.ask(running, prefetch)
	// The host stays as it is: every try to have more bounces, ever more rarely.
	tries := 0
	for range 60 * 100 {
		now = now.Add(10 * time.Millisecond)
		c.relax(now, 0)
		if c.most > 3 {
			tries++
			c.bounced(now.Add(5*time.Millisecond), 3)
		}
	}
	if tries < 3 || tries > 8 {
		t.Errorf("%d tries in a minute", tries)
	}
	for range 60 * 100 {
		now = now.Add(10 * time.Millisecond)
		c.relax(now, 0)
	}
	if c.most != 8 {
		t.Errorf("a minute without a bounce leaves %d", c.most)
	}
}

// TestCreditStaysInBounds whatever happens.
func TestCreditStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 64).Draw(t, "concurrency")
		c := newCredit(n, rapid.IntRange(1, 16).Draw(t, "cores"))
		now := time.Unix(1000, 0)
		for range rapid.IntRange(0, 50).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 3e9).Draw(t, "pass")))
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				c.learn(rapid.Int64Range(-10, 1e13).Draw(t, "wall"))
			case 1:
				c.bounced(now, rapid.IntRange(0, 100).Draw(t, "keeps"))
			case 2:
				c.relax(now, rapid.IntRange(0, 100).Draw(t, "handed"))
			case 3:
				c.unable(now)
			case 4:
				c.able(now.Add(time.Duration(rapid.Int64Range(-1e9, 0).Draw(t, "ago"))).UnixNano())
			}
			running, prefetch, changed := c.want()
			if running < 1 && c.rested.IsZero() || running > uint32(n) || prefetch > mostPrefetch {
				t.Fatalf("asks for %d + %d", running, prefetch)
			}
			if !changed && (running != c.running || prefetch != c.prefetch) {
				t.Fatal("kept a change to itself")
			}
			if changed {
				c.ask(running, prefetch)
			}
		}
		c.none = true
		if running, prefetch, _ := c.want(); running+prefetch != 0 {
			t.Fatalf("a worker that leaves asks for %d + %d", running, prefetch)
		}
	})
}
