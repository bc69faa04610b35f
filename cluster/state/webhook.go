package state

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
)

const (
	// maxHooks bounds what one transition may cost.
	maxHooks = 20
	// maxOutbox is how many events of a webhook may be pending; those that come
	// push out the oldest.
	maxOutbox = 100_000
	// hookLog is how many attempts to deliver a webhook remembers.
	hookLog = 100
)

// hook is a webhook with its outbox. The events themselves are in the store,
// each under its number; only the numbers are in memory.
type hook struct {
	namespace, name string
	doc             *command.Document // nil once it is removed

	first, next uint64               // numbers of the oldest pending event, and of the next to come
	slots       []command.OutboxSlot // what was tried from first on, sorted
	done        uint64               // slots that are Done

	delivered, givenUp, dropped, logged uint64
	disabled                            string

	// A removed webhook's events go in steps: those from low up to trash.
	low, trash uint64
	order      uint64 // among the jobs
}

func (h *hook) place() uint64 { return h.order }

func (h *hook) pending() uint64 { return h.next - h.first - h.done }

// takes reports whether a webhook is told of a transition.
func (h *hook) takes(mv *Move) bool {
	if h.doc == nil || h.disabled != "" || h.doc.Attributes.Paused {
		return false
	}
	f := &h.doc.Attributes.Hook
	if !mv.Run && mv.Schedule == 0 {
		if len(f.Queues) > 0 && !slices.Contains(f.Queues, mv.Queue) {
			return false
		}
		if f.Tasks != "" {
			if hit, err := path.Match(f.Tasks, mv.Task); err != nil || !hit {
				return false
			}
		}
	}
	kind := mv.Type()
	return slices.ContainsFunc(f.Events, func(e string) bool {
		return e == kind || strings.HasSuffix(e, ".") && strings.HasPrefix(kind, e)
	})
}

func (m *Machine) hookAt(namespace, name string) (at int, found bool) {
	return slices.BinarySearchFunc(m.hooks[namespace], name, func(h *hook, name string) int { return cmp.Compare(h.name, name) })
}

func (m *Machine) hook(namespace, name string) *hook {
	if at, ok := m.hookAt(namespace, name); ok {
		return m.hooks[namespace][at]
	}
	return nil
}

// roomForHook refuses one webhook more than a namespace may have.
func (m *Machine) roomForHook(namespace, name string) *command.Result {
	if h := m.hook(namespace, name); h != nil && h.doc != nil {
		return nil
	}
	n := 0
	for _, h := range m.hooks[namespace] {
		if h.doc != nil {
			n++
		}
	}
	if n >= maxHooks {
		return refuse(command.CodeTooManyWebhooks, "a namespace has %d webhooks at the most; remove one first", maxHooks)
	}
	return nil
}

// heedHook lets a webhook that was put take effect. One that its receiver had
// stopped goes on.
func (m *Machine) heedHook(d *command.Document) {
	h := m.hook(d.Namespace, d.Name)
	if h == nil {
		// A number is never given twice under a name, so that what a leader tells
		// of a webhook that is gone never counts for another: no entry has so many
		// events.
		first := m.index << 24
		h = &hook{namespace: d.Namespace, name: d.Name, first: first, next: first, low: first, trash: first}
		m.addHook(h)
	}
	h.doc, h.disabled = d, ""
	m.hookChanged(h)
}

func (m *Machine) addHook(h *hook) {
	at, _ := m.hookAt(h.namespace, h.name)
	m.hooks[h.namespace] = slices.Insert(m.hooks[h.namespace], at, h)
}

func (m *Machine) hookChanged(h *hook) {
	m.dirty.hooks[h] = true
	m.effects.Hooks = true
}

// dropHook removes a webhook with its outbox.
func (m *Machine) dropHook(namespace, name string) {
	h := m.hook(namespace, name)
	for n := range min(h.logged, hookLog) {
		m.sink.Delete(hookLogKey(m.shard, namespace, name, n))
	}
	if h.low == h.trash {
		h.low = h.first
	}
	h.trash, h.first, h.slots = h.next, h.next, nil
	h.doc, h.disabled = nil, ""
	h.done, h.delivered, h.givenUp, h.dropped, h.logged = 0, 0, 0, 0, 0
	m.hookChanged(h)
	if h.order == 0 {
		h.order = m.nextJob()
	}
	m.work.add(h)
}

// step implements job: it forgets what is left of a removed webhook.
func (h *hook) step(m *Machine) bool {
	for h.low < h.trash && m.budget > 0 {
		m.sink.Delete(OutboxKey(m.shard, h.namespace, h.name, h.low))
		h.low++
		m.spend()
	}
	m.dirty.hooks[h] = true
	if h.low < h.trash {
		return false
	}
	h.order = 0
	if h.doc == nil {
		m.forgetHook(h)
	}
	return true
}

