package lead_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// chance is a source of chance that several goroutines draw from.
type chance struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (c *chance) below(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.r.IntN(n)
}

// weather is a network that delays, loses, repeats and cuts.
type weather struct {
	*chance
	mu    sync.Mutex
	until time.Time // nothing passes before it
	calm  bool
}

var errWeather = errors.New("lost in the weather")

// pass lets a message through after a while, or loses it.
func (w *weather) pass(ctx context.Context) error {
	w.mu.Lock()
	calm, until := w.calm, w.until
	w.mu.Unlock()
	if calm {
		return nil
	}
	delay := time.Duration(w.below(3000)) * time.Microsecond
	if w.below(50) == 0 {
		delay = time.Duration(w.below(1500)) * time.Millisecond
	}
	delay = max(delay, time.Until(until))
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.below(100) == 0 {
		return errWeather
	}
	return nil
}

func (w *weather) cut(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Now().Add(d)
}

func (w *weather) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calm, w.until = true, time.Time{}
}

// stormy puts weather between a worker and its leader.
type stormy struct {
	link.Attacher
	w *weather
}

func (s stormy) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := s.w.pass(ctx); err != nil {
		return nil, err
	}
	c, err := s.Attacher.Attach(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := s.w.pass(ctx); err != nil {
		if s.w.below(2) == 0 {
			c.Close() // else the leader believes in a link that nobody has
		}
		return nil, err
	}
	return &stormyConn{Conn: c, w: s.w}, nil
}

// stormyConn may fail before or after the fact, and may skip or repeat pushes.
type stormyConn struct {
	link.Conn
	w     *weather
	again *link.Push
}

func (c *stormyConn) Recv(ctx context.Context) (link.Push, error) {
	if c.again != nil {
		p := *c.again
		c.again = nil
		return p, nil
	}
	for {
		p, err := c.Conn.Recv(ctx)
		if err != nil {
			return p, err
		}
		switch err := c.w.pass(ctx); {
		case errors.Is(err, errWeather):
			continue // the next one leaves a gap
		case err != nil:
			return p, err
		}
		if c.w.below(200) == 0 {
			c.again = &p
		}
		return p, nil
	}
}

func (c *stormyConn) Beat(ctx context.Context, b link.Beat) error {
	return c.through(ctx, func() error { return c.Conn.Beat(ctx, b) })
}

func (c *stormyConn) Report(ctx context.Context, r *link.Report) (a link.Answer, err error) {
	err = c.through(ctx, func() error { a, err = c.Conn.Report(ctx, r); return err })
	return a, err
}

func (c *stormyConn) End(ctx context.Context, begun []queue.Fence) error {
	return c.through(ctx, func() error { return c.Conn.End(ctx, begun) })
}

func (c *stormyConn) through(ctx context.Context, do func() error) error {
	if err := c.w.pass(ctx); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return c.w.pass(ctx)
}

// witness sees every entry and every beginning of an attempt.
type witness struct {
	mu      sync.Mutex
	machine *state.Machine
	ends    map[queue.ID]int
	running map[queue.ID]int
	early   map[queue.ID]bool
	begun   map[queue.ID]int
	faults  []string
}

func (w *witness) entry(a state.Applied) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range a.Effects.Moves {
		if m.To.Final() {
			if w.ends[m.ID]++; w.ends[m.ID] > 1 {
				w.faults = append(w.faults, fmt.Sprintf("task %s ended twice", m.ID))
			}
		}
	}
	if len(a.Effects.Assigned) == 0 {
		return
	}
	given := map[queue.Fence]bool{}
	for _, x := range a.Effects.Assigned {
		given[x.Session] = true
	}
	for _, v := range w.machine.Workers() {
		if given[v.Session] && (v.Outstanding > v.Running+v.Prefetch || v.Held) {
			w.faults = append(w.faults, fmt.Sprintf("beyond its credit: %+v", v))
		}
	}
}

func (w *witness) began(id queue.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun[id]++
	if w.running[id]++; w.running[id] > 1 {
		w.faults = append(w.faults, fmt.Sprintf("task %s runs in two sandboxes", id))
	}
	if w.early[id] && w.begun[id] > 1 {
		w.faults = append(w.faults, fmt.Sprintf("task %s may run once and began anew", id))
	}
}

func (w *witness) stopped(id queue.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[id]--
}

// TestStorm lets three workers, their links and the leader fail in every way,
// and looks that the promises hold.
func TestStorm(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { storm(t, uint64(seed), false) })
		})
		t.Run(fmt.Sprintf("%d/stream", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { storm(t, uint64(seed), true) })
		})
	}
}

func storm(t *testing.T, seed uint64, streams bool) {
	dice := &chance{r: rand.New(rand.NewPCG(seed, 1))}
	c := newCluster(t)
	see := &witness{machine: c.machine, ends: map[queue.ID]int{}, running: map[queue.ID]int{}, early: map[queue.ID]bool{}, begun: map[queue.ID]int{}}
	c.after = see.entry
	c.lead()
	defer c.depose()
	var served sync.WaitGroup
	defer served.Wait()
	var workers []*node
	var skies []*weather
	start := func(i int, incarnation uint64) *node {
		h := newSandboxes(1 + dice.below(4))
		h.witness = see
		var a link.Attacher = stormy{c, skies[i]}
		if streams {
			a = far{c, skies[i], &served}
		}
		return startWorker(t, fmt.Sprintf("w%d", i), incarnation<<32, a, h)
	}
	for i := range 3 {
		skies = append(skies, &weather{chance: dice})
		workers = append(workers, start(i, 1))
	}
	const tasks = 300
	for n := range tasks {
		pass(time.Duration(dice.below(200)) * time.Millisecond)
		micros := dice.below(2000)
		switch dice.below(20) {
		case 0, 4:
			micros = dice.below(8e6) // longer than a session that nobody hears
		case 1, 2, 3:
			micros = dice.below(100e3)
		}
		early := dice.below(10) == 0
		see.mu.Lock()
		see.early[taskID(n)] = early
		see.mu.Unlock()
		c.submit(n, func(s *queue.Spec, call *command.Call) {
			s.AckEarly, s.MaxDeliveries = early, 1000
			call.Payload = (&queue.Payload{Input: fmt.Appendf(nil, "%d", micros)}).Append(nil)
		})
		i := dice.below(len(workers))
		switch dice.below(200) {
		case 0, 1, 2, 3, 4, 5, 6, 7:
			skies[i].cut(time.Duration(dice.below(12000)) * time.Millisecond)
		case 8, 9:
			workers[i].crash()
			workers[i] = start(i, uint64(n+2))
		case 10:
			c.depose()
			pass(time.Duration(dice.below(2000)) * time.Millisecond)
			c.lead()
		case 11, 12, 13, 14:
			_, _ = c.Propose(context.Background(), &command.Revoke{Namespace: "default", ID: taskID(dice.below(n + 1)), Terminate: dice.below(2) == 0})
		}
	}
	for _, s := range skies {
		s.clear()
	}
	for n := range tasks {
		v, _ := c.await(taskID(n))
		if v.State == queue.Failure && (!see.early[v.ID] || v.Error.Type != queue.ErrWorkerLost) {
			t.Errorf("task %d failed: %+v", n, v.Error)
		}
	}
	for _, w := range workers {
		w.crash()
	}
	for _, f := range see.faults {
		t.Error(f)
	}
}
