package lead_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/state"
)

// Outboxes implements lead.Outboxes.
func (c *cluster) Outboxes() []command.Outbox { return c.machine.Outboxes() }

// Outbox implements lead.Outboxes.
func (c *cluster) Outbox(namespace, name string) (command.Outbox, bool) {
	return c.machine.Outbox(namespace, name)
}

// Webhook implements lead.Outboxes.
func (c *cluster) Webhook(namespace, name string) (w command.Webhook, version uint32, ok bool) {
	d, ok := c.machine.Document(command.KindWebhook, namespace, name, 0)
	if ok && json.Unmarshal(d.Body, &w) != nil {
		return w, 0, false
	}
	return w, d.Version, ok
}

// Outgoing implements lead.Outboxes.
func (c *cluster) Outgoing(namespace, name string, seq uint64) (state.Outgoing, bool, error) {
	b, ok := c.records.get(state.OutboxKey(0, namespace, name, seq))
	if !ok {
		return state.Outgoing{}, false, nil
	}
	o, err := state.DecodeOutgoing(b)
	return o, true, err
}

// hook puts a webhook for every pending task.
func (c *cluster) hook(name string, change func(*command.Webhook)) {
	c.t.Helper()
	w := command.Webhook{URL: "http://there", Timeout: int64(10 * time.Second), MaxAge: int64(24 * time.Hour), Concurrency: 1}
	if change != nil {
		change(&w)
	}
	body, err := json.Marshal(w)
	if err != nil {
		c.t.Fatal(err)
	}
	put := &command.PutDocument{Kind: command.KindWebhook, Namespace: "default", Name: name, Body: body, Attributes: command.Attributes{Hook: command.HookFilter{Events: []string{"task.pending"}}}}
	for {
		if _, err := c.Propose(context.Background(), put); err == nil {
			return
		}
	}
}

// receiver is the other end.
type receiver struct {
	answer func(p *lead.Parcel) lead.Receipt
	takes  time.Duration

	mu     sync.Mutex
	got    map[string][]string // by webhook, ids of what it has accepted, in order
	tries  int
	flying int
	most   int
}

func newReceiver(answer func(*lead.Parcel) lead.Receipt) *receiver {
	return &receiver{answer: answer, takes: 5 * time.Millisecond, got: map[string][]string{}}
}

func (r *receiver) Send(ctx context.Context, p *lead.Parcel) lead.Receipt {
	r.mu.Lock()
	r.tries++
	r.flying++
	r.most = max(r.most, r.flying)
	r.mu.Unlock()
	a := r.answer(p)
	takes := r.takes
	if a.Err != nil && errors.Is(a.Err, context.DeadlineExceeded) {
		takes = time.Hour
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		a = lead.Receipt{Err: ctx.Err()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flying--
	if a.Err == nil && a.Status == 200 {
		r.got[p.Name] = append(r.got[p.Name], p.Event.Move.ID.String())
	}
	return a
}

func (r *receiver) has(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[name])
}

func ok(*lead.Parcel) lead.Receipt { return lead.Receipt{Status: 200} }

// drained waits until nothing is pending.
func (c *cluster) drained(name string) command.Outbox {
	c.t.Helper()
	var v command.Outbox
	for end := time.Now().Add(30 * time.Hour); time.Now().Before(end); pass(time.Second) {
		if v, _ = c.machine.Outbox("default", name); v.Pending == 0 {
			return v
		}
	}
	c.t.Fatalf("webhook %s still has to deliver: %+v", name, v)
	return v
}

func TestWebhookIsDeliveredInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		r := newReceiver(ok)
		c.sender = r
		c.lead()
		defer c.depose()
		c.hook("h", nil)
		var want []string
		for n := range 250 {
			want = append(want, c.submit(n, nil).String())
		}
		v := c.drained("h")
		if got := r.has("h"); !slices.Equal(got, want) {
			t.Errorf("%d events arrived, not %d in order", len(got), len(want))
		}
		if r.most != 1 || v.Delivered != 250 {
			t.Errorf("%d were under way at a time; %+v", r.most, v)
		}
		reports := 0
		for _, e := range c.log() {
			if e == "*command.Delivered" {
				reports++
			}
		}
		if reports == 0 || reports > 6 {
			t.Errorf("the log was told %d times of 250 deliveries in 1.5 s", reports)
		}
		before := len(c.log())
		pass(2 * time.Hour)
		if after := c.log(); len(after) != before {
			t.Errorf("a webhook with nothing to do wrote %v", after[before:])
		}
	})
}

// TestWebhookAtLeastOnce has receivers that fail, time out and are not there,
// leaders that change at any time and lose their proposals.
func TestWebhookAtLeastOnce(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { stormOfWebhooks(t, seed) })
		})
	}
}

