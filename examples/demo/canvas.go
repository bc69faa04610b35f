package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// canvas makes a course of a syllabus, each step in a sandbox of its own and
// given the result of the one before.
func (d *demo) canvas(ctx context.Context) error {
	d.say("\n5. A canvas: syllabus → lessons → order → sessions → text, one chain of four tasks")
	if err := d.pushOne(ctx, "course-structure"); err != nil {
		return err
	}
	read := func(name string) (json.RawMessage, error) {
		return os.ReadFile(filepath.Join(d.examples, "course-structure", name))
	}
	syllabus, err := read("data/syllabus.json")
	if err != nil {
		return err
	}
	plan, err := read("data/plan.json")
	if err != nil {
		return err
	}
	var run *windrow.CanvasRun
	if err := d.step("accepted, run from end to end", func() (err error) {
		run, err = d.client.CanvasWait(ctx, windrow.Chain(
			windrow.Sig(windrow.Call{Task: "course-structure.outline", Args: windrow.JSON([]any{syllabus}), Kwargs: windrow.JSON(map[string]int{"longest_lesson": 60})}),
			windrow.S("course-structure.order"),
			windrow.Sig(windrow.Call{Task: "course-structure.schedule", Args: windrow.JSON([]any{}), Kwargs: plan}),
			windrow.S("course-structure.markdown"),
		))
		return err
	}); err != nil {
		return err
	}
	for n := range 4 {
		t := run.Tasks[fmt.Sprintf("chain-%d", n)]
		d.say("     chain-%d  %-28s %-8s %37.1f ms", n, t.Task, t.State, float64(t.FinishedAt.Sub(t.StartedAt.Time).Microseconds())/1000)
	}
	text, err := windrow.RunResult[string](run)
	if err != nil {
		return err
	}
	want, err := read("expected.md")
	if err != nil {
		return err
	}
	if text != string(want) {
		return errors.New("the course is not the one expected")
	}
	d.say("  → a course of %d lines, byte for byte the one expected", lines(want))
	return nil
}

func lines(b []byte) (n int) {
	for _, c := range b {
		if c == '\n' {
			n++
		}
	}
	return n
}

// fires is how often the demo lets its schedule fire.
const fires = 3

// schedule has a task run by the clock.
func (d *demo) schedule(ctx context.Context) error {
	d.say("\n6. A schedule: the ETL twice a second, as Celery's beat would, in the cluster itself")
	every := windrow.Duration(500 * time.Millisecond)
	call := windrow.Call{Task: "log-etl.main", Stdin: "raw", Input: windrow.JSON(
		`10.0.0.1 - - [25/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 200 12 "-" "-" 0.004` + "\n")}
	if err := d.step("put, with a task that need not be there when you are", func() error {
		_, err := d.client.PutSchedule(ctx, "every-half-second", windrow.ScheduleDefinition{Every: &every, Call: &call})
		return err
	}); err != nil {
		return err
	}
	var s *windrow.Schedule
	if err := d.step(fmt.Sprintf("fired %d times, once a tick", fires), func() (err error) {
		for {
			if s, err = d.client.Schedule(ctx, "every-half-second"); err != nil || s.Fired >= fires {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
		}
	}); err != nil {
		return err
	}
	for run, err := range d.client.Runs(ctx, windrow.RunFilter{Kind: "task"}) {
		if err != nil {
			return err
		}
		d.say("     %s  %-8s  %s", run.CreatedAt.UTC().Format("15:04:05.000"), run.State, run.ID)
	}
	_, err := d.client.PauseSchedule(ctx, "every-half-second")
	return err
}
