package lead

import (
	"context"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// Children makes runs of what attempts ask for.
type Children interface {
	// Compile makes a run of a child of a task. What is the canvas's fault is the
	// failed error; err is anything else, after which the worker reports again.
	Compile(ctx context.Context, parent *queue.View, c *queue.Child) (run command.NewRun, failed *queue.Error, err error)
}

// errTooLarge is how an attempt fails that asks for more than fits one command,
// in which its children begin with its acceptance or not at all.
const errTooLarge = "canvas_too_large"

// compile makes runs of what the results ask for. Results that ask for nothing
// stay as they are; those that cannot have it now are left out.
func (t *term) compile(ctx context.Context, results []command.TaskResult) (out []command.TaskResult, later []queue.Fence, err error) {
	if !slices.ContainsFunc(results, func(r command.TaskResult) bool { return len(r.Outcome.Children) > 0 }) {
		return results, nil, nil
	}
	out = make([]command.TaskResult, 0, len(results)) // the caller's stay as they are: it may have to report them again
	for _, r := range results {
		if len(r.Outcome.Children) > 0 {
			err := t.compileOne(ctx, &r)
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			if err != nil {
				t.log.Warn("take what a task asks for; trying again", "task_id", r.ID.String(), "error", err)
				later = append(later, r.Fence)
				continue
			}
		}
		out = append(out, r)
	}
	return out, later, nil
}

func (t *term) compileOne(ctx context.Context, r *command.TaskResult) error {
	children := r.Outcome.Children
	r.Outcome.Children = nil
	parent, ok := t.cfg.Machine.Task(r.ID)
	if !ok || parent.Fence != r.Fence {
		return nil // it will be refused
	}
	size, count := 0, 0
	for i := range children {
		run, failed, err := t.cfg.Children.Compile(ctx, &parent, &children[i])
		if err != nil {
			return fmt.Errorf("make a run of a task's child: %w", err)
		}
		if failed == nil {
			size += len(run.Meta) + len(run.Part.Append(nil))
			if count += weight(&run); count > command.MaxSubmit || size > command.MaxCommand {
				failed = TooLarge()
			}
		}
		if failed != nil {
			fail(r, failed)
			return nil
		}
		r.Runs = append(r.Runs, run)
	}
	return nil
}

// TooLarge is the error of an attempt that asks for more than one command holds.
func TooLarge() *queue.Error {
	return &queue.Error{Type: errTooLarge, Message: fmt.Sprintf("what an attempt spawns begins in one step, which takes %d tasks, items and joins and %d KiB; map over fewer items or submit it from outside", command.MaxSubmit, command.MaxCommand>>10)}
}

// weight is what a run counts among those of one command.
func weight(r *command.NewRun) int {
	n := len(r.Part.Nodes)
	for i := range r.Part.Items {
		n += len(r.Part.Items[i].Values)
	}
	return n
}

// fail makes a failure of an attempt that ended well, but for what it asked for.
func fail(r *command.TaskResult, e *queue.Error) {
	o := &r.Outcome
	o.OK, o.Error, o.Result, o.Blob, o.Defer = false, e, nil, "", nil
	r.Runs = nil
}

// cut takes from the front what fits one command.
func cut(results []command.TaskResult) (first, rest []command.TaskResult) {
	count, size := 0, 0
	for i := range results {
		for k := range results[i].Runs {
			count += weight(&results[i].Runs[k])
			size += len(results[i].Runs[k].Part.Append(nil))
		}
		if i > 0 && (count > command.MaxSubmit || size > command.MaxCommand) {
			return results[:i], results[i:]
		}
	}
	return results, nil
}
