package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

func outboxes(m *Machine) []command.Outbox {
	list := m.Outboxes()
	slices.SortFunc(list, func(a, b command.Outbox) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// hooksOf tells of webhooks, those too that are going.
func hooksOf(m *Machine, b *strings.Builder) {
	for _, ns := range []string{"default", "other"} {
		for _, h := range m.hooks[ns] {
			fmt.Fprintf(b, "webhook %s/%s there %v: %v %d %q", ns, h.name, h.doc != nil, h.slots, h.done, h.disabled)
			for _, n := range h.numbers() {
				fmt.Fprintf(b, " %d", *n)
			}
			b.WriteByte('\n')
		}
	}
}

func putHook(namespace, name string, f command.HookFilter) *command.PutDocument {
	return &command.PutDocument{Kind: command.KindWebhook, Namespace: namespace, Name: name, Body: []byte("{}"), Attributes: command.Attributes{Hook: f}}
}

func (g *generator) hookCommand() command.Command {
	all := g.hooks()
	verb := g.pick("hook", "put", "deliver", "deliver", "deliver", "deliver", "ping", "delete")
	if verb == "put" || len(all) == 0 {
		c := putHook(g.namespace(), g.pick("name", "h", "i"), command.HookFilter{Events: []string{g.pick("events", "task.", "task.failure", "run.", "schedule.")}, Tasks: g.pick("tasks", "", "mod.*", "other.*")})
		if g.pick("queues", "all", "a") == "a" {
			c.Attributes.Hook.Queues = []string{"a"}
		}
		c.Attributes.Paused = g.pick("paused", "no", "no", "yes") == "yes"
		return c
	}
	v := rapid.SampledFrom(all).Draw(g.t, "which")
	switch verb {
	case "ping":
		return &command.PingWebhook{Namespace: v.Namespace, Name: v.Name}
	case "delete":
		return &command.DeleteDocument{Kind: command.KindWebhook, Namespace: v.Namespace, Name: v.Name}
	}
	c := &command.Delivered{Namespace: v.Namespace, Name: v.Name, Version: v.Version}
	for range rapid.IntRange(1, 4).Draw(g.t, "attempts") {
		seq := v.First + rapid.Uint64Range(0, 4).Draw(g.t, "seq")
		c.Attempts = append(c.Attempts, command.DeliveryAttempt{Seq: seq, Attempt: uint32(rapid.IntRange(1, 3).Draw(g.t, "attempt")),
			End: command.DeliveryEnd(rapid.IntRange(0, 2).Draw(g.t, "end")), Type: "task.failure"})
	}
	if g.pick("gone", "no", "no", "no", "yes") == "yes" {
		c.Disable = "410"
	}
	return c
}

// checkOutboxes holds the outboxes to what is stored: every pending event is
// there, and nothing else.
func checkOutboxes(t *rapid.T, m *Machine, s memory) {
	stored := map[string]int{}
	for k := range s {
		if k[2] == kindOutbox {
			names, _, _ := namesOf([]byte(k), 2)
			stored[names[0]+"/"+names[1]]++
		}
	}
	for _, v := range m.Outboxes() {
		h := m.hook(v.Namespace, v.Name)
		for seq := v.First; seq < v.Next; seq++ {
			at, tried := h.slot(seq)
			_, there := s[string(OutboxKey(0, v.Namespace, v.Name, seq))]
			if want := !tried || !v.Slots[at].Done; want != there {
				t.Fatalf("event %d of webhook %s: pending %v, stored %v", seq, v.Name, want, there)
			}
		}
		// Of those to go some were delivered before their webhook was removed.
		if n := stored[v.Namespace+"/"+v.Name]; n < int(v.Pending) || n > int(v.Pending)+int(h.trash-h.low) {
			t.Fatalf("webhook %s has %d events stored, %d pending and %d to go at the most", v.Name, n, v.Pending, h.trash-h.low)
		}
	}
}

// hooked is a machine with a webhook for everything of tasks.
func hooked(t *testing.T) (*Machine, memory, *uint64) {
	t.Helper()
	sink := memory{}
	m := New(0, sink)
	index := uint64(1)
	m.Apply(index, firstEntry())
	return m, sink, &index
}

func submitOne(n byte) *command.Submit {
	spec := queue.DefaultSpec("default", "mod", "main")
	return &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{spec}, List: []command.Call{{ID: queue.ID{1, 2, 3, 4, 5, 6, 0x70, 0, 0x80, n}, Payload: []byte{1, 0}}}}}
}

