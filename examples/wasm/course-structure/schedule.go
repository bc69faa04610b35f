package main

import (
	"slices"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Plan says when there are sessions.
type Plan struct {
	Start    Date      `json:"start"`
	Days     []Weekday `json:"days" windrow:"min=1,unique"`
	Minutes  int       `json:"session_minutes" windrow:"default=120,min=15,max=600"`
	Holidays []Date    `json:"holidays,omitempty"`
}

// Course is an outline with its sessions.
type Course struct {
	Outline
	Sessions []Session `json:"sessions"`
	Ends     Date      `json:"ends"`
}

// Session is a day's lessons.
type Session struct {
	Number  int      `json:"number"`
	Date    Date     `json:"date"`
	Minutes int      `json:"minutes"`
	Lessons []string `json:"lessons"` // their ids
}

// errTooLong is the error type of a lesson that no session can hold.
const errTooLong = "lesson_too_long"

// schedule puts lessons into sessions in their order, as many as fit. An exam
// has a session of its own, and reading is done at home.
func schedule(o *Outline, p *Plan) (*Course, error) {
	c := &Course{Outline: *o, Sessions: []Session{}}
	day := p.Start
	day.Time = day.AddDate(0, 0, -1)
	full := true // begin another session before the next lesson
	for _, m := range o.Modules {
		for _, l := range m.Lessons {
			if l.Kind == Reading {
				continue
			}
			if l.Minutes > p.Minutes {
				return nil, guest.Errorf(errTooLong, "lesson %s takes %d minutes, a session has %d", l.ID, l.Minutes, p.Minutes)
			}
			if full || l.Kind == Exam || c.last().Minutes+l.Minutes > p.Minutes {
				day = p.after(day)
				c.Sessions = append(c.Sessions, Session{Number: len(c.Sessions) + 1, Date: day})
			}
			s := c.last()
			s.Minutes += l.Minutes
			s.Lessons = append(s.Lessons, l.ID)
			full = l.Kind == Exam
		}
	}
	c.Ends = day
	return c, nil
}

func (c *Course) last() *Session { return &c.Sessions[len(c.Sessions)-1] }

// after is the next day with a session.
func (p *Plan) after(d Date) Date {
	for {
		d.Time = d.AddDate(0, 0, 1)
		taught := slices.Contains(p.Days, Weekday(weekdays[d.Weekday()]))
		holiday := slices.ContainsFunc(p.Holidays, func(h Date) bool { return h.Equal(d.Time) })
		if taught && !holiday {
			return d
		}
	}
}
