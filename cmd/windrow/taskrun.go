package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func taskRun(a *app) *cobra.Command {
	var flags callFlags
	var logs, raw bool
	var local localRun
	cmd := &cobra.Command{
		Use:   "run MODULE.TASK | --local FILE",
		Short: "Submit a task, wait for it and print its result",
		Long: `Submit a task, wait for its end and print its result as JSON. MODULE alone
means MODULE.main, the task of a command module. On a terminal it shows meanwhile
how far the task says it is. Exits with 1 and the error's type and message where
the task does not succeed. Interrupted, it leaves the task alone.

With --local, make one attempt at a task of a .wasm file on this machine: checked,
compiled and shielded as on a node, but there is no node, nothing is kept and
nothing is tried again.`,
		Example: `  windrow task run sums --input '[1, 2, 3]'
  windrow task run mail.render --arg '"Ada"' --kwarg draft=true
  windrow task run log-etl --raw @access.log --timeout 30s --logs
  cat big.json | windrow task run sums --input - --retry 3 -o json
  windrow task run --local hello.wasm --task greet --input '{"name": "you"}' --logs`,
		Args:              want(0, 1),
		ValidArgsFunction: a.completeFirst(callNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case local.file != "":
				local.logs, local.raw = logs, raw
				return a.taskRunLocal(cmd, &local, &flags, args)
			case local.task != "":
				return usagef("--task goes with --local; without it name the task as MODULE.TASK")
			case len(args) == 0:
				return usagef("something is missing; want `%s`", cmd.UseLine())
			}
			call, err := flags.call(args[0], cmd.Flags(), a.in)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.Submit(cmd.Context(), call)
			if err != nil {
				return err
			}
			return a.await(cmd.Context(), c, s.ID, logs, raw)
		},
	}
	a.addCallFlags(cmd, &flags)
	addAwaitFlags(cmd, &logs, &raw)
	cmd.Flags().StringVar(&local.file, "local", "", "run a task of this `FILE` here, with no node")
	cmd.Flags().StringVar(&local.task, "task", "", "with --local, the `TASK` of the module (default its only one)")
	return cmd
}

func (a *app) addCallFlags(cmd *cobra.Command, flags *callFlags) {
	flags.add(cmd)
	a.completeFlag(cmd, "queue", queueNames)
	a.completeFlag(cmd, "pool", poolNames)
}

func addAwaitFlags(cmd *cobra.Command, logs, raw *bool) {
	cmd.Flags().BoolVar(logs, "logs", false, "print the task's log to stderr while it runs")
	cmd.Flags().BoolVarP(raw, "raw-output", "r", false, "print a result that is a string as it is, without quotes")
}

func taskWait(a *app) *cobra.Command {
	var logs, raw bool
	cmd := &cobra.Command{
		Use:               "wait ID",
		Short:             "Wait for a task and print its result, as task run does",
		Example:           "  id=$(windrow task submit sums --input '[1, 2]')\n  windrow task wait $id",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(taskIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.await(cmd.Context(), c, args[0], logs, raw)
		},
	}
	addAwaitFlags(cmd, &logs, &raw)
	return cmd
}

// logTime is how long the log may go on after the task has ended.
const logTime = 5 * time.Second

// await waits for a task's end and prints what it came to.
func (a *app) await(ctx context.Context, c *windrow.Client, id string, logs, raw bool) error {
	finish := a.watch(ctx, c, id, logs)
	t, err := c.Wait(ctx, id)
	finish()
	if err != nil {
		return &waitError{id: id, err: err}
	}
	if a.json() {
		if err := a.printJSON(t); err != nil {
			return err
		}
	} else if t.State == wire.StateSuccess {
		return a.printResult(t.Result, raw)
	}
	if t.State == wire.StateSuccess {
		return nil
	}
	failed := &taskFailed{id: t.ID, state: t.State}
	if t.Error != nil {
		failed.kind, failed.message = t.Error.Type, t.Error.Message
	}
	return failed
}

