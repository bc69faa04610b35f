package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func scheduleCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "schedule",
		Short: "Run tasks and canvases by the clock",
		Example: `  windrow schedule put nightly report --cron '0 2 * * *' --timezone Europe/Berlin
  windrow schedule apply schedules.json
  windrow schedule list`,
	})
	cmd.AddCommand(
		scheduleApply(a),
		schedulePut(a),
		scheduleList(a),
		scheduleShow(a),
		scheduleVerb(a, "pause", "Let nothing more of a schedule begin; its runs go on", "is paused", (*windrow.Client).PauseSchedule),
		scheduleVerb(a, "resume", "Go on with a paused schedule", "goes on", (*windrow.Client).ResumeSchedule),
		scheduleTrigger(a),
		scheduleRemove(a),
	)
	return cmd
}

func scheduleNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Schedules(ctx), func(s wire.Schedule) []string { return []string{s.Name} })
}

func scheduleList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List schedules and when they are due next",
		Example: "  windrow schedule list",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NAME", "WHEN", "WHAT", "NEXT", "LAST", ">FIRED", ">SKIPPED", ">MISSED", "STATE")
			return showList(a, c.Schedules(cmd.Context()), 0, t, func(s wire.Schedule) []string {
				when, what := summary(&s)
				return []string{s.Name, short(when, 40), short(what, 40), a.nextFire(&s), ago(a.now(), s.LastTick.Time),
					fmt.Sprint(s.Fired), fmt.Sprint(s.Skipped), fmt.Sprint(s.Missed), scheduleState(&s)}
			})
		},
	}
}

func (a *app) nextFire(s *wire.Schedule) string {
	if len(s.NextFires) == 0 {
		return ""
	}
	return ago(a.now(), s.NextFires[0].Time)
}

func scheduleState(s *wire.Schedule) string {
	switch {
	case s.Paused:
		return "paused"
	case s.LastError != "":
		return "failing"
	case len(s.NextFires) == 0:
		return "over"
	}
	return "on"
}

// summary says in short when a schedule is due and what it runs. What another
// version of windrow has added to a definition is passed over.
func summary(s *wire.Schedule) (when, what string) {
	var d struct {
		Cron, Timezone, Task string
		Every                *wire.Duration
		At                   []string
		Solar                *wire.Solar
		Next                 struct{ Task string }
		Canvas               map[string]json.RawMessage
	}
	if json.Unmarshal(s.Definition, &d) != nil {
		return "", ""
	}
	switch {
	case d.Cron != "":
		when = strings.TrimSpace(d.Cron + " " + d.Timezone)
	case d.Every != nil:
		when = "every " + d.Every.String()
	case d.Next.Task != "":
		when = "as " + d.Next.Task + " says"
	case len(d.At) == 1:
		when = "at " + d.At[0]
	case len(d.At) > 1:
		when = fmt.Sprintf("at %d times", len(d.At))
	case d.Solar != nil:
		when = fmt.Sprintf("%s %g %g", d.Solar.Event, d.Solar.Latitude, d.Solar.Longitude)
	}
	what = d.Task
	for kind := range d.Canvas {
		if kind != "labels" && kind != "link" && kind != "link_error" {
			what = kind
		}
	}
	return when, what
}

func (a *app) scheduleFields(f *fields, s *wire.Schedule) {
	when, what := summary(s)
	f.add("Name", s.Name)
	f.add("State", scheduleState(s))
	f.add("When", when)
	f.add("What", what)
	var next []string
	for _, t := range s.NextFires {
		next = append(next, fmt.Sprintf("%s (%s)", t.UTC().Format("2006-01-02 15:04:05 MST"), ago(a.now(), t.Time)))
	}
	f.add("Next", strings.Join(next, "\n"))
	f.add("Last tick", ago(a.now(), s.LastTick.Time))
	f.add("Last run", s.LastRun)
	f.add("Waits", ago(a.now(), s.Buffered.Time))
	f.add("Fired", fmt.Sprint(s.Fired))
	f.add("Skipped", fmt.Sprint(s.Skipped))
	f.add("Missed", fmt.Sprint(s.Missed))
	f.add("Failed", fmt.Sprint(s.Failed))
	f.add("Last error", s.LastError)
	if s.Version > 0 {
		f.add("Version", fmt.Sprint(s.Version))
	}
	f.add("Definition", string(s.Definition))
}

func scheduleShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show SCHEDULE",
		Short:             "Show a schedule, with its next ticks",
		Example:           "  windrow schedule show nightly",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(scheduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.Schedule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(s, func(f *fields) { a.scheduleFields(f, s) })
		},
	}
}

// scheduleVerb is a command that does one thing to a schedule.
func scheduleVerb(a *app, verb, about, done string, do func(*windrow.Client, context.Context, string) (*windrow.Schedule, error)) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " SCHEDULE",
		Short:             about,
		Example:           "  windrow schedule " + verb + " nightly",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(scheduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := do(c, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.say(s, "schedule %s %s%s", s.Name, done, a.dueNext(s))
		},
	}
}

func (a *app) dueNext(s *wire.Schedule) string {
	if next := a.nextFire(s); next != "" {
		return ", due " + next
	}
	return ""
}

func scheduleTrigger(a *app) *cobra.Command {
	var wait, raw bool
	cmd := &cobra.Command{
		Use:   "trigger SCHEDULE",
		Short: "Begin a run of a schedule now",
		Long: `Begin a run of a schedule now, also of one that is paused, and print the run's id.
Where the schedule's overlap is skip or buffer and a run of it goes on, it is
refused.`,
		Example:           "  windrow schedule trigger nightly\n  windrow schedule trigger nightly --wait",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(scheduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.TriggerSchedule(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if wait {
				return a.awaitRun(cmd.Context(), c, s.ID, raw)
			}
			return a.say(s, "%s", s.ID)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the run's end and print its result")
	cmd.Flags().BoolVarP(&raw, "raw-output", "r", false, "print a result that is a string as it is, without quotes")
	return cmd
}

func scheduleRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove SCHEDULE",
		Short:             "Remove a schedule; its runs go on",
		Example:           "  windrow schedule remove nightly",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(scheduleNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RemoveSchedule(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.removed(args[0], "schedule "+args[0])
		},
	}
}
