package state

import (
	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
)

// A worker's document bounds the credit that it asks for: Paused gives none,
// Slots that much at the most. It outlives the session.

// workerSettings are what is said of a worker, by its name.
func (m *Machine) workerSettings(name string) command.Attributes {
	d := m.catalog.Get(catalog.Key{Kind: command.KindWorker, Name: name}).Newest()
	if d == nil {
		return command.Attributes{}
	}
	return d.Attributes
}

// grant gives a session what it asked for, as far as its worker may have it.
func (m *Machine) grant(s *session) {
	a := m.workerSettings(s.worker)
	s.Running, s.Prefetch = s.running, s.prefetch
	switch {
	case a.Paused:
		s.Running, s.Prefetch = 0, 0
	case a.Slots > 0 && a.Slots < s.running:
		s.Running, s.Prefetch = a.Slots, 0 // the worker itself would begin what waits there
	}
}

// steerWorker lets a worker's settings take effect. What it may not keep and has
// not begun it is asked to give back.
func (m *Machine) steerWorker(name string) {
	s := m.workers[name]
	if s == nil {
		return
	}
	m.grant(s)
	m.ready.Update(&s.Session)
	m.dirty.sessions[s] = true
	if s.Outstanding <= s.Running+s.Prefetch {
		return
	}
	for t := s.head; t != nil; t = t.asg.next {
		m.spend()
		m.effects.Kills = append(m.effects.Kills, Kill{Session: s.id, Fence: t.asg.fence, ID: t.id})
	}
}