// settle waits for what watches a task that has ended, but not for long.
func (a *app) settle(work *sync.WaitGroup, cancel context.CancelFunc) {
	late := time.AfterFunc(logTime, cancel)
	work.Wait()
	late.Stop()
	cancel()
}

// waitError is a wait that ended before its task or run did.
type waitError struct {
	id  string
	run bool
	err error
}

func (e *waitError) Error() string { return e.err.Error() }
func (e *waitError) Unwrap() error { return e.err }

func taskSubmit(a *app) *cobra.Command {
	var flags callFlags
	var batch string
	cmd := &cobra.Command{
		Use:   "submit MODULE.TASK | --batch FILE",
		Short: "Submit a task, or many, and print the id",
		Long: `Submit a task and print its id at once. MODULE alone means MODULE.main.

With --batch, submit a file of calls, one JSON object a line with the fields of
the API's call, and print the ids in that order. Up to 10,000 calls are
accepted all or none; more are sent in batches of 10,000.`,
		Example: `  windrow task submit sums --input '[1, 2, 3]' --countdown 10m
  windrow task submit --batch calls.ndjson
  echo '{"task": "sums.main", "input": [1, 2]}' | windrow task submit --batch -`,
		Args:              want(0, 1),
		ValidArgsFunction: a.completeFirst(callNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case batch != "" && len(args) > 0:
				return usagef("a task and --batch exclude each other; the calls of the batch name their tasks")
			case batch != "":
				return a.submitBatch(cmd, batch, flags.idempotencyKey)
			case len(args) == 0:
				return usagef("want a task, MODULE.TASK, or --batch FILE")
			}
			call, err := flags.call(args[0], cmd.Flags(), a.in)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			s, err := c.Submit(cmd.Context(), call)
			if err != nil {
				return err
			}
			return a.say(s, "%s", s.ID)
		},
	}
	cmd.Flags().StringVar(&batch, "batch", "", "`FILE` with one call a line (NDJSON), - for standard input")
	a.addCallFlags(cmd, &flags)
	return cmd
}

func (a *app) submitBatch(cmd *cobra.Command, file, key string) error {
	var wrong error
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "batch" && f.Name != "idempotency-key" && wrong == nil {
			wrong = usagef("--%s and --batch exclude each other; write it into the calls", f.Name)
		}
	})
	if wrong != nil {
		return wrong
	}
	calls, err := readCalls(file, a.in)
	if err != nil {
		return err
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	var options []windrow.SubmitOption
	if key != "" {
		options = append(options, windrow.IdempotencyKey(key))
	}
	ids, err := c.SubmitBatch(cmd.Context(), calls, options...)
	var partly *windrow.BatchError
	if err != nil && !errors.As(err, &partly) {
		return err
	}
	if a.json() {
		if perr := a.printJSON(wire.Batch{IDs: ids}); perr != nil {
			return perr
		}
		return err
	}
	out := bufio.NewWriter(a.out)
	for _, id := range ids {
		fmt.Fprintln(out, id)
	}
	return errors.Join(out.Flush(), err)
}

// lineLimit bounds one call of a batch: the largest input, escaped.
const lineLimit = 256 << 20

// readCalls reads a call a line; empty lines are passed over.
func readCalls(file string, stdin io.Reader) ([]windrow.Call, error) {
	r := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usagef("--batch: %w", err)
		}
		defer f.Close()
		r = f
	}
	var calls []windrow.Call
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), lineLimit)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var call windrow.Call
		if err := call.UnmarshalJSON(line); err != nil {
			return nil, usagef("--batch %s, line %d: %w", file, n, err)
		}
		calls = append(calls, call)
	}
	if err := lines.Err(); err != nil {
		return nil, usagef("--batch %s: %w", file, err)
	}
	if len(calls) == 0 {
		return nil, usagef("--batch %s holds no call; want one JSON object a line", file)
	}
	return calls, nil
}
