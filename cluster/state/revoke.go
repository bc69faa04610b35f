package state

import (
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// revoke ends a task that waits. One that is assigned is dropped by its worker
// if it has not begun; with Terminate it is stopped even if it runs, and what
// the worker then reports decides.
func (m *Machine) revoke(c *command.Revoke) command.Result {
	t := m.tasks[c.ID]
	if t == nil || t.spec.Namespace != c.Namespace || t.flags&flagStaged != 0 && !t.extra.stage.accepted {
		return *refuse(command.CodeNotFound, "no unfinished task %s", c.ID)
	}
	if t.flags&flagDead != 0 {
		return *refuse(command.CodeEnded, "task %s has ended", c.ID)
	}
	if t.asg == nil {
		if t.extra != nil && t.extra.stage != nil {
			t.flags |= flagRevoked
			m.dirty.task(t)
			return command.Result{}
		}
		m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
		return command.Result{}
	}
	t.flags |= flagRevoked
	if c.Terminate {
		t.flags |= flagTerminate
	}
	m.dirty.task(t)
	m.effects.Kills = append(m.effects.Kills, Kill{Session: t.asg.session.id, Fence: t.asg.fence, ID: t.id, Terminate: c.Terminate})
	return command.Result{}
}

// purge revokes what waits in a queue now, in steps.
func (m *Machine) purge(c *command.Purge) command.Result {
	l := m.queueList(c.Namespace, c.Queue)
	if l.purgeTo == 0 {
		l.order = m.nextJob()
	}
	l.purgeTo = m.seq
	m.LineChanged(m.ready.Line(c.Namespace, c.Queue))
	m.work.add(l)
	return command.Result{}
}

func (l *taskList) place() uint64 { return l.order }

// step implements job: it goes through the queue in the order of acceptance.
func (l *taskList) step(m *Machine) bool {
	t := l.head
	for t != nil && t.Seq <= l.purgeTo && m.budget > 0 {
		next := t.next
		if t.asg == nil && t.flags&(flagDead|flagStaged) == 0 {
			m.spend()
			m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
		}
		t = next
	}
	if t != nil && t.Seq <= l.purgeTo {
		return false
	}
	l.purgeTo = 0
	m.LineChanged(m.ready.Line(l.namespace, l.name))
	return true
}
