package api

import (
	"encoding/json"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

// Schedules reads schedules as Tasks reads tasks.
type Schedules interface {
	// Schedules lists those of a namespace by name.
	Schedules(namespace string) []workflow.ScheduleView
	Schedule(name workflow.ScheduleName) (workflow.ScheduleView, bool)
}

// nextShown is how many ticks to come an answer shows.
const nextShown = 5

// scheduleOf writes a schedule as clients see it.
func scheduleOf(v *workflow.ScheduleView) wire.Schedule {
	out := wire.Schedule{Name: v.Name, Version: v.Version, Definition: v.Body, Paused: v.Paused, NextFires: []wire.Time{},
		LastTick: timeAt(v.LastTick), Buffered: timeAt(v.Buffered), Fired: v.Fired, Skipped: v.Skipped, Missed: v.Missed, Failed: v.Failed,
		LastError: v.LastError, UpdatedAt: timeAt(v.CreatedAt)}
	if !v.LastRun.IsZero() {
		out.LastRun = v.LastRun.String()
	}
	if len(v.Ask) > 0 && v.Next != 0 && !v.Paused {
		out.NextFires = append(out.NextFires, timeAt(v.Next))
	} else if rule, _, ok := ruleOf(v); ok && v.Next != 0 && !v.Paused {
		for _, t := range rule.Upcoming(time.Unix(0, v.Next-1), nextShown) {
			out.NextFires = append(out.NextFires, wire.Time{Time: t.UTC()})
		}
	}
	return out
}

// ruleOf reads a schedule's rule, which was read before it was put.
func ruleOf(v *workflow.ScheduleView) (rule calendar.Schedule, d calendar.Definition, ok bool) {
	if json.Unmarshal(v.Body, &d) != nil {
		return rule, d, false
	}
	rule, err := calendar.Parse(d.Rule)
	return rule, d, err == nil
}

func (s *Server) scheduleAsked(c *fiber.Ctx) (namespace, name string, err error) {
	if namespace, err = namespaceOf(c); err != nil {
		return "", "", err
	}
	name, err = nameOf(c, "schedule", isLine)
	return namespace, name, err
}

// listSchedules shows all schedules of a namespace, by name.
func (s *Server) listSchedules(c *fiber.Ctx) error {
	return listOf(s, c, s.node.Schedules, func(v *workflow.ScheduleView) (string, wire.Schedule) { return v.Name, scheduleOf(v) })
}

// getSchedule shows one.
func (s *Server) getSchedule(c *fiber.Ctx) error {
	namespace, name, err := s.scheduleAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	return s.sendSchedule(c, fiber.StatusOK, namespace, name)
}

func (s *Server) sendSchedule(c *fiber.Ctx, status int, namespace, name string) error {
	v, err := s.scheduleHere(namespace, name)
	if err != nil {
		return err
	}
	out := scheduleOf(&v)
	return sendJSON(c, status, &out)
}

func (s *Server) scheduleHere(namespace, name string) (workflow.ScheduleView, error) {
	v, ok := s.node.Schedule(workflow.ScheduleName{Namespace: namespace, Name: name})
	if !ok {
		return v, refuse(wire.CodeNotFound, "no schedule %q is in namespace %q; make it with PUT /v1/schedules/%s", name, namespace, name)
	}
	return v, nil
}

// deleteSchedule removes a schedule. Its runs go on.
func (s *Server) deleteSchedule(c *fiber.Ctx) error {
	namespace, name, err := s.scheduleAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, _, err := s.propose(c, ctx, &command.DeleteDocument{Kind: command.KindSchedule, Namespace: namespace, Name: name}); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

func (s *Server) pauseSchedule(c *fiber.Ctx) error  { return s.steerSchedule(c, "pause", true) }
func (s *Server) resumeSchedule(c *fiber.Ctx) error { return s.steerSchedule(c, "resume", false) }

// steerSchedule pauses a schedule or lets it go on: with the next tick to come,
// or where all ticks are made up for with the first of the pause.
func (s *Server) steerSchedule(c *fiber.Ctx, verb string, pause bool) error {
	namespace, name, err := s.scheduleAsked(c)
	if err != nil {
		return err
	}
	idem, err := s.bare(c, "schedules/"+name+"/"+verb)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	steer := &command.SteerSchedule{Namespace: namespace, Name: name, Pause: pause, Idem: idem}
	for range changeTries {
		if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
			return err
		}
		v, err := s.scheduleHere(namespace, name)
		if err != nil {
			return err
		}
		steer.Keep = len(v.Ask) > 0 // the task has said the next one
		if rule, d, ok := ruleOf(&v); ok && !pause {
			steer.Keep, _, _ = d.Policy()
			d.Catchup = false
			steer.Next = d.First(rule, time.Now().UnixNano(), v.LastTick)
		}
		r, index, err := s.node.Propose(ctx, steer)
		if err != nil {
			return err
		}
		s.tellIndex(c, index)
		s.caughtUp(ctx, index)
		if r.Code == command.CodeConflict {
			continue
		}
		if err := refused(&r); err != nil {
			return err
		}
		markReplayed(c, r.Replayed)
		return s.sendSchedule(c, fiber.StatusOK, namespace, name)
	}
	return refuse(wire.CodeConflict, "others change schedule %q at the same time; try again", name)
}

// triggerSchedule begins a run now.
func (s *Server) triggerSchedule(c *fiber.Ctx) error {
	namespace, name, err := s.scheduleAsked(c)
	if err != nil {
		return err
	}
	idem, err := s.bare(c, "schedules/"+name+"/trigger")
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
		return err
	}
	v, err := s.scheduleHere(namespace, name)
	if err != nil {
		return err
	}
	run, err := command.DecodePlan(v.Plan)
	if err != nil {
		return err
	}
	id := s.ids.next().Run()
	r, index, err := s.propose(c, ctx, &command.Fire{Namespace: namespace, Name: name, Manual: true, Run: id, Meta: calendar.Stamp(run.Meta, name, 0), Idem: idem})
	if err != nil {
		return err
	}
	s.caughtUp(ctx, index)
	if r.Replayed && len(r.IDs) > 0 {
		id = r.IDs[0]
	}
	return sendJSON(c, fiber.StatusAccepted, &wire.Started{ID: id.String(), Kind: run.Kind, State: workflow.Running.String()})
}
