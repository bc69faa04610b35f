package state

import (
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// askTick begins the run that says when a schedule is next due. One that cannot
// begin is noted; the leader asks again.
func (m *Machine) askTick(c *command.AskTick) command.Result {
	s := m.schedules[workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}]
	if s == nil || s.doc.Version != c.Version || s.paused || !s.wants || !s.asked.IsZero() {
		return *refuse(command.CodeConflict, "schedule %q does not want to know when it is due", c.Name)
	}
	plan, err := command.DecodePlan(s.doc.Attributes.Ask)
	if err != nil || len(plan.Part.Nodes) != 1 {
		return *refuse(command.CodeConflict, "the task of schedule %q that says when it is due cannot be read: %v", c.Name, err)
	}
	m.scheduleChanged(s)
	plan.ID, plan.Meta = c.Run, slices.Clone(c.Meta)
	plan.Part.Nodes[0].Call.Payload = c.Payload
	if refused := m.beginPlan(s, &plan); refused != nil {
		m.faulty(s, refused)
		return command.Result{}
	}
	s.asked = c.Run
	m.asked[c.Run] = s
	return command.Result{IDs: []queue.ID{c.Run}}
}

// setTick takes what that run has said.
func (m *Machine) setTick(c *command.SetTick) command.Result {
	s := m.schedules[workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}]
	if s == nil || c.Run.IsZero() || s.asked != c.Run {
		return *refuse(command.CodeConflict, "schedule %q has not asked run %s", c.Name, c.Run)
	}
	m.unask(s)
	m.scheduleChanged(s)
	switch {
	case c.Fault != "":
		m.faulty(s, &command.Result{Code: command.CodeNextTick, Detail: c.Fault})
	case c.Next != 0 && c.Next <= s.seen:
		m.faulty(s, refuse(command.CodeNextTick, "the next tick is not after the last one"))
	default:
		s.next, s.wants = c.Next, false
	}
	return command.Result{}
}

func (m *Machine) unask(s *schedule) {
	delete(m.asked, s.asked)
	s.asked = queue.ID{}
}
