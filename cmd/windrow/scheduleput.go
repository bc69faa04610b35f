package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// whenFlags say when a schedule is due.
type whenFlags struct {
	next                        string
	cron, days, every, timezone string
	at                          []string
	start, end, jitter          string
	overlap, misfire, grace     string
	catchup, dry                bool
	canvas                      string
}

func (w *whenFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.cron, "cron", "", "due by the clock on the wall: five `FIELDS`, minute to day of week, or a name such as @daily")
	f.StringVar(&w.days, "days", "", "whether `either` of day of month and day of week is enough for --cron, or both must fit (default either)")
	f.StringVar(&w.every, "every", "", "due every `DURATION`, such as 15m")
	f.StringArrayVar(&w.at, "at", nil, "due at this `TIME`; repeat it for more")
	f.StringVar(&w.next, "next", "", "a `TASK` says when: it is given {\"schedule\", \"last_tick\", \"now\"}, and gives a time or null")
	f.StringVar(&w.timezone, "timezone", "", "IANA `NAME` of the zone of --cron (default UTC)")
	f.StringVar(&w.start, "start", "", "not due before this `TIME`")
	f.StringVar(&w.end, "end", "", "not due after this `TIME`")
	f.StringVar(&w.jitter, "jitter", "", "begin up to this `DURATION` later")
	f.StringVar(&w.overlap, "overlap", "", "`WHAT` becomes of a tick while the run before goes on: allow, skip, buffer or cancel (default allow)")
	f.StringVar(&w.misfire, "misfire", "", "which missed ticks are made up for, `WHICH`: once, skip or all (default once)")
	f.StringVar(&w.grace, "misfire-grace", "", "not for those that are older than this `DURATION`")
	f.BoolVar(&w.catchup, "catchup", false, "make up for all missed ticks, from --start on")
	f.StringVar(&w.canvas, "canvas", "", "run the canvas in this `FILE` in place of a task, - for standard input")
	f.BoolVar(&w.dry, "dry-run", false, "only check, and show when it would be due")
	complete(cmd, "days", "either", "both")
	complete(cmd, "overlap", "allow", "skip", "buffer", "cancel")
	complete(cmd, "misfire", "once", "skip", "all")
}

// definition reads the flags that say when.
func (w *whenFlags) definition() (windrow.ScheduleDefinition, error) {
	d := windrow.ScheduleDefinition{Cron: w.cron, Days: w.days, Timezone: w.timezone, Overlap: w.overlap, Misfire: w.misfire, Catchup: w.catchup}
	if w.next != "" {
		d.Next = &windrow.Call{Task: taskName(w.next)}
	}
	p := &flagParser{}
	d.Every = optional(p, "every", w.every, wire.ParseDuration)
	d.Start = optional(p, "start", w.start, wire.ParseTime)
	d.End = optional(p, "end", w.end, wire.ParseTime)
	d.Jitter = optional(p, "jitter", w.jitter, wire.ParseDuration)
	d.MisfireGrace = optional(p, "misfire-grace", w.grace, wire.ParseDuration)
	for _, text := range w.at {
		if t := optional(p, "at", text, wire.ParseTime); t != nil {
			d.At = append(d.At, *t)
		}
	}
	return d, p.err
}

func schedulePut(a *app) *cobra.Command {
	var when whenFlags
	var flags callFlags
	cmd := &cobra.Command{
		Use:   "put SCHEDULE (TASK | --canvas FILE)",
		Short: "Make or change a schedule",
		Long: `Make a schedule, or change one: then its counts and its pause stay. TASK takes all
options of task submit.`,
		Example: `  windrow schedule put nightly report --cron '0 2 * * *' --timezone Europe/Berlin --overlap skip
  windrow schedule put poll feeds.read --every 15m --jitter 1m --input '{"all": true}'
  windrow schedule put load --every 1h --canvas load.json --dry-run`,
		Args: want(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 2) == (when.canvas != "") {
				return usagef("want either a TASK or --canvas FILE")
			}
			d, err := when.definition()
			if err != nil {
				return err
			}
			if when.canvas != "" {
				canvas, err := readCanvas(when.canvas, a.in)
				if err != nil {
					return err
				}
				d.Canvas = &canvas
			} else {
				call, err := flags.call(args[1], cmd.Flags(), a.in)
				if err != nil {
					return err
				}
				d.Call = &call
			}
			return a.putSchedules(cmd.Context(), []namedSchedule{{args[0], d}}, when.dry)
		},
	}
	when.add(cmd)
	a.addCallFlags(cmd, &flags)
	return cmd
}

// namedSchedule is a definition and its name.
type namedSchedule struct {
	name string
	windrow.ScheduleDefinition
}

// putSchedules puts schedules one by one, and tells of each.
func (a *app) putSchedules(ctx context.Context, list []namedSchedule, dry bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	put, done := c.PutSchedule, "is put"
	if dry {
		put, done = c.CheckSchedule, "would do"
	}
	for _, d := range list {
		s, err := put(ctx, d.name, d.ScheduleDefinition)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", d.name, err)
		}
		if dry && !a.json() {
			if err := a.show(s, func(f *fields) { a.scheduleFields(f, s) }); err != nil {
				return err
			}
			continue
		}
		if err := a.say(s, "schedule %s %s%s", s.Name, done, a.dueNext(s)); err != nil {
			return err
		}
	}
	return nil
}

func scheduleApply(a *app) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "apply FILE…",
		Short: "Make and change the schedules that files describe",
		Long: `Make and change the schedules that files describe, - being standard input. A file
is JSON: an object with a definition for each name, as PUT /v1/schedules/{name}
takes it. What stands there already is not disturbed, so that the same files can
be applied after each change. Schedules that no file names stay as they are.`,
		Example: `  windrow schedule apply schedules.json
  echo '{"poll": {"every": "15m", "task": "feeds.read"}}' | windrow schedule apply - --dry-run`,
		Args: want(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all []namedSchedule
			for _, file := range args {
				list, err := readSchedules(file, a.in)
				if err != nil {
					return err
				}
				all = append(all, list...)
			}
			return a.putSchedules(cmd.Context(), all, dry)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only check, and show when they would be due")
	return cmd
}

// scheduleLimit bounds a file of schedules.
const scheduleLimit = 64 << 20

// readSchedules reads a file, by name.
func readSchedules(file string, stdin io.Reader) ([]namedSchedule, error) {
	r := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("%w", err)
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, scheduleLimit))
	if err != nil {
		return nil, usagef("%s: %w", file, err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, usagef(`%s: want an object with a definition for each name, such as {"poll": {"every": "15m", "task": "feeds.read"}}: %w`, file, err)
	}
	names := make([]string, 0, len(raw))
	for name := range raw {
		names = append(names, name)
	}
	slices.Sort(names)
	var list []namedSchedule
	for _, name := range names {
		var d windrow.ScheduleDefinition
		if err := wire.DecodeSchedule(raw[name], &d); err != nil {
			return nil, usagef("%s: %s: %w", file, name, err)
		}
		list = append(list, namedSchedule{name, d})
	}
	return list, nil
}
