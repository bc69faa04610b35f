package state

import (
	"cmp"
	"slices"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
)

const (
	// maxQueues bounds the queues of a namespace, maxAllQueues those of all.
	maxQueues    = 10_000
	maxAllQueues = 100_000
	// idleTTL is how long a queue without tasks and settings is known: long
	// enough for those who watch its counts, and not to be made anew for each
	// task.
	idleTTL = int64(3600e9)
)

func newIdle() heap.Heap[*taskList] {
	return heap.New(func(a, b *taskList) bool {
		if a.idleAt != b.idleAt {
			return a.idleAt < b.idleAt
		}
		return a.queueName.compare(b.queueName) < 0
	}, func(l *taskList) *int32 { return &l.pos })
}

func (n queueName) compare(o queueName) int {
	return cmp.Or(cmp.Compare(n.namespace, o.namespace), cmp.Compare(n.name, o.name))
}

// roomForQueues refuses what would make one queue too many.
func (m *Machine) roomForQueues(specs []queue.Spec) *command.Result {
	var made map[queueName]bool
	for i := range specs {
		n := queueName{specs[i].Namespace, specs[i].Queue}
		if m.queues[n] != nil || made[n] {
			continue
		}
		if m.ready.Lines(n.namespace)+len(made) >= maxQueues || len(m.queues)+len(made) >= maxAllQueues {
			return refuse(command.CodeTooManyQueues, "there is no room for queue %q: a namespace has %d queues at the most, the cluster %d; use fewer, with fairness keys in them, or wait: a queue without tasks and settings goes after an hour", n.name, maxQueues, maxAllQueues)
		}
		if made == nil {
			made = map[queueName]bool{}
		}
		made[n] = true
	}
	return nil
}

// rest notes since when neither a task nor settings name a queue, if none do.
func (m *Machine) rest(l *taskList) {
	if l.head != nil || l.idleAt != 0 || m.settled(l) {
		return
	}
	l.idleAt = max(m.now, 1)
	m.idle.Push(l)
	m.LineChanged(m.ready.Line(l.namespace, l.name))
}

// rouse is the inverse of rest.
func (m *Machine) rouse(l *taskList) {
	if l.idleAt != 0 {
		m.idle.Remove(l)
		l.idleAt = 0
		m.LineChanged(m.ready.Line(l.namespace, l.name))
	}
}

// settled reports whether a queue has settings.
func (m *Machine) settled(l *taskList) bool {
	return m.catalog.Get(catalog.Key{Kind: command.KindQueue, Namespace: l.namespace, Name: l.name}).Newest() != nil
}

// dropIdle forgets, within the budget, queues that have been idle for long. It
// wakes nobody.
func (m *Machine) dropIdle() {
	for m.budget > 0 && m.idle.Len() > 0 && satAdd(m.idle.Top().idleAt, idleTTL) <= m.now {
		l := m.idle.Top()
		m.spend()
		m.idle.Remove(l)
		l.idleAt = 0
		if l.purge.to != 0 { // on its way still
			m.rest(l)
			continue
		}
		line := m.ready.Line(l.namespace, l.name)
		m.timers.rates = slices.DeleteFunc(m.timers.rates, func(r rateTimer) bool { return r.line == line })
		m.ready.Drop(line)
		delete(m.queues, l.queueName)
	}
}

// loadIdle lists the idle queues again.
func (m *Machine) loadIdle() {
	for _, n := range m.queueNames() {
		if l := m.queues[n]; l.idleAt != 0 {
			m.idle.Push(l)
		}
	}
}
