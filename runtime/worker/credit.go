package worker

import "time"

// What the credit is computed from.
const (
	// horizon is how much work of a core a worker asks for beyond what it
	// runs: enough to span a commit, little enough to be handed back.
	horizon = 8 * time.Millisecond
	// mostPrefetch bounds it for the shortest attempts.
	mostPrefetch = 512
	// firstPause is how long a worker whose host handed work back asks for no
	// more than the host could begin; it doubles while asking again is vain.
	firstPause = time.Second
	longPause  = 16 * time.Second
	// sameLot is within which time hand-backs count as one.
	sameLot = 10 * time.Millisecond
	// firstRest is how long a worker that could not begin what it was given
	// asks for nothing. Then it asks for one, and rests twice as long where
	// that too is in vain.
	firstRest = 250 * time.Millisecond
	longRest  = 10 * time.Second
)

// credit is how much a worker asks for. It changes what it asked for only when
// the difference matters, so that a steady worker sends nothing.
type credit struct {
	concurrency uint32
	cores       int64

	mean   int64  // of the time of recent attempts, nanoseconds; 0 is unknown
	most   uint32 // that the host can begin, as far as it has shown
	pause  time.Duration
	raised time.Time // when most was last raised
	bounce time.Time // when the host last handed something back

	rest   time.Duration // the last one; 0 once something has begun since
	rested time.Time     // when it is over; zero is no rest
	fault  int64         // when it began, unix nanoseconds
	trial  uint32        // running limit after a rest, until something begins

	running, prefetch uint32 // as last asked for
	asked             bool
	none              bool // ask for nothing: the worker leaves
}

func newCredit(concurrency, cores int) credit {
	return credit{concurrency: uint32(concurrency), cores: int64(cores), most: uint32(concurrency), pause: firstPause}
}

// learn follows the time that attempts take.
func (c *credit) learn(wall int64) {
	if c.mean == 0 {
		c.mean = max(wall, 1)
		return
	}
	c.mean = max(c.mean+(wall-c.mean)/8, 1)
}

// bounced is when the host handed back what it could not begin, while it keeps
// so many.
func (c *credit) bounced(now time.Time, keeps int) {
	c.mean = max(c.mean, int64(horizon)*c.cores+1) // what runs now is long, whatever ran before
	switch {
	case now.Sub(c.bounce) <= sameLot:
	case now.Sub(c.raised) < firstPause:
		c.pause = min(2*c.pause, longPause)
	default:
		c.pause = firstPause
	}
	c.bounce = now
	c.most = min(c.most, max(uint32(keeps), 1))
}

// unable is when something could not begin here. What comes within a rest was
// assigned before it.
func (c *credit) unable(now time.Time) {
	if !c.rested.IsZero() {
		return
	}
	c.rest = min(max(2*c.rest, firstRest), longRest)
	c.fault, c.rested, c.trial = now.UnixNano(), now.Add(c.rest), 0
}

// able is when something has begun. Where that was after the last fault, the
// worker works; but the task that it could not begin may come back at once.
func (c *credit) able(at int64) {
	if at <= c.fault {
		return
	}
	c.rest, c.trial = 0, 0
	if short := time.Unix(0, c.fault).Add(firstRest); c.rested.After(short) {
		c.rested = short
	}
}

// relax asks for more again once a pause is over, while so many attempts are
// the host's.
func (c *credit) relax(now time.Time, handed int) {
	if !c.rested.IsZero() && !now.Before(c.rested) {
		c.rested = time.Time{}
		if c.rest > 0 {
			c.trial = uint32(handed) + 1
		}
	}
	if c.most < c.concurrency && now.Sub(c.bounce) >= c.pause && now.Sub(c.raised) >= c.pause {
		c.most = min(2*c.most, c.concurrency)
		c.raised = now
	}
}

// want is what to ask for, and whether it differs enough from what was asked
// for last.
func (c *credit) want() (running, prefetch uint32, changed bool) {
	if c.none {
		return 0, 0, !c.asked || c.running+c.prefetch > 0
	}
	if c.trial > 0 || !c.rested.IsZero() {
		running = min(c.trial, c.concurrency)
		return running, 0, !c.asked || running != c.running || c.prefetch > 0
	}
	running = min(c.most, c.concurrency)
	prefetch = c.prefetch
	switch n := c.ahead(); {
	case n == 0, n >= 2*max(prefetch, 1), 2*n < prefetch:
		prefetch = n
	}
	return running, prefetch, !c.asked || running != c.running || prefetch != c.prefetch
}

// ahead is how many attempts make up the horizon.
func (c *credit) ahead() uint32 {
	if c.mean == 0 {
		return 0
	}
	return uint32(min(int64(horizon)*c.cores/c.mean, mostPrefetch))
}

// ask notes that want's answer is on its way.
func (c *credit) ask(running, prefetch uint32) {
	c.running, c.prefetch, c.asked = running, prefetch, true
}
