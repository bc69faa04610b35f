package main

import "github.com/windrow-dev/windrow/workflow"

// Schedules implements api.Schedules.
func (n *node) Schedules(namespace string) []workflow.ScheduleView {
	return n.replica.Machine().Schedules(namespace)
}

// Schedule implements api.Schedules.
func (n *node) Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool) {
	return n.replica.Machine().Schedule(name)
}
