package windrow

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/windrow-dev/windrow/sdk/wire"
)

type (
	// Schedule is a schedule as a server knows it.
	Schedule = wire.Schedule
	// ScheduleDefinition says when a schedule is due and what it runs then.
	ScheduleDefinition = wire.ScheduleDefinition
	// Solar is an event of the sun at a place, for a schedule.
	Solar = wire.Solar
)

// Schedules lists the schedules by name.
func (c *Client) Schedules(ctx context.Context) iter.Seq2[Schedule, error] {
	return list[Schedule](ctx, c, "/schedules", nil)
}

// Schedule describes one schedule.
func (c *Client) Schedule(ctx context.Context, name string) (*Schedule, error) {
	return exchange[Schedule](ctx, c, http.MethodGet, "/schedules/"+escape(name), nil)
}

// PutSchedule makes a schedule, or changes one: its counts and its pause stay.
// The definition that it has already changes nothing.
func (c *Client) PutSchedule(ctx context.Context, name string, d ScheduleDefinition) (*Schedule, error) {
	return exchange[Schedule](ctx, c, http.MethodPut, "/schedules/"+escape(name), d)
}

// CheckSchedule is PutSchedule that keeps nothing: it tells of faults, and shows
// the ticks to come.
func (c *Client) CheckSchedule(ctx context.Context, name string, d ScheduleDefinition) (*Schedule, error) {
	r := &request{method: http.MethodPut, path: "/schedules/" + escape(name), query: url.Values{"dry_run": {"true"}}}
	var err error
	if r.body, err = jsonBody(d); err != nil {
		return nil, err
	}
	out := new(Schedule)
	if _, err := c.do(ctx, r, out); err != nil {
		return nil, err
	}
	return out, nil
}

// PauseSchedule lets nothing more of a schedule begin; its runs go on.
func (c *Client) PauseSchedule(ctx context.Context, name string) (*Schedule, error) {
	return exchange[Schedule](ctx, c, http.MethodPost, "/schedules/"+escape(name)+"/pause", nil)
}

// ResumeSchedule is the inverse of PauseSchedule.
func (c *Client) ResumeSchedule(ctx context.Context, name string) (*Schedule, error) {
	return exchange[Schedule](ctx, c, http.MethodPost, "/schedules/"+escape(name)+"/resume", nil)
}

// TriggerSchedule begins a run of a schedule now.
func (c *Client) TriggerSchedule(ctx context.Context, name string) (*Started, error) {
	return exchange[Started](ctx, c, http.MethodPost, "/schedules/"+escape(name)+"/trigger", nil)
}

// RemoveSchedule removes a schedule; its runs go on.
func (c *Client) RemoveSchedule(ctx context.Context, name string) error {
	_, err := c.do(ctx, &request{method: http.MethodDelete, path: "/schedules/" + escape(name)}, nil)
	return err
}
