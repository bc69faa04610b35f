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
	m.revokeTask(t, c.Terminate)
	return command.Result{}
}

// revokeMany revokes those of the tasks that have not ended.
func (m *Machine) revokeMany(c *command.RevokeMany) command.Result {
	var out command.Result
	for i, id := range c.IDs {
		t := m.tasks[id]
		if t == nil || t.spec.Namespace != c.Namespace || t.flags&flagDead != 0 || t.hidden() {
			out.Refused = append(out.Refused, uint32(i))
			continue
		}
		m.spend()
		m.revokeTask(t, c.Terminate)
	}
	return out
}

// revokeTask revokes a task that has not ended.
func (m *Machine) revokeTask(t *task, terminate bool) {
	if t.asg == nil {
		if t.extra != nil && t.extra.stage != nil {
			t.flags |= flagRevoked
			m.dirty.task(t)
			return
		}
		if t.state == queue.Deferred {
			m.dropDeferral(t)
		}
		m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
		return
	}
	t.flags |= flagRevoked
	if terminate {
		t.flags |= flagTerminate
	}
	m.dirty.task(t)
	m.effects.Kills = append(m.effects.Kills, Kill{Session: t.asg.session.id, Fence: t.asg.fence, ID: t.id, Terminate: terminate})
}
