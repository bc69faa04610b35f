package lead_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// dial is a machine that is nothing but timers, with a clock of its own.
type dial struct {
	mu       sync.Mutex
	due      []int64 // sorted; 0 is work left over
	epoch    time.Time
	ahead    int64 // of the timers' clock
	half     bool  // the clock runs at half speed
	proposed []time.Duration
	inFlight int
	most     int
	refuse   bool
	stubborn bool // a Continue mends nothing
	commit   time.Duration
	leader   *lead.Leader
	looks    int
}

func (d *dial) now() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nowLocked()
}

func (d *dial) nowLocked() int64 {
	passed := int64(time.Since(d.epoch))
	if d.half {
		passed /= 2
	}
	return 1 + d.ahead + passed
}

func (d *dial) Workers() []queue.WorkerView { return nil }

func (d *dial) Task(queue.ID) (queue.View, bool) { return queue.View{}, false }

func (d *dial) Deciding() []queue.View { return nil }

func (d *dial) Outstanding(queue.Fence) ([]state.Assigned, []state.Kill) { return nil, nil }

func (d *dial) Due() (int64, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	if len(d.due) == 0 {
		return 0, false
	}
	return d.due[0], true
}

func (d *dial) Schedules(string) []workflow.ScheduleView { return nil }

func (d *dial) Schedule(workflow.ScheduleName) (workflow.ScheduleView, bool) {
	return workflow.ScheduleView{}, false
}

func (d *dial) Payload(queue.ID) ([]byte, error) { return nil, nil }

func (d *dial) Propose(_ context.Context, cmds ...command.Command) ([]command.Result, error) {
	d.mu.Lock()
	d.inFlight++
	d.most = max(d.most, d.inFlight)
	d.mu.Unlock()
	pass(d.commit)
	d.mu.Lock()
	d.inFlight--
	d.proposed = append(d.proposed, time.Since(d.epoch))
	refuse := d.refuse
	if !refuse && !d.stubborn {
		d.ring()
	}
	d.mu.Unlock()
	if refuse {
		return nil, errors.New("no")
	}
	d.leader.Applied(&state.Effects{})
	return make([]command.Result, len(cmds)), nil
}

// ring does one piece of left-over work, or all timers that are due.
func (d *dial) ring() {
	if len(d.due) > 0 && d.due[0] == 0 {
		d.due = d.due[1:]
		return
	}
	now := d.nowLocked()
	d.due = slices.DeleteFunc(d.due, func(at int64) bool { return at <= now })
}

// set adds a timer, as an entry would.
func (d *dial) set(at int64) {
	d.mu.Lock()
	d.due = append(d.due, at)
	slices.Sort(d.due)
	d.mu.Unlock()
	d.leader.Applied(&state.Effects{})
}

func dialled(t *testing.T, test func(t *testing.T, d *dial)) {
	synctest.Test(t, func(t *testing.T) {
		d := &dial{epoch: time.Now(), commit: 300 * time.Microsecond}
		d.leader = lead.New(lead.Config{Machine: d, Proposer: d, Payloads: d, Now: d.now, Logger: logger(t)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = d.leader.Run(ctx, 1)
		}()
		synctest.Wait()
		test(t, d)
		cancel()
		<-done
	})
}

// count gives the number of proposals so far.
func (d *dial) count() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.proposed)
}

func TestDriverRingsAtItsTime(t *testing.T) {
	dialled(t, func(t *testing.T, d *dial) {
		d.set(int64(10 * time.Second))
		d.set(int64(3 * time.Second)) // sooner than the one it sleeps for
		d.set(int64(20 * time.Second))
		pass(time.Hour)
		if d.count() != 3 {
			t.Fatalf("rang at %v", d.proposed)
		}
		for i, at := range []time.Duration{3 * time.Second, 10 * time.Second, 20 * time.Second} {
			if late := d.proposed[i] - at; late < 0 || late > time.Millisecond {
				t.Errorf("the timer of %s rang at %s", at, d.proposed[i])
			}
		}
		if d.most != 1 {
			t.Errorf("%d entries under way at once", d.most)
		}
	})
}

func TestDriverSleepsWithoutTimers(t *testing.T) {
	dialled(t, func(t *testing.T, d *dial) {
		before := d.looks
		pass(24 * time.Hour)
		if d.count() != 0 || d.looks != before {
			t.Errorf("proposed %v and looked %d times", d.proposed, d.looks-before)
		}
	})
}

// TestDriverIsNotWokenInVain: entries that change no timer cost one look each.
func TestDriverIsNotWokenInVain(t *testing.T) {
	dialled(t, func(t *testing.T, d *dial) {
		d.set(int64(500 * time.Millisecond))
		synctest.Wait()
		before := d.looks
		for range 100 {
			d.leader.Applied(&state.Effects{})
			synctest.Wait()
		}
		if looks := d.looks - before; looks != 100 {
			t.Errorf("100 entries made %d looks", looks)
		}
	})
}

func TestDriverCarriesWorkOn(t *testing.T) {
	dialled(t, func(t *testing.T, d *dial) {
		d.mu.Lock()
		d.due = make([]int64, 50)
		d.mu.Unlock()
		d.leader.Applied(&state.Effects{})
		pass(50*d.commit + time.Millisecond)
		if d.count() != 50 || d.most != 1 {
			t.Errorf("%d entries, %d at once", len(d.proposed), d.most)
		}
	})
}

func TestDriverWithASlowClock(t *testing.T) {
	dialled(t, func(t *testing.T, d *dial) {
		d.mu.Lock()
		d.half = true
		d.mu.Unlock()
		d.set(int64(5 * time.Second))
		pass(time.Minute)
		if d.count() != 1 || !about(d.proposed[0], 10*time.Second-10) {
			t.Errorf("rang at %v, wanted once at 10 s", d.proposed)
		}
	})
}

// TestDriverAfterASuspension: the machine's clock has gone on, ours has not.
func TestDriverAfterASuspension(t *testing.T) {
	for _, told := range []bool{false, true} {
		dialled(t, func(t *testing.T, d *dial) {
			d.set(int64(time.Hour))
			pass(10 * time.Second)
			d.mu.Lock()
			d.ahead = int64(2 * time.Hour)
			d.mu.Unlock()
			if told {
				d.leader.ClockChanged()
			} else {
				pass(1100 * time.Millisecond)
			}
			pass(d.commit)
			if d.count() != 1 {
				t.Errorf("told: %v; rang %d times", told, len(d.proposed))
			}
		})
	}
}

func TestDriverGoesEasyOnFailure(t *testing.T) {
	for _, stubborn := range []bool{false, true} {
		dialled(t, func(t *testing.T, d *dial) {
			d.mu.Lock()
			d.refuse, d.stubborn = !stubborn, stubborn
			d.mu.Unlock()
			d.set(int64(time.Second))
			pass(61 * time.Second)
			if n := d.count(); n < 60 || n > 75 {
				t.Errorf("stubborn: %v; %d tries in a minute", stubborn, n)
			}
			d.mu.Lock()
			d.refuse, d.stubborn = false, false
			d.mu.Unlock()
			pass(1100 * time.Millisecond)
			if due, ok := d.Due(); ok {
				t.Errorf("%d is still due", due)
			}
		})
	}
}