func (m *Machine) forgetHook(h *hook) {
	delete(m.dirty.hooks, h)
	m.sink.Delete(hookKey(m.shard, h.namespace, h.name))
	at, _ := m.hookAt(h.namespace, h.name)
	if m.hooks[h.namespace] = slices.Delete(m.hooks[h.namespace], at, at+1); len(m.hooks[h.namespace]) == 0 {
		delete(m.hooks, h.namespace)
	}
}

// tellHooks puts what an entry did into the outboxes of those who want to know.
func (m *Machine) tellHooks() {
	if len(m.hooks) == 0 {
		return
	}
	for n := range m.effects.Moves {
		mv := &m.effects.Moves[n]
		for _, h := range m.hooks[mv.Namespace] {
			if h.takes(mv) {
				m.post(h, &Outgoing{Index: m.index, N: uint32(n), Time: m.now, Move: *mv})
			}
		}
	}
}

// post puts an event into an outbox.
func (m *Machine) post(h *hook, o *Outgoing) {
	m.sink.Put(OutboxKey(m.shard, h.namespace, h.name, h.next), o.append(nil))
	h.next++
	if h.pending() > m.outboxSize {
		m.sink.Delete(OutboxKey(m.shard, h.namespace, h.name, h.first))
		h.dropped++
		h.settled(h.first)
	}
	m.hookChanged(h)
}

// settled takes a pending event out of an outbox.
func (h *hook) settled(seq uint64) {
	at, found := h.slot(seq)
	if !found {
		h.slots = slices.Insert(h.slots, at, command.OutboxSlot{Seq: seq})
	}
	h.slots[at].Done = true
	h.done++
	for len(h.slots) > 0 && h.slots[0].Seq == h.first && h.slots[0].Done {
		h.slots = slices.Delete(h.slots, 0, 1)
		h.first++
		h.done--
	}
}

func (h *hook) slot(seq uint64) (at int, found bool) {
	return slices.BinarySearchFunc(h.slots, seq, func(s command.OutboxSlot, seq uint64) int { return cmp.Compare(s.Seq, seq) })
}

// deliveredHook notes how attempts to deliver ended.
func (m *Machine) deliveredHook(c *command.Delivered) command.Result {
	h := m.hook(c.Namespace, c.Name)
	if h == nil || h.doc == nil {
		return *refuse(command.CodeNotFound, "no webhook %q in namespace %q", c.Name, c.Namespace)
	}
	for i := range c.Attempts {
		m.attempted(h, &c.Attempts[i])
	}
	if c.Disable != "" && c.Version == h.doc.Version {
		h.disabled = c.Disable
	}
	m.hookChanged(h)
	return command.Result{}
}

// attempted notes one attempt, unless the event is settled, or was tried as
// often before: a leader that got no answer tells of it again.
func (m *Machine) attempted(h *hook, a *command.DeliveryAttempt) {
	if a.Seq < h.first || a.Seq >= h.next {
		return
	}
	at, found := h.slot(a.Seq)
	if found && (h.slots[at].Done || a.End == command.DeliveryFailed && h.slots[at].Tries >= a.Attempt) {
		return
	}
	m.spend()
	m.sink.Put(hookLogKey(m.shard, h.namespace, h.name, h.logged%hookLog), a.Append(nil))
	h.logged++
	switch a.End {
	case command.DeliveryDone:
		h.delivered++
	case command.DeliveryGivenUp:
		h.givenUp++
	default:
		if !found {
			h.slots = slices.Insert(h.slots, at, command.OutboxSlot{Seq: a.Seq})
		}
		h.slots[at].Tries = a.Attempt
		return
	}
	m.sink.Delete(OutboxKey(m.shard, h.namespace, h.name, a.Seq))
	h.settled(a.Seq)
}

// pingHook puts an event into a webhook's outbox that only tells that it works.
func (m *Machine) pingHook(c *command.PingWebhook) command.Result {
	h := m.hook(c.Namespace, c.Name)
	switch {
	case h == nil || h.doc == nil:
		return *refuse(command.CodeNotFound, "no webhook %q in namespace %q", c.Name, c.Namespace)
	case h.disabled != "" || h.doc.Attributes.Paused:
		return *refuse(command.CodeConflict, "webhook %q is stopped; put it again as active first", c.Name)
	}
	id := m.fence()
	m.post(h, &Outgoing{Index: id.Index, N: pingN + id.Ord, Time: m.now, Ping: true, Move: Move{Namespace: c.Namespace}})
	return command.Result{}
}

// hookOf is the machine's document of a webhook.
func (m *Machine) hookOf(namespace, name string) *command.Document {
	return m.catalog.Get(catalog.Key{Kind: command.KindWebhook, Namespace: namespace, Name: name}).Newest()
}
