package lead

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
)

const (
	// reach is how far behind the oldest pending event of a webhook others are
	// sent, if it lets several be under way.
	reach = 1000
	// firstRest follows a failed attempt; it doubles up to longRest.
	firstRest = time.Second
	longRest  = time.Hour
	// unreadyRest follows what this server could not try.
	unreadyRest = 10 * time.Second
)

// round delivers one webhook's events: begun in their order, as many under way
// as the webhook lets be, with one the next not before the one before is
// settled.
type round struct {
	c       *courier
	name    hookName
	wake    chan struct{}
	ended   chan outcome
	stop    context.CancelFunc
	dropped uint64 // that was told of; the courier's

	// Of its goroutine:
	open map[uint64]*delivery // under way, or waiting for another attempt
	told map[uint64]bool      // settled, which the machine may not know yet
}

// delivery is an event that is not settled.
type delivery struct {
	seq    uint64
	tries  uint32
	flying bool
	again  time.Time // when it is not flying
}

// outcome is an attempt that has ended.
type outcome struct {
	*delivery
	event   state.Outgoing
	hook    command.Webhook
	version uint32
	at      int64
	took    time.Duration
	receipt Receipt
}

func newRound(c *courier, name hookName) *round {
	return &round{c: c, name: name, wake: make(chan struct{}, 1), ended: make(chan outcome), open: map[uint64]*delivery{}, told: map[uint64]bool{}}
}

func (r *round) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.begin(ctx))
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		case o := <-r.ended:
			r.end(&o)
		}
	}
}

// begin starts what may be sent now and gives the time until something else may.
func (r *round) begin(ctx context.Context) time.Duration {
	v, ok := r.c.cfg.Outboxes.Outbox(r.name.namespace, r.name.name)
	hook, version, there := r.c.cfg.Outboxes.Webhook(r.name.namespace, r.name.name)
	if !ok || !there || v.Paused || v.Disabled != "" {
		return time.Hour
	}
	done, tries := r.catchUp(&v)
	for seq := v.First; seq < v.Next && seq < v.First+reach && len(r.open) < int(max(hook.Concurrency, 1)); seq++ {
		if !done[seq] && !r.told[seq] && r.open[seq] == nil {
			r.open[seq] = &delivery{seq: seq, tries: tries[seq]}
		}
	}
	now, next := time.Now(), time.Hour
	for _, seq := range slices.Sorted(maps.Keys(r.open)) {
		d := r.open[seq]
		switch rest := d.again.Sub(now); {
		case d.flying:
		case rest > 0:
			next = min(next, rest)
		default:
			r.send(ctx, d, hook, version)
		}
	}
	return next
}

// catchUp forgets what the machine knows, and tells what it knows of the rest.
func (r *round) catchUp(v *command.Outbox) (done map[uint64]bool, tries map[uint64]uint32) {
	done, tries = map[uint64]bool{}, map[uint64]uint32{}
	for _, s := range v.Slots {
		if tries[s.Seq] = s.Tries; s.Done {
			done[s.Seq] = true
		}
	}
	for seq := range r.told {
		if seq < v.First || done[seq] {
			delete(r.told, seq)
		}
	}
	for seq, d := range r.open {
		if !d.flying && (seq < v.First || done[seq]) { // dropped, since there was too much
			delete(r.open, seq)
		}
	}
	return done, tries
}

// send makes an attempt, whose end comes back through r.ended.
func (r *round) send(ctx context.Context, d *delivery, hook command.Webhook, version uint32) {
	event, pending, err := r.c.cfg.Outboxes.Outgoing(r.name.namespace, r.name.name, d.seq)
	if err != nil || !pending {
		if err != nil {
			r.c.log.Warn("read an event for a webhook; trying again", "webhook", r.name.name, "error", err)
		}
		d.again = time.Now().Add(firstRest) // what is settled is known by then
		return
	}
	d.flying = true
	o := outcome{delivery: d, event: event, hook: hook, version: version, at: r.c.cfg.Now()}
	p := &Parcel{Namespace: r.name.namespace, Name: r.name.name, Webhook: hook, Event: event, Attempt: d.tries + 1}
	begun := time.Now()
	r.c.work.Go(func() {
		within, cancel := context.WithTimeout(ctx, time.Duration(hook.Timeout))
		defer cancel()
		o.receipt = r.c.cfg.Sender.Send(within, p)
		o.took = time.Since(begun)
		select {
		case r.ended <- o:
		case <-ctx.Done():
		}
	})
}

// end decides what becomes of an event after an attempt.
func (r *round) end(o *outcome) {
	d := o.delivery
	d.flying = false
	if o.receipt.Unready {
		r.c.log.Warn("a webhook cannot be delivered from here; trying again", "namespace", r.name.namespace, "webhook", r.name.name, "error", o.receipt.Err)
		d.again = time.Now().Add(unreadyRest)
		return
	}
	d.tries++
	a := command.DeliveryAttempt{Seq: d.seq, Index: o.event.Index, N: o.event.N, Type: o.event.Type(), Attempt: d.tries,
		At: o.at, Took: int64(o.took), Status: uint32(max(o.receipt.Status, 0)), Error: said(&o.receipt)}
	age := r.c.cfg.Now() - o.event.Time
	var disable string
	switch {
	case o.receipt.Err == nil && o.receipt.Status/100 == 2:
		a.End = command.DeliveryDone
	case o.receipt.Err == nil && o.receipt.Status == http.StatusGone:
		disable = "the receiver answered 410 Gone"
	case o.hook.MaxAttempts > 0 && d.tries >= o.hook.MaxAttempts, age >= o.hook.MaxAge:
		a.End = command.DeliveryGivenUp
	}
	r.c.tell(r.name, &a, o.version, disable)
	switch {
	case a.End != command.DeliveryFailed:
		delete(r.open, d.seq)
		r.told[d.seq] = true
	case disable != "":
		d.again = time.Now().Add(longRest)
	default:
		d.again = time.Now().Add(max(rest(d.tries), min(o.receipt.After, longRest)))
	}
}

// rest is the time after a failed attempt, the longer the more there were, and
// by chance, so that receivers that come back are not overrun.
func rest(tries uint32) time.Duration {
	d := longRest
	if tries < 13 {
		d = min(firstRest<<(tries-1), longRest)
	}
	return d/2 + rand.N(d/2)
}

// said is what the delivery log shows of an attempt that failed.
func said(r *Receipt) string {
	const most = 300
	var text string
	switch {
	case errors.Is(r.Err, context.DeadlineExceeded):
		text = "no answer in time"
	case r.Err != nil:
		text = r.Err.Error()
	case r.Status/100 == 3:
		text = fmt.Sprintf("answered %d: redirects are not followed; give the webhook the URL itself", r.Status)
	case r.Status/100 != 2:
		text = fmt.Sprintf("answered %d", r.Status)
	}
	return text[:min(len(text), most)]
}
