package lead

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

const (
	// firstAsk is the least time between two questions of a schedule for its
	// next tick. With each that was not answered it doubles, up to longAsk.
	firstAsk = int64(100 * time.Millisecond)
	longAsk  = int64(10 * time.Minute)
)

// dueAsk is when a schedule whose ticks a task says wants something.
func (p *planned) dueAsk(now int64) int64 {
	switch v := &p.view; {
	case v.Paused || p.fault != nil:
		return math.MaxInt64
	case v.Next != 0:
		return v.Next
	case !v.Wants || v.Asking:
		return math.MaxInt64
	case v.Asked.IsZero():
		return max(p.askAt, now)
	}
	return now
}

// ask is the one command that such a schedule wants: its tick, the question for
// the next one, or the answer.
func (p *planned) ask(now int64, runs Runs) command.Command {
	v := &p.view
	switch {
	case v.Next != 0:
		f := &command.Fire{Namespace: v.Namespace, Name: v.Name, Version: v.Version, Expected: v.Next, Tick: v.Next, Run: newRunID()}
		f.Meta = calendar.Stamp(p.meta, v.Name, f.Tick)
		return f
	case v.Asked.IsZero():
		p.askAt = now + min(firstAsk<<min(p.asks, 20), longAsk)
		p.asks++
		return &command.AskTick{Namespace: v.Namespace, Name: v.Name, Version: v.Version, Run: newRunID(),
			Meta: calendar.Stamp(p.askMeta, v.Name, 0), Payload: p.question(now)}
	}
	c := &command.SetTick{Namespace: v.Namespace, Name: v.Name, Run: v.Asked}
	var err error
	if c.Next, err = answer(v, runs); err != nil {
		c.Fault = err.Error()
	} else {
		p.asks = 0
	}
	return c
}

// question is what the task is given.
func (p *planned) question(now int64) []byte {
	q := struct {
		Schedule string     `json:"schedule"`
		LastTick *time.Time `json:"last_tick"`
		Now      time.Time  `json:"now"`
	}{Schedule: p.view.Name, Now: time.Unix(0, now).UTC()}
	if p.view.LastTick != 0 {
		last := time.Unix(0, p.view.LastTick).UTC()
		q.LastTick = &last
	}
	payload := p.payload
	payload.Input, _ = json.Marshal(&q) // times and texts always have a JSON form
	return payload.Append(nil)
}

// answer reads what the task has said: a time, or null for none any more.
func answer(v *workflow.ScheduleView, runs Runs) (int64, error) {
	r, ok, err := runs.Run(v.Namespace, v.Asked)
	switch {
	case err != nil:
		return 0, fmt.Errorf("read run %s: %w", v.Asked, err)
	case !ok:
		return 0, fmt.Errorf("run %s, which was to say when it is due, is gone", v.Asked)
	case r.State != workflow.Success:
		return 0, fmt.Errorf("run %s, which was to say when it is due, ended with %s", v.Asked, r.State)
	}
	raw, err := runs.RunResult(v.Namespace, v.Asked)
	if err != nil {
		return 0, fmt.Errorf("read the result of run %s: %w", v.Asked, err)
	}
	var text *string
	if err := json.Unmarshal(raw.JSON, &text); err != nil {
		return 0, fmt.Errorf("run %s said neither a time nor null", v.Asked)
	}
	if text == nil {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil || t.Year() < 1970 || t.Year() >= 2262 {
		return 0, fmt.Errorf("run %s said %.60q, which is no time such as 2027-01-31T09:00:00Z", v.Asked, *text)
	}
	return max(t.UnixNano(), 1), nil
}

// newAsked reads a schedule whose ticks a task says.
func (p *planned) newAsked(v *workflow.ScheduleView) error {
	ask, err := command.DecodePlan(v.Ask)
	if err != nil {
		return err
	}
	if len(ask.Part.Nodes) != 1 {
		return fmt.Errorf("%d tasks are to say when it is due", len(ask.Part.Nodes))
	}
	p.asked, p.askMeta = true, ask.Meta
	p.payload, err = queue.DecodePayload(ask.Part.Nodes[0].Call.Payload)
	p.payload.Args, p.payload.Kwargs, p.payload.Blob = nil, nil, ""
	return err
}
