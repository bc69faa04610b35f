package lead

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Runs reads what deferred tasks wait for.
type Runs interface {
	// Awaits are the runs that a deferred task waits for.
	Awaits(task queue.ID) ([]queue.ID, error)
	Run(namespace string, id queue.ID) (workflow.View, bool, error)
	// RunResult is the result of a run that ended by success.
	RunResult(namespace string, id queue.ID) (workflow.Result, error)
}

// Values keeps what is too large for a command.
type Values interface {
	// Ensure returns once a majority of servers has a value that this one has.
	Ensure(ctx context.Context, digest string) error
}

// decider ends the tasks that runs replace. Apply does not see results, so it
// leaves them to whoever leads; a decision that comes twice is refused.
type decider struct {
	cfg  *Config
	log  *slog.Logger
	wake chan struct{}
}

const (
	// firstRetry is the rest after a round in which something failed; it doubles
	// up to longRetry.
	firstRetry = 100 * time.Millisecond
	longRetry  = 10 * time.Second
	// Bounds of the decisions of one entry.
	decisions    = 64
	decisionSize = 128 << 10
)

func newDecider(cfg *Config, log *slog.Logger) *decider {
	d := &decider{cfg: cfg, log: log, wake: make(chan struct{}, 1)}
	d.wakeUp() // for what the leader before has left
	return d
}

func (d *decider) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *decider) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for rest := firstRetry; ; {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		if d.round(ctx) {
			rest = firstRetry
			timer.Reset(time.Hour)
			continue
		}
		timer.Reset(rest)
		rest = min(2*rest, longRetry)
	}
}

// round decides all that waits, and reports whether all went well. One task that
// cannot be decided keeps none of the others waiting.
func (d *decider) round(ctx context.Context) (well bool) {
	well = true
	var cmds []command.Command
	size := 0
	for _, v := range d.cfg.Machine.Deciding() {
		c, err := d.decision(ctx, &v)
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			d.log.Warn("decide how a replaced task ends; trying again", "task_id", v.ID.String(), "error", err)
			well = false
			continue
		}
		cmds = append(cmds, c)
		if size += len(c.Outcome.Result) + 256; len(cmds) < decisions && size < decisionSize {
			continue
		}
		well = d.propose(ctx, cmds) && well
		cmds, size = nil, 0
	}
	return d.propose(ctx, cmds) && well
}

func (d *decider) propose(ctx context.Context, cmds []command.Command) bool {
	if len(cmds) == 0 {
		return true
	}
	// A refusal says that somebody else was faster: a leader before, or a revoke.
	_, err := d.cfg.Proposer.Propose(ctx, cmds...)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("propose how replaced tasks end; trying again", "tasks", len(cmds), "error", err)
	}
	return err == nil
}

// decision reads what a task has waited for.
func (d *decider) decision(ctx context.Context, v *queue.View) (*command.Decide, error) {
	c := &command.Decide{ID: v.ID, Resumes: v.Resumes}
	runs, err := d.cfg.Runs.Awaits(v.ID)
	if err != nil {
		return nil, err
	}
	if len(runs) != 1 {
		return nil, fmt.Errorf("it is replaced by %d runs", len(runs))
	}
	run, ok, err := d.cfg.Runs.Run(v.Spec.Namespace, runs[0])
	switch {
	case err != nil:
		return nil, err
	case !ok:
		c.Outcome.Error = dependency(runs[0], "is no longer kept", nil)
	case run.State == workflow.Success:
		return c, d.succeed(ctx, c, v, runs[0])
	case run.State == workflow.Cancelled:
		c.Outcome.Error = dependency(runs[0], "was cancelled", nil)
	case run.State == workflow.Failed:
		c.Outcome.Error = dependency(runs[0], "failed", run.Error)
	default:
		return nil, fmt.Errorf("run %s, which it waits for, is %s", runs[0], run.State)
	}
	return c, nil
}

// succeed gives the task the run's result.
func (d *decider) succeed(ctx context.Context, c *command.Decide, v *queue.View, run queue.ID) error {
	c.Outcome.OK = true
	if v.Spec.IgnoreResult {
		return nil
	}
	result, err := d.cfg.Runs.RunResult(v.Spec.Namespace, run)
	switch {
	case err != nil:
		return err
	case result.TooLarge:
		c.Outcome = queue.Outcome{Error: &queue.Error{Type: queue.ErrOutputTooLarge, Message: fmt.Sprintf("the result of run %s, which replaces this task, is more than a server puts together; let its tasks give where to find what is large", run)}}
	case result.Blob != "":
		if err := d.cfg.Values.Ensure(ctx, result.Blob); err != nil {
			return fmt.Errorf("keep the result: %w", err)
		}
		c.Outcome.Blob, c.Blobs = result.Blob, []string{result.Blob}
	default:
		c.Outcome.Result = result.JSON
	}
	return nil
}

// dependency is the error of a task whose replacement has not succeeded.
func dependency(run queue.ID, how string, why *queue.Error) *queue.Error {
	e := &queue.Error{Type: queue.ErrDependency, Message: fmt.Sprintf("run %s, which replaces this task, %s", run, how)}
	if why != nil {
		e.Message += ": " + why.Type
		if why.Message != "" {
			e.Message += ": " + why.Message
		}
		e.ExitCode, e.Trace = why.ExitCode, why.Trace
	}
	return e
}