func stormOfWebhooks(t *testing.T, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	chance := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n) == 0
	}
	some := func(most int) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(random.IntN(most)) * time.Millisecond
	}
	r := newReceiver(func(*lead.Parcel) lead.Receipt {
		switch {
		case chance(20):
			return lead.Receipt{Err: context.DeadlineExceeded}
		case chance(10):
			return lead.Receipt{Status: 503, After: time.Minute}
		case chance(10):
			return lead.Receipt{Err: errors.New("refused")}
		}
		return lead.Receipt{Status: 200}
	})
	c := newCluster(t)
	c.sender = r
	c.lead()
	defer func() { c.depose() }()
	c.hook("one", nil)
	c.hook("many", func(w *command.Webhook) { w.Concurrency = 8 })
	c.mu.Lock()
	c.loses = func() bool { return chance(5) }
	c.mu.Unlock()
	var want []string
	for n := range 120 {
		if chance(12) {
			c.lead()
		}
		pass(some(2000))
		c.mu.Lock()
		c.loses = nil
		c.mu.Unlock()
		want = append(want, c.submit(n, nil).String())
		c.mu.Lock()
		c.loses = func() bool { return chance(5) }
		c.mu.Unlock()
	}
	for _, name := range []string{"one", "many"} {
		v := c.drained(name)
		got := r.has(name)
		first := map[string]bool{}
		var order []string
		for _, id := range got {
			if !first[id] {
				first[id] = true
				order = append(order, id)
			}
		}
		if name == "one" && !slices.Equal(order, want) {
			t.Errorf("webhook %s: %d of %d arrived in order", name, len(order), len(want))
		}
		slices.Sort(order)
		if all := slices.Sorted(slices.Values(want)); !slices.Equal(order, all) {
			t.Errorf("webhook %s: %d of %d arrived", name, len(order), len(want))
		}
		if v.GivenUp+v.Dropped > 0 {
			t.Errorf("webhook %s: %+v", name, v)
		}
	}
}

func TestWebhookGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		r := newReceiver(func(*lead.Parcel) lead.Receipt { return lead.Receipt{Status: 500} })
		c.sender = r
		c.lead()
		defer func() { c.depose() }()
		c.hook("h", func(w *command.Webhook) { w.MaxAttempts = 4 })
		c.submit(1, nil)
		pass(2500 * time.Millisecond) // two or three attempts, told of
		c.lead()                      // goes on counting
		if v := c.drained("h"); v.GivenUp != 1 || r.tries < 4 || r.tries > 5 {
			t.Errorf("after %d attempts: %+v", r.tries, v)
		}
		begin := time.Now()
		c.hook("h", nil)
		c.submit(2, nil)
		if v := c.drained("h"); v.GivenUp != 2 {
			t.Errorf("%+v", v)
		}
		if took := time.Since(begin); took < 24*time.Hour || took > 26*time.Hour {
			t.Errorf("given up after %s", took)
		}
	})
}

func TestGoneReceiverStopsItsWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		var mu sync.Mutex
		status := 410
		r := newReceiver(func(*lead.Parcel) lead.Receipt { mu.Lock(); defer mu.Unlock(); return lead.Receipt{Status: status} })
		c.sender = r
		c.lead()
		defer c.depose()
		c.hook("h", nil)
		c.submit(1, nil)
		pass(time.Minute)
		c.submit(2, nil)
		pass(time.Hour)
		v, _ := c.machine.Outbox("default", "h")
		if v.Disabled == "" || v.Pending != 1 || r.tries != 1 {
			t.Fatalf("after 410 and %d attempts: %+v", r.tries, v)
		}
		mu.Lock()
		status = 200
		mu.Unlock()
		c.hook("h", nil)
		c.submit(3, nil)
		c.drained("h")
		if got := r.has("h"); len(got) != 2 {
			t.Errorf("after it was put again: %v", got)
		}
	})
}

func TestServerThatCannotOpenTheSecretCountsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		var mu sync.Mutex
		unready := true
		c.sender = newReceiver(func(*lead.Parcel) lead.Receipt {
			mu.Lock()
			defer mu.Unlock()
			return lead.Receipt{Status: 200, Unready: unready}
		})
		c.lead()
		defer c.depose()
		c.hook("h", func(w *command.Webhook) { w.MaxAttempts = 1 })
		c.submit(1, nil)
		pass(time.Hour)
		mu.Lock()
		unready = false
		mu.Unlock()
		if v := c.drained("h"); v.Delivered != 1 || v.GivenUp != 0 {
			t.Errorf("%+v", v)
		}
	})
}

func TestRemovedWebhookSendsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		r := newReceiver(func(*lead.Parcel) lead.Receipt { return lead.Receipt{Err: errors.New("away")} })
		c.sender = r
		c.lead()
		defer c.depose()
		c.hook("h", nil)
		c.submit(1, nil)
		pass(10 * time.Second)
		if _, err := c.Propose(context.Background(), &command.DeleteDocument{Kind: command.KindWebhook, Namespace: "default", Name: "h"}); err != nil {
			t.Fatal(err)
		}
		tries := r.tries
		pass(time.Hour)
		if r.tries != tries {
			t.Errorf("%d attempts after it was removed", r.tries-tries)
		}
		c.hook("h", nil)
		c.submit(2, nil)
		pass(time.Second)
		if r.tries == tries {
			t.Error("a webhook of the same name sends nothing")
		}
	})
}
