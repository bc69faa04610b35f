package state

import (
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// purge is a queue's purge on its way through the tasks in the order of
// acceptance. It looks at each once, and at what it must leave too within the
// budget: a queue may hold any number of tasks that run or are dead.
type purge struct {
	list  *taskList
	next  *task  // to be looked at; nil at the end, and while nothing is purged
	done  uint64 // Seq of the last one looked at
	to    uint64 // Seq of the last one to look at; 0: nothing is purged
	order uint64 // among the jobs
}

func (p *purge) place() uint64 { return p.order }

// purge revokes what waits in a queue now, in steps.
func (m *Machine) purge(c *command.Purge) command.Result {
	l := m.queues[queueName{c.Namespace, c.Queue}]
	if l == nil || l.head == nil {
		return command.Result{}
	}
	p := &l.purge
	if p.to == 0 {
		p.order = m.nextJob()
	}
	p.next, p.done, p.to = l.head, 0, m.seq
	m.LineChanged(m.ready.Line(l.namespace, l.name))
	m.work.add(p)
	return command.Result{}
}

// step implements job.
func (p *purge) step(m *Machine) bool {
	for p.next != nil && p.next.Seq <= p.to && m.budget > 0 {
		t := p.next
		p.next, p.done = t.next, t.Seq
		m.spend()
		if t.asg == nil && t.state != queue.Deferred && t.flags&(flagDead|flagStaged) == 0 {
			m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
		}
	}
	m.LineChanged(m.ready.Line(p.list.namespace, p.list.name))
	if p.next != nil && p.next.Seq <= p.to {
		return false
	}
	p.next, p.done, p.to = nil, 0, 0
	return true
}

// load finds the place of a stored purge again.
func (p *purge) load() {
	p.next = p.list.head
	for p.next != nil && p.next.Seq <= p.done {
		p.next = p.next.next
	}
}
