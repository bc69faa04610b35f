package limit

import (
	"testing"

	"github.com/windrow-dev/windrow/queue"
)

func TestClaimTakesAllOrNothing(t *testing.T) {
	key := &Limiter{Name: Name{Kind: Key}, Limit: 1}
	pool := &Limiter{Name: Name{Kind: Pool}, Limit: 3, Used: 2}
	c := Claim{Key: key, Pool: pool, PoolSlots: 2}
	if refused := c.Take(0); refused != pool || key.Used != 0 || pool.Used != 2 {
		t.Fatalf("refused by %v; key %d, pool %d", refused, key.Used, pool.Used)
	}
	c.PoolSlots = 1
	if refused := c.Take(0); refused != nil || key.Used != 1 || pool.Used != 3 {
		t.Fatalf("refused by %v; key %d, pool %d", refused, key.Used, pool.Used)
	}
	if refused := c.Take(0); refused != key {
		t.Fatalf("the first limit is %v", refused)
	}
	c.Give()
	if key.Used != 0 || pool.Used != 2 {
		t.Fatalf("given back: key %d, pool %d", key.Used, pool.Used)
	}
}

// TestRateOverAMinute starts whenever it may and counts, with timers that come
// up to 7 ms late.
func TestRateOverAMinute(t *testing.T) {
	for _, r := range []queue.Rate{{N: 1, Per: 1e9}, {N: 10, Per: 1e9}, {N: 5000, Per: 1e9}, {N: 7, Per: 60e9}} {
		l := &Limiter{Name: Name{Kind: Rate}, Rate: r}
		starts, now := int64(0), int64(1e18)
		for now < 1e18+60e9 {
			for l.Allows(1, now) {
				l.Spend(now)
				starts++
			}
			now = max(now, l.Next) + now%7e6
		}
		want := int64(60e9) / (r.Per / int64(r.N))
		if starts > want+int64(l.Burst()) || starts*100 < want*99-100 {
			t.Errorf("%d in %d ns: %d starts in a minute, want about %d", r.N, r.Per, starts, want)
		}
	}
}

func TestNoLimitNeverRefuses(t *testing.T) {
	c := Claim{}
	l := &Limiter{Name: Name{Kind: Rate}}
	if c.Take(0) != nil || !l.Allows(1, 0) {
		t.Error("refused without a limit")
	}
}
