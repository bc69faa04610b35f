package lead

import (
	"context"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
)

// driver proposes a Continue whenever the machine wants an entry that nobody
// else brings: work left over, or a timer that is due. It is asleep otherwise,
// and has one entry under way at the most.
type driver struct {
	machine  Machine
	proposer Proposer
	now      func() int64
	log      *slog.Logger
	wake     chan struct{}
	// alarm is the machine's time until which the driver sleeps.
	alarm atomic.Int64
	pause time.Duration // the run's own
}

const (
	// longestSleep bounds a sleep, since the machine's time goes on while the
	// computer is suspended and Go's timers do not.
	longestSleep = time.Second
	// shortestSleep bounds the steps towards a time that comes slower than the
	// timer's: ahead of the wall clock the machine's time runs at half speed.
	shortestSleep = time.Millisecond
	// firstPause is the rest after a Continue that did not get through, or
	// that did not do away with its reason; it doubles up to longPause.
	firstPause = 10 * time.Millisecond
	longPause  = time.Second
)

func newDriver(cfg *Config) *driver {
	return &driver{machine: cfg.Machine, proposer: cfg.Proposer, now: cfg.Now, log: cfg.Logger, wake: make(chan struct{}, 1)}
}

// applied is called after each entry. It wakes the driver only if something is
// due sooner than it would wake by itself.
func (d *driver) applied() {
	if due, ok := d.machine.Due(); ok && due < d.alarm.Load() {
		d.wakeUp()
	}
}

func (d *driver) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *driver) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		// An entry applied between the look at Due and the setting of the
		// alarm must be noticed, so the alarm is set first, to never.
		d.alarm.Store(math.MaxInt64)
		var expired <-chan time.Time
		if due, ok := d.machine.Due(); ok {
			left := due - d.now()
			if left <= 0 {
				d.advance(ctx, due)
				continue
			}
			d.alarm.Store(due)
			timer.Reset(min(max(time.Duration(left), shortestSleep), longestSleep))
			expired = timer.C
		}
		select {
		case <-d.wake:
		case <-expired:
		case <-ctx.Done():
		}
	}
}

// advance proposes one Continue. What it does not mend, it does not try to
// mend all the time.
func (d *driver) advance(ctx context.Context, due int64) {
	_, err := d.proposer.Propose(ctx, &command.Continue{})
	if err == nil {
		if again, ok := d.machine.Due(); !ok || due == 0 || again != due {
			d.pause = 0
			return
		}
	}
	if d.pause = min(max(2*d.pause, firstPause), longPause); d.pause == longPause {
		d.log.Warn("a timer stays due", "due", due, "error", err)
	}
	select {
	case <-time.After(d.pause):
	case <-ctx.Done():
	}
}
