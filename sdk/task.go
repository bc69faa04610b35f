package windrow

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// waitStep is how long one request of Wait lets the server hold its answer.
const waitStep = 30 * time.Second

// SubmitOption changes one submission.
type SubmitOption func(*request)

// IdempotencyKey submits under a key of the caller's, so that the same
// submission by another process, or after a crash, makes no second task for 24
// hours. It beats the call's own field.
func IdempotencyKey(key string) SubmitOption {
	return func(r *request) { r.key = key }
}

// Submit asks for one task and returns once it is stored for good, not when it
// has run.
func (c *Client) Submit(ctx context.Context, call Call, options ...SubmitOption) (*Submitted, error) {
	var s Submitted
	if err := c.submit(ctx, call, 0, &s, options); err != nil {
		return nil, err
	}
	return &s, nil
}

// SubmitWait asks for one task and returns it when it has ended, however it
// did; Task.State and Task.Error say how. Where ctx ends before, the task goes
// on all the same.
func (c *Client) SubmitWait(ctx context.Context, call Call, options ...SubmitOption) (*Task, error) {
	var t Task
	if err := c.submit(ctx, call, waitStep, &t, options); err != nil {
		return nil, err
	}
	if wire.Final(t.State) {
		return &t, nil
	}
	return c.Wait(ctx, t.ID)
}

func (c *Client) submit(ctx context.Context, call Call, wait time.Duration, out any, options []SubmitOption) error {
	// The header beats the field, so a key in the field must be in the header,
	// too, where the client would put one of its own.
	r := &request{method: http.MethodPost, path: "/tasks", wait: wait, key: call.IdempotencyKey}
	for _, o := range options {
		o(r)
	}
	var err error
	if r.body, err = jsonBody(call); err != nil {
		return err
	}
	_, err = c.do(ctx, r, out)
	return err
}

// Task gives a task as it stands now.
func (c *Client) Task(ctx context.Context, id string) (*Task, error) {
	return c.task(ctx, id, 0)
}

// TaskWithin gives a task when it has ended, or as it stands once wait has
// passed.
func (c *Client) TaskWithin(ctx context.Context, id string, wait time.Duration) (*Task, error) {
	end := time.Now().Add(wait)
	for {
		step := min(waitStep, max(time.Until(end), 0))
		t, err := c.task(ctx, id, step)
		if err != nil || wire.Final(t.State) || !time.Now().Before(end) {
			return t, err
		}
	}
}

// Wait gives a task when it has ended, however long that takes. It outlives a
// change of leader and the restart of a node.
func (c *Client) Wait(ctx context.Context, id string) (*Task, error) {
	for {
		t, err := c.task(ctx, id, waitStep)
		if err != nil || wire.Final(t.State) {
			return t, err
		}
	}
}

func (c *Client) task(ctx context.Context, id string, wait time.Duration) (*Task, error) {
	var t Task
	r := &request{method: http.MethodGet, path: "/tasks/" + escape(id), wait: wait}
	if _, err := c.do(ctx, r, &t); err != nil {
		return nil, err
	}
	return &t, nil
}

// TaskFilter picks tasks for a list; what is zero picks all.
type TaskFilter struct {
	States       []string
	Task         string // "MODULE.TASK", or "MODULE." for all of a module
	Queue        string
	Worker       string            // that has a task, or had it last
	Labels       map[string]string // that a task has, all of them
	Since, Until time.Time         // bounds of the acceptance, [Since, Until)
	// PageSize is how many a request asks for; the server's choice where 0.
	PageSize int
}

func (f *TaskFilter) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("state", strings.Join(f.States, ","))
	set("task", f.Task)
	set("queue", f.Queue)
	set("worker", f.Worker)
	for name, value := range f.Labels {
		q.Add("label", name+"="+value)
	}
	if !f.Since.IsZero() {
		set("since", Time{Time: f.Since}.String())
	}
	if !f.Until.IsZero() {
		set("until", Time{Time: f.Until}.String())
	}
	if f.PageSize > 0 {
		set("limit", strconv.Itoa(f.PageSize))
	}
	return q
}

// Tasks lists tasks, newest first, fetching pages as they are needed. After an
// error it yields nothing more.
func (c *Client) Tasks(ctx context.Context, filter TaskFilter) iter.Seq2[Task, error] {
	return list[Task](ctx, c, "/tasks", filter.query())
}

// Revoke ends a task that waits; with terminate also one that runs, which then
// may take a moment to end.
func (c *Client) Revoke(ctx context.Context, id string, terminate bool) (*Submitted, error) {
	return exchange[Submitted](ctx, c, http.MethodPost, "/tasks/"+escape(id)+"/revoke", wire.Revoke{Terminate: terminate})
}

// RevokeMany says which tasks to revoke.
type RevokeMany = wire.RevokeMany

// RevokeAll revokes all tasks that are found, and goes on while the server
// leaves some; it tells how many there were. With a limit it asks once.
func (c *Client) RevokeAll(ctx context.Context, which RevokeMany) (int, error) {
	sum := 0
	for {
		part, err := exchange[wire.RevokedMany](ctx, c, http.MethodPost, "/tasks/revoke", which)
		if err != nil {
			return sum, err
		}
		sum += part.Revoked
		if !part.More || which.Limit > 0 || part.Revoked == 0 {
			return sum, nil
		}
	}
}

// LogOptions pick a part of a task's log.
type LogOptions struct {
	Follow  bool   // go on until the task has ended
	Attempt uint32 // only this attempt's; 0 is all, in their order
}

// Logs gives the text that a task's attempts have written to their log. The
// caller closes it. With Follow it outlives the loss of a server and goes on
// where it was; [Client.Follow] tells more.
func (c *Client) Logs(ctx context.Context, id string, options LogOptions) (io.ReadCloser, error) {
	if options.Follow {
		return c.followText(ctx, id, options)
	}
	a, err := c.send(ctx, logRequest(id, options))
	if err != nil {
		return nil, err
	}
	return a.stream, nil
}

func logRequest(id string, options LogOptions) *request {
	r := &request{method: http.MethodGet, path: "/tasks/" + escape(id) + "/logs", query: url.Values{}, stream: true}
	if options.Follow {
		r.query.Set("follow", "true")
		r.accept = "text/event-stream"
	}
	if options.Attempt > 0 {
		r.query.Set("attempt", strconv.FormatUint(uint64(options.Attempt), 10))
	}
	return r
}
