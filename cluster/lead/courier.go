package lead

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
)

// Outboxes reads what webhooks are to deliver.
type Outboxes interface {
	Outboxes() []command.Outbox
	Outbox(namespace, name string) (command.Outbox, bool)
	// Webhook is the document's body, and its version.
	Webhook(namespace, name string) (command.Webhook, uint32, bool)
	// Outgoing is an event of an outbox, unless it is settled.
	Outgoing(namespace, name string, seq uint64) (state.Outgoing, bool, error)
}

// Sender makes one attempt to deliver an event. It returns soon once ctx ends.
type Sender interface {
	Send(ctx context.Context, p *Parcel) Receipt
}

// Parcel is an event on its way to a webhook's receiver.
type Parcel struct {
	Namespace string
	Name      string // of the webhook
	Webhook   command.Webhook
	Event     state.Outgoing
	Attempt   uint32
}

// Receipt is how an attempt ended: by the receiver's answer, or by an error.
type Receipt struct {
	Status int
	Err    error
	// After is how long the receiver asks to be left alone.
	After time.Duration
	// Unready says that this server could not even try.
	Unready bool
}

const (
	// reportWithin is how long what was delivered may wait for more of it, before
	// the log is told; what is delivered twice after a change of the leader is
	// what was delivered in this time.
	reportWithin = time.Second
	// reportAt is how many attempts are told of at once.
	reportAt = command.MaxDelivered
)

type hookName struct{ namespace, name string }

// courier delivers webhooks: a goroutine each while it has something to
// deliver, and one that tells the machine how that went.
type courier struct {
	cfg  *Config
	log  *slog.Logger
	wake chan struct{}
	work sync.WaitGroup

	rounds map[hookName]*round // of run's goroutine

	mu      sync.Mutex
	reports map[hookName]*command.Delivered
	count   int // attempts in reports
	written chan struct{}
	full    chan struct{}
}

func newCourier(cfg *Config, log *slog.Logger) *courier {
	c := &courier{cfg: cfg, log: log, wake: make(chan struct{}, 1), rounds: map[hookName]*round{},
		reports: map[hookName]*command.Delivered{}, written: make(chan struct{}, 1), full: make(chan struct{}, 1)}
	c.wakeUp() // for what the leader before has left
	return c
}

func (c *courier) wakeUp() { poke(c.wake) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (c *courier) run(ctx context.Context) {
	if c.cfg.Outboxes == nil {
		return
	}
	defer c.work.Wait()
	c.work.Go(func() { c.report(ctx) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			c.look(ctx)
		}
	}
}

// look begins rounds for webhooks that have something to deliver, wakes those
// that go on and ends those whose webhook is gone or stopped.
func (c *courier) look(ctx context.Context) {
	there := map[hookName]bool{}
	for _, v := range c.cfg.Outboxes.Outboxes() {
		if v.Paused || v.Disabled != "" {
			continue
		}
		name := hookName{v.Namespace, v.Name}
		there[name] = true
		r := c.rounds[name]
		if r == nil && v.Pending == 0 {
			continue
		}
		if r == nil {
			r = newRound(c, name)
			inner, stop := context.WithCancel(ctx)
			r.stop = stop
			c.rounds[name] = r
			c.work.Go(func() { r.run(inner) })
		}
		if v.Dropped > r.dropped {
			c.log.Warn("a webhook has too much to deliver; its oldest events are dropped", "namespace", name.namespace, "webhook", name.name, "dropped", v.Dropped)
			r.dropped = v.Dropped
		}
		poke(r.wake)
	}
	for name, r := range c.rounds {
		if !there[name] {
			r.stop()
			delete(c.rounds, name)
		}
	}
}

// tell has an attempt reported.
func (c *courier) tell(name hookName, a *command.DeliveryAttempt, version uint32, disable string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.reports[name]
	if r == nil {
		r = &command.Delivered{Namespace: name.namespace, Name: name.name}
		c.reports[name] = r
	}
	r.Attempts = append(r.Attempts, *a)
	c.count++
	if disable != "" {
		r.Disable, r.Version = disable, version
	}
	poke(c.written)
	if c.count >= reportAt || disable != "" {
		poke(c.full)
	}
}

// report tells the machine of attempts, at most once a second unless there are
// many.
func (c *courier) report(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.written:
		}
		timer := time.NewTimer(reportWithin)
		select {
		case <-timer.C:
		case <-c.full:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
		for c.propose(ctx) {
		}
	}
}

// propose tells of what is there, a bounded part at a time, and reports whether
// more is left that should not wait.
func (c *courier) propose(ctx context.Context) (more bool) {
	cmds := c.take()
	if len(cmds) == 0 {
		return false
	}
	list := make([]command.Command, len(cmds))
	for i := range cmds {
		list[i] = cmds[i]
	}
	// A refusal says that the webhook is gone.
	_, err := c.cfg.Proposer.Propose(ctx, list...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			c.log.Warn("tell what webhooks have delivered; trying again", "error", err)
		}
		c.putBack(cmds)
		poke(c.written)
		return false
	}
	if c.count > 0 {
		poke(c.written)
	}
	return c.count >= reportAt
}

// take gives what is to be told next, and forgets it.
func (c *courier) take() (cmds []*command.Delivered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := 4 * reportAt
	for name, r := range c.reports {
		if len(r.Attempts) <= min(room, reportAt) {
			delete(c.reports, name)
			cmds = append(cmds, r)
		} else {
			n := min(room, reportAt)
			part := *r
			part.Attempts = r.Attempts[:n:n]
			r.Attempts, r.Disable = r.Attempts[n:], ""
			cmds = append(cmds, &part)
		}
		n := len(cmds[len(cmds)-1].Attempts)
		c.count -= n
		if room -= n; room == 0 {
			break
		}
	}
	return cmds
}

// putBack keeps what could not be told; c.mu is held.
func (c *courier) putBack(cmds []*command.Delivered) {
	for _, r := range cmds {
		name := hookName{r.Namespace, r.Name}
		c.count += len(r.Attempts)
		if later := c.reports[name]; later != nil {
			r.Attempts = append(r.Attempts, later.Attempts...)
			if later.Disable != "" {
				r.Disable, r.Version = later.Disable, later.Version
			}
		}
		c.reports[name] = r
	}
}
