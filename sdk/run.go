package windrow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// TaskError says that a task ended otherwise than with success.
type TaskError struct{ Task *Task }

// Error names the task and what became of it.
func (e *TaskError) Error() string {
	s := fmt.Sprintf("task %s (%s): %s", e.Task.ID, e.Task.Task, e.Task.State)
	if e.Task.Error != nil {
		s += ": " + e.Task.Error.Type
		if e.Task.Error.Message != "" {
			s += ": " + e.Task.Error.Message
		}
	}
	return s
}

// FailedWith reports whether err is a task's failure with this error type,
// such as "timeout" or a name that the guest gave.
func FailedWith(err error, kind string) bool {
	var e *TaskError
	return errors.As(err, &e) && e.Task.Error != nil && e.Task.Error.Type == kind
}

// Run submits a call, waits for its end and reads its result as a T. A task
// that did not succeed is a *TaskError.
func Run[T any](ctx context.Context, c *Client, call Call, options ...SubmitOption) (T, error) {
	t, err := c.SubmitWait(ctx, call, options...)
	if err != nil {
		var zero T
		return zero, err
	}
	return Result[T](t)
}

// Result reads the result of a task that has ended as a T.
func Result[T any](t *Task) (T, error) {
	var value T
	if t.State != wire.StateSuccess {
		return value, &TaskError{Task: t}
	}
	if len(t.Result) == 0 {
		return value, nil
	}
	if err := json.Unmarshal(t.Result, &value); err != nil {
		return value, fmt.Errorf("the result of task %s is no %T: %w", t.ID, value, err)
	}
	return value, nil
}
