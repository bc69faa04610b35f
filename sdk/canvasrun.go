package windrow

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

type (
	// CanvasRun is a canvas that was submitted, as a server knows it.
	CanvasRun = wire.Run
	// RunTask is a task of a run.
	RunTask = wire.RunTask
	// Started is a run that was accepted, or steered.
	Started = wire.Started
)

// RunError says that a run ended otherwise than with success.
type RunError struct{ Run *CanvasRun }

// Error names the run, what became of it and the first cause.
func (e *RunError) Error() string {
	s := fmt.Sprintf("run %s (%s): %s", e.Run.ID, e.Run.Kind, e.Run.State)
	if e.Run.Error != nil {
		s += ": " + e.Run.Error.Type
		if e.Run.Error.Message != "" {
			s += ": " + e.Run.Error.Message
		}
	}
	return s
}

// Canvas submits a canvas and returns once all of it is stored for good, not
// when it has run.
func (c *Client) Canvas(ctx context.Context, canvas Canvas, options ...SubmitOption) (*Started, error) {
	var s Started
	if err := c.canvas(ctx, canvas, 0, &s, options); err != nil {
		return nil, err
	}
	return &s, nil
}

// CanvasWait submits a canvas and returns its run when that has ended, however
// it did; [RunResult] reads the result. Where ctx ends before, the run goes on
// all the same.
func (c *Client) CanvasWait(ctx context.Context, canvas Canvas, options ...SubmitOption) (*CanvasRun, error) {
	var r CanvasRun
	if err := c.canvas(ctx, canvas, waitStep, &r, options); err != nil {
		return nil, err
	}
	if wire.RunFinal(r.State) {
		return &r, nil
	}
	return c.WaitRun(ctx, r.ID)
}

func (c *Client) canvas(ctx context.Context, canvas Canvas, wait time.Duration, out any, options []SubmitOption) error {
	r := &request{method: http.MethodPost, path: "/canvas", wait: wait}
	if canvas.Call != nil {
		r.key = canvas.Call.IdempotencyKey
	}
	for _, o := range options {
		o(r)
	}
	var err error
	if r.body, err = jsonBody(canvas); err != nil {
		return err
	}
	r.slow = r.body.size > expectContinue
	_, err = c.do(ctx, r, out)
	return err
}

// RunResult reads the result of a run that has ended as a T. One that did not
// succeed is a *RunError.
func RunResult[T any](r *CanvasRun) (T, error) {
	var value T
	if r.State != wire.RunSuccess {
		return value, &RunError{Run: r}
	}
	if len(r.Result) == 0 {
		return value, nil
	}
	if err := json.Unmarshal(r.Result, &value); err != nil {
		return value, fmt.Errorf("the result of run %s is no %T: %w", r.ID, value, err)
	}
	return value, nil
}

// GetRun gives a run as it stands now.
func (c *Client) GetRun(ctx context.Context, id string) (*CanvasRun, error) {
	return c.getRun(ctx, id, 0)
}

// RunWithin gives a run when it has ended, or as it stands once wait has
// passed.
func (c *Client) RunWithin(ctx context.Context, id string, wait time.Duration) (*CanvasRun, error) {
	end := time.Now().Add(wait)
	for {
		step := min(waitStep, max(time.Until(end), 0))
		r, err := c.getRun(ctx, id, step)
		if err != nil || wire.RunFinal(r.State) || !time.Now().Before(end) {
			return r, err
		}
	}
}

// WaitRun gives a run when it has ended, however long that takes. It outlives a
// change of leader and the restart of a node.
func (c *Client) WaitRun(ctx context.Context, id string) (*CanvasRun, error) {
	for {
		r, err := c.getRun(ctx, id, waitStep)
		if err != nil || wire.RunFinal(r.State) {
			return r, err
		}
	}
}

func (c *Client) getRun(ctx context.Context, id string, wait time.Duration) (*CanvasRun, error) {
	var run CanvasRun
	r := &request{method: http.MethodGet, path: "/runs/" + escape(id), wait: wait}
	if _, err := c.do(ctx, r, &run); err != nil {
		return nil, err
	}
	return &run, nil
}

// RunFilter picks runs for a list; what is zero picks all.
type RunFilter struct {
	States       []string
	Kind         string    // "task", "chain", "group", "chord", "map", "starmap" or "chunks"
	Since, Until time.Time // bounds of the acceptance, [Since, Until)
	// PageSize is how many a request asks for; the server's choice where 0.
	PageSize int
}

func (f *RunFilter) query() url.Values {
	q := url.Values{}
	if len(f.States) > 0 {
		q.Set("state", strings.Join(f.States, ","))
	}
	if f.Kind != "" {
		q.Set("kind", f.Kind)
	}
	if !f.Since.IsZero() {
		q.Set("since", Time{Time: f.Since}.String())
	}
	if !f.Until.IsZero() {
		q.Set("until", Time{Time: f.Until}.String())
	}
	if f.PageSize > 0 {
		q.Set("limit", strconv.Itoa(f.PageSize))
	}
	return q
}

// Runs lists runs, newest first, fetching pages as they are needed. After an
// error it yields nothing more.
func (c *Client) Runs(ctx context.Context, filter RunFilter) iter.Seq2[CanvasRun, error] {
	return list[CanvasRun](ctx, c, "/runs", filter.query())
}

// RunTasks lists the tasks of a run in the order of its canvas, those of maps
// one by one.
func (c *Client) RunTasks(ctx context.Context, id string) iter.Seq2[RunTask, error] {
	return list[RunTask](ctx, c, "/runs/"+escape(id)+"/tasks", nil)
}

// CancelRun ends a run: what waits of it never begins, what runs is stopped.
func (c *Client) CancelRun(ctx context.Context, id string) (*Started, error) {
	return c.steerRun(ctx, id, "cancel")
}

// PauseRun lets nothing more of a run begin; what has begun goes on to its end.
func (c *Client) PauseRun(ctx context.Context, id string) (*Started, error) {
	return c.steerRun(ctx, id, "pause")
}

// ResumeRun is the inverse of PauseRun.
func (c *Client) ResumeRun(ctx context.Context, id string) (*Started, error) {
	return c.steerRun(ctx, id, "resume")
}

func (c *Client) steerRun(ctx context.Context, id, verb string) (*Started, error) {
	return exchange[Started](ctx, c, http.MethodPost, "/runs/"+escape(id)+"/"+verb, nil)
}
