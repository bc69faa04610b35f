// Command course-structure is a task module that makes a course of a syllabus:
// lessons of a bearable length, modules in an order that their requirements
// allow, sessions on the days of a term. Each step is a task, so that they make a
// chain; build does all of them.
package main

import (
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Cut says how to make lessons of topics.
type Cut struct {
	Longest int `json:"longest_lesson" windrow:"default=50,min=10,max=600,desc='the longest lecture, in minutes'"`
}

// OutlineInput is a syllabus and how to cut it.
type OutlineInput struct {
	Syllabus Syllabus `json:"syllabus" windrow:"arg=0"`
	Cut
}

var _ = guest.Handle("outline", func(ctx *guest.Context, in OutlineInput) (*Outline, error) {
	o := outline(&in.Syllabus, in.Longest)
	ctx.Log.Info("cut into lessons", "modules", len(o.Modules), "minutes", o.Minutes)
	return o, nil
}, guest.Description("cuts the topics of a syllabus into lessons"), guest.Timeout(10*time.Second))

var _ = guest.Handle("order", func(ctx *guest.Context, in Outline) (*Outline, error) {
	if err := order(&in); err != nil {
		return nil, guest.Fatal(err)
	}
	ctx.Log.Info("ordered", "first", in.Modules[0].ID, "last", in.Modules[len(in.Modules)-1].ID)
	return &in, nil
}, guest.Description("puts modules behind those they require"), guest.Timeout(10*time.Second))

// ScheduleInput is an outline in order and the days to teach it.
type ScheduleInput struct {
	Outline Outline `json:"outline" windrow:"arg=0"`
	Plan
}

var _ = guest.Handle("schedule", func(ctx *guest.Context, in ScheduleInput) (*Course, error) {
	c, err := schedule(&in.Outline, &in.Plan)
	if err != nil {
		return nil, guest.Fatal(err)
	}
	ctx.Log.Info("scheduled", "sessions", len(c.Sessions), "ends", c.Ends.Format(dateLayout))
	return c, nil
}, guest.Description("puts lessons into sessions"), guest.Timeout(10*time.Second))

var _ = guest.Handle("markdown", func(_ *guest.Context, in Course) (string, error) {
	return markdown(&in), nil
}, guest.Description("writes a course for people"), guest.Timeout(10*time.Second))

// BuildInput is all that the steps take.
type BuildInput struct {
	Syllabus Syllabus `json:"syllabus" windrow:"arg=0"`
	Cut
	Plan
}

var _ = guest.Handle("build", func(ctx *guest.Context, in BuildInput) (*Course, error) {
	o := outline(&in.Syllabus, in.Longest)
	if err := order(o); err != nil {
		return nil, guest.Fatal(err)
	}
	if err := ctx.Progress(guest.Steps{Done: 2, Total: 3, Note: "scheduling"}); err != nil {
		return nil, err
	}
	c, err := schedule(o, &in.Plan)
	if err != nil {
		return nil, guest.Fatal(err)
	}
	ctx.Log.Info("built", "modules", len(c.Modules), "sessions", len(c.Sessions))
	return c, nil
}, guest.Description("outline, order and schedule in one"), guest.Timeout(10*time.Second))

func main() { guest.Main() }