func TestOutboxDropsTheOldest(t *testing.T) {
	m, sink, index := hooked(t)
	m.outboxSize = 3
	apply := func(c command.Command) Applied {
		*index++
		return m.Apply(*index, entryOf(1e18, c))
	}
	apply(putHook("default", "h", command.HookFilter{Events: []string{"task."}}))
	before, _ := m.Outbox("default", "h")
	for n := range byte(5) {
		if a := apply(submitOne(n)); !a.Effects.Hooks {
			t.Fatalf("the leader is not told: %s", show(a))
		}
	}
	v, _ := m.Outbox("default", "h")
	if v.Pending != 3 || v.Dropped != 2 || v.First != before.First+2 {
		t.Errorf("after five events with room for three: %+v", v)
	}
	o, err := DecodeOutgoing(sink[string(OutboxKey(0, "default", "h", v.First))])
	if err != nil || o.Type() != "task.pending" || o.Index != *index-2 || o.Task != "mod.main" {
		t.Errorf("the oldest that is left is %+v, %v", o, err)
	}
}

func TestRemovedWebhookIsNotTakenForItsSuccessor(t *testing.T) {
	m, _, index := hooked(t)
	apply := func(c command.Command) Applied {
		*index++
		return m.Apply(*index, entryOf(1e18, c))
	}
	apply(putHook("default", "h", command.HookFilter{Events: []string{"task."}}))
	apply(submitOne(1))
	old, _ := m.Outbox("default", "h")
	apply(&command.DeleteDocument{Kind: command.KindWebhook, Namespace: "default", Name: "h"})
	if len(m.hooks) != 0 {
		t.Fatal("a removed webhook is still there")
	}
	apply(putHook("default", "h", command.HookFilter{Events: []string{"task."}}))
	apply(submitOne(2))
	apply(&command.Delivered{Namespace: "default", Name: "h", Version: old.Version, Disable: "410",
		Attempts: []command.DeliveryAttempt{{Seq: old.First, Attempt: 1, End: command.DeliveryDone}}})
	if v, _ := m.Outbox("default", "h"); v.Pending != 1 || v.Delivered != 0 || v.Disabled != "" {
		t.Errorf("what was told of the removed webhook counts for the new one: %+v", v)
	}
}

func TestNoMoreWebhooksThanANamespaceMayHave(t *testing.T) {
	m, _, index := hooked(t)
	for n := range maxHooks + 1 {
		*index++
		a := m.Apply(*index, entryOf(1e18, putHook("default", fmt.Sprint("h", n), command.HookFilter{Events: []string{"run."}})))
		if refused := a.Results[0].Code == command.CodeTooManyWebhooks; refused != (n == maxHooks) {
			t.Errorf("webhook %d: %+v", n+1, a.Results[0])
		}
	}
}

// TestLargeOutboxGoesInSteps removes a webhook with more events than one entry
// may touch, stores and loads the machine in between, and puts another webhook
// under the name before all are gone.
func TestLargeOutboxGoesInSteps(t *testing.T) {
	m, sink, index := hooked(t)
	apply := func(c command.Command) Applied {
		*index++
		return m.Apply(*index, entryOf(1e18, c))
	}
	count := func() (n int) {
		for k := range sink {
			if k[2] == kindOutbox {
				n++
			}
		}
		return n
	}
	apply(putHook("default", "h", command.HookFilter{Events: []string{"task."}}))
	spec := queue.DefaultSpec("default", "mod", "main")
	id := queue.ID{1, 2, 3, 4, 5, 6, 0x70, 0, 0x80}
	for range 10 {
		c := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{spec}}}
		for range 500 {
			id = id.Plus(1)
			c.Calls.List = append(c.Calls.List, command.Call{ID: id, Payload: []byte{1, 0}})
		}
		apply(c)
	}
	if n := count(); n != 5000 {
		t.Fatalf("%d events are stored", n)
	}
	apply(&command.DeleteDocument{Kind: command.KindWebhook, Namespace: "default", Name: "h"})
	left := count()
	if due, ok := m.Due(); left == 0 || left == 5000 || !ok || due != 0 {
		t.Fatalf("after one entry %d events are left, due %d %v", left, due, ok)
	}
	m.Cut()
	m = New(0, sink)
	if err := m.Load(scanOf(sink)); err != nil {
		t.Fatal(err)
	}
	apply(putHook("default", "h", command.HookFilter{Events: []string{"task."}}))
	apply(&command.PingWebhook{Namespace: "default", Name: "h"})
	for range 5 {
		apply(&command.Continue{})
	}
	if v, ok := m.Outbox("default", "h"); count() != 1 || !ok || v.Pending != 1 {
		t.Errorf("%d events are left, the new webhook has %+v", count(), v)
	}
	apply(&command.DeleteDocument{Kind: command.KindWebhook, Namespace: "default", Name: "h"})
	m.Cut()
	for k := range sink {
		if k[2] == kindHook || k[2] == kindOutbox || k[2] == kindHookLog {
			t.Errorf("%q is left", k)
		}
	}
}
