package state

import (
	"slices"

	"github.com/windrow-dev/windrow/workflow"
)

func (m *Machine) scheduleView(s *schedule) workflow.ScheduleView {
	v := workflow.ScheduleView{ScheduleName: s.name, Version: s.doc.Version, Body: s.doc.Body, CreatedAt: s.doc.CreatedAt, Plan: s.doc.Attributes.Plan,
		Ask: s.doc.Attributes.Ask, Wants: s.wants, Asked: s.asked, Asking: m.runs[s.asked] != nil, Paused: s.paused, Next: s.next, LastTick: s.seen, LastRun: s.last,
		Fired: s.fired, Skipped: s.skipped, Missed: s.missed, Failed: s.failed, LastError: s.fault}
	if s.buffered != nil {
		v.Buffered = s.buffered.tick
	}
	return v
}

// Schedule is one schedule.
func (m *Machine) Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.schedules[name]
	if s == nil {
		return workflow.ScheduleView{}, false
	}
	return m.scheduleView(s), true
}

// Schedules lists the schedules of a namespace by name, or with "" those of all
// by namespace and name.
func (m *Machine) Schedules(namespace string) []workflow.ScheduleView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := make([]*schedule, 0, len(m.schedules))
	for _, s := range m.schedules { // order: sorted below
		if namespace == "" || s.name.Namespace == namespace {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, compareSchedules)
	out := make([]workflow.ScheduleView, len(list))
	for i, s := range list {
		out[i] = m.scheduleView(s)
	}
	return out
}
