package state

import (
	"fmt"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Outgoing is an event in a webhook's outbox.
type Outgoing struct {
	Index uint64 // its id is INDEX-N, as that of the same event elsewhere
	N     uint32
	Time  int64 // T
	Ping  bool  // it tells of nothing
	Move
}

// pingN is where the numbers of those events begin that are in outboxes only.
const pingN = 1 << 31

// TypePing is the type of an event that only tells that a webhook works.
const TypePing = "webhook.test"

// Type is the event's type as users see it.
func (o *Outgoing) Type() string {
	if o.Ping {
		return TypePing
	}
	return o.Move.Type()
}

// Type is the transition's type as users see it: "task.failure", "run.success".
func (mv *Move) Type() string {
	switch {
	case mv.Schedule != 0:
		return "schedule." + mv.Schedule.String()
	case mv.Run:
		return "run." + mv.RunState().String()
	}
	return "task." + mv.To.String()
}

// RunState is the state of the run that a transition tells of in a task's.
func (mv *Move) RunState() workflow.RunState {
	switch mv.To {
	case queue.Success:
		return workflow.Success
	case queue.Failure:
		return workflow.Failed
	case queue.Revoked:
		return workflow.Cancelled
	default:
		return workflow.Running
	}
}

func (o *Outgoing) append(dst []byte) []byte {
	w := command.NewWriter(dst)
	w.Uint(o.Index)
	w.Uint(uint64(o.N))
	w.Int(o.Time)
	w.ID(o.ID)
	w.String(o.Namespace)
	w.String(o.Queue)
	w.String(o.Task)
	w.Byte(byte(o.To))
	w.Uint(uint64(o.Attempt))
	w.String(o.Error)
	w.Byte(byte(o.Schedule))
	w.Bool(o.InRun)
	w.Bool(o.Run)
	w.Bool(o.Ping)
	return w.Done()
}

// DecodeOutgoing reads an event of an outbox.
func DecodeOutgoing(b []byte) (Outgoing, error) {
	r := command.NewReader(b)
	o := Outgoing{Index: r.Uint(), N: r.Uint32(), Time: r.Int()}
	o.ID, o.Namespace, o.Queue, o.Task = r.ID(), r.String(), r.String(), r.String()
	o.To, o.Attempt, o.Error, o.Schedule = queue.State(r.Byte()), r.Uint32(), r.String(), ScheduleEvent(r.Byte())
	o.InRun, o.Run, o.Ping = r.Bool(), r.Bool(), r.Bool()
	return o, r.Err("event of an outbox")
}

// Outboxes tells where the webhooks stand, in no certain order.
func (m *Machine) Outboxes() []command.Outbox {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []command.Outbox
	for _, list := range m.hooks { // order: the caller's matter
		for _, h := range list {
			if h.doc != nil {
				out = append(out, h.view())
			}
		}
	}
	return out
}

// Outbox tells where one webhook stands.
func (m *Machine) Outbox(namespace, name string) (command.Outbox, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	h := m.hook(namespace, name)
	if h == nil || h.doc == nil {
		return command.Outbox{}, false
	}
	return h.view(), true
}

func (h *hook) view() command.Outbox {
	return command.Outbox{
		Namespace: h.namespace, Name: h.name, Version: h.doc.Version, Paused: h.doc.Attributes.Paused, Disabled: h.disabled,
		First: h.first, Next: h.next, Slots: append([]command.OutboxSlot(nil), h.slots...),
		Pending: h.pending(), Delivered: h.delivered, GivenUp: h.givenUp, Dropped: h.dropped,
	}
}

func (h *hook) record() []byte {
	w := command.NewWriter(nil)
	for _, n := range h.numbers() {
		w.Uint(*n)
	}
	w.String(h.disabled)
	w.Uint(uint64(len(h.slots)))
	for _, s := range h.slots {
		w.Uint(s.Seq)
		w.Uint(uint64(s.Tries))
		w.Bool(s.Done)
	}
	return w.Done()
}

// numbers are those of its record, in order.
func (h *hook) numbers() []*uint64 {
	return []*uint64{&h.first, &h.next, &h.delivered, &h.givenUp, &h.dropped, &h.logged, &h.low, &h.trash, &h.order}
}

func (m *Machine) loadHook(key, v []byte) error {
	names, _, ok := namesOf(key, 2)
	if !ok {
		return fmt.Errorf("%w: webhook key", command.ErrDamaged)
	}
	h := &hook{namespace: names[0], name: names[1], doc: m.hookOf(names[0], names[1])}
	r := command.NewReader(v)
	for _, n := range h.numbers() {
		*n = r.Uint()
	}
	h.disabled = r.String()
	for range r.Count(3) {
		s := command.OutboxSlot{Seq: r.Uint(), Tries: r.Uint32(), Done: r.Bool()}
		if h.slots = append(h.slots, s); s.Done {
			h.done++
		}
	}
	if h.order != 0 {
		m.work.add(h)
	}
	m.addHook(h)
	return r.Err("webhook")
}
