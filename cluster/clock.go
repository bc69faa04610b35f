package cluster

import (
	"sync"
	"time"
)

// reading is what the machine's two clocks say at one moment, nanoseconds:
// boot runs evenly and through suspension, wall can be set.
type reading struct{ boot, wall int64 }

// readBoth reads the wall clock first: a process may lose the processor between
// the two, and T, which is never ahead of the wall clock when the boot clock is
// read, would be counted on from a boot time that was over already.
func readBoth(wall, boot func() int64) reading {
	w := wall()
	return reading{boot: boot(), wall: w}
}

// timeline is the machine's time T, as a pure function of readings. T runs with
// the boot clock. It never goes back; ahead of the wall clock it advances at
// half speed; it jumps forward to the wall clock only while the distance
// between wall and boot clock is one that was agreed on.
type timeline struct {
	t     int64
	boot  int64 // when t was taken; 0 before the first reading
	agree int64 // wall minus boot, as agreed
	given bool  // whether agree holds
}

// slack is how far beyond the agreed distance the wall clock is followed: what
// it gains by being slewed, not set.
const slack = int64(50 * time.Millisecond)

// now advances T to a reading.
func (l *timeline) now(r reading) int64 {
	passed := max(r.boot-l.boot, 0)
	if l.boot == 0 {
		passed = 0
	}
	l.boot = max(l.boot, r.boot)
	switch ahead := l.t + passed - r.wall; {
	case ahead > 0:
		l.t = max(l.t+passed/2, min(r.wall, l.t+passed))
	case l.follows(r):
		l.t = r.wall
	default:
		l.t += passed
	}
	return l.t
}

// follows tells whether the wall clock may be believed when it is ahead of T.
func (l *timeline) follows(r reading) bool {
	return l.given && r.wall-r.boot <= l.agree+slack
}

// agreed notes that servers agreed on the wall clock of a reading.
func (l *timeline) agreed(r reading) { l.agree, l.given = r.wall-r.boot, true }

// seen raises T to one that is in the log.
func (l *timeline) seen(t int64) { l.t = max(l.t, t) }

// Clock is the machine's time of this node. On the leader it stamps entries;
// elsewhere it is an estimate that follows the log.
type Clock struct {
	read func() reading

	mu   sync.Mutex
	line timeline
}

func newClock(read func() reading) *Clock { return &Clock{read: read} }

// Now is the machine's time in unix nanoseconds; it never goes back.
func (c *Clock) Now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.line.now(c.read())
}

func (c *Clock) seen(t int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.now(c.read())
	c.line.seen(t)
}

func (c *Clock) agreed(r reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.agreed(r)
}

// behind is how far the wall clock is ahead of T without T following.
func (c *Clock) behind() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	return time.Duration(r.wall - c.line.now(r))
}

// tolerance is how close another server's wall clock must be to agree.
const tolerance = int64(time.Second)

// majority tells whether a majority of so many servers agree on the own wall
// clock, given by how much those that answered differ from it. The own server
// is not among them and agrees.
func majority(differ []int64, servers int) bool {
	agree := 1
	for _, d := range differ {
		if -tolerance <= d && d <= tolerance {
			agree++
		}
	}
	return agree > servers/2
}
