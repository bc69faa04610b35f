package main

import "fmt"

// Outline is a course cut into lessons.
type Outline struct {
	Title   string   `json:"title"`
	Minutes int      `json:"minutes"`
	Modules []Module `json:"modules" windrow:"min=1"`
}

// Module is a part of the course with its lessons.
type Module struct {
	ID       string   `json:"id"`
	Number   int      `json:"number,omitempty"` // its place, once the order is known
	Title    string   `json:"title"`
	Requires []string `json:"requires,omitempty"`
	Minutes  int      `json:"minutes"`
	Lessons  []Lesson `json:"lessons"`
}

// Lesson is taught in one go.
type Lesson struct {
	ID      string `json:"id"` // the module's and a number
	Title   string `json:"title"`
	Kind    Kind   `json:"kind"`
	Minutes int    `json:"minutes"`
}

// outline cuts topics into lessons of at most longest minutes.
func outline(s *Syllabus, longest int) *Outline {
	o := &Outline{Title: s.Title, Modules: make([]Module, 0, len(s.Modules))}
	for _, u := range s.Modules {
		m := Module{ID: u.ID, Title: u.Title, Requires: u.Requires}
		for _, t := range u.Topics {
			m.Minutes += t.Minutes
			m.teach(t, longest)
		}
		o.Minutes += m.Minutes
		o.Modules = append(o.Modules, m)
	}
	return o
}

// teach adds a topic's lessons: as few as fit, of nearly equal length.
func (m *Module) teach(t Topic, longest int) {
	parts := 1
	if t.Kind == Lecture {
		parts = (t.Minutes + longest - 1) / longest
	}
	for i := range parts {
		l := Lesson{ID: fmt.Sprintf("%s.%d", m.ID, len(m.Lessons)+1), Title: t.Title, Kind: t.Kind}
		l.Minutes = t.Minutes/parts + min(1, max(0, t.Minutes%parts-i))
		if parts > 1 {
			l.Title = fmt.Sprintf("%s (%d of %d)", t.Title, i+1, parts)
		}
		m.Lessons = append(m.Lessons, l)
	}
}
