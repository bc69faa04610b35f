package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func taskCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "task",
		Short:   "Run tasks and look at them",
		Example: "  windrow task run sums --input '[1, 2, 3]'\n  windrow task list --state failure",
	})
	cmd.AddCommand(taskRun(a), taskSubmit(a), taskWait(a), taskGet(a), taskListCommand(a), taskLogs(a), taskRevoke(a))
	return cmd
}

func taskGet(a *app) *cobra.Command {
	var wait string
	cmd := &cobra.Command{
		Use:               "get ID",
		Short:             "Show a task: its state, result or error, attempts",
		Example:           "  windrow task get 01890a5d-ac96-774b-bcce-b302099a8057\n  windrow task get 01890a5d-ac96-774b-bcce-b302099a8057 --wait 1m -o json",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(taskIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			var hold wire.Duration
			if wait != "" {
				var err error
				if hold, err = wire.ParseDuration(wait); err != nil {
					return usagef("--wait: %w", err)
				}
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.TaskWithin(cmd.Context(), args[0], hold.Std())
			if err != nil {
				return err
			}
			return a.show(t, func(f *fields) { a.taskFields(f, t) })
		},
	}
	cmd.Flags().StringVar(&wait, "wait", "", "wait for its end for a `DURATION`, such as 30s")
	return cmd
}

func (a *app) taskFields(f *fields, t *wire.Task) {
	f.add("ID", t.ID)
	f.add("Task", fmt.Sprintf("%s (version %d)", t.Task, t.Version))
	f.add("State", stateText(t))
	f.add("Queue", fmt.Sprintf("%s, priority %d", t.Queue, t.Priority))
	f.add("Created", a.moment(t.CreatedAt))
	if !wire.Final(t.State) && t.ReadyAt.After(a.now()) {
		f.add("Runs", a.moment(t.ReadyAt))
	}
	f.add("Expires", a.moment(t.ExpiresAt))
	f.add("Started", a.moment(t.StartedAt))
	f.add("Finished", a.moment(t.FinishedAt))
	f.add("Took", took(t))
	if t.Usage != nil {
		f.add("Used", usage(t.Usage))
	}
	f.add("Progress", progressText(t.Progress))
	f.add("Attempt", attemptText(t))
	f.add("Worker", t.Worker)
	for _, k := range [][2]string{{"Pool", t.Pool}, {"Unique key", t.UniqueKey}, {"Concurrency key", t.ConcurrencyKey},
		{"Fairness key", t.FairnessKey}, {"Replay of", t.ReplayOf}, {"Replayed as", t.ReplayedAs}} {
		f.add(k[0], k[1])
	}
	f.add("Labels", labels(t.Labels))
	f.add("Args", string(t.Args))
	f.add("Kwargs", string(t.Kwargs))
	f.add("Input", long(string(t.Input)))
	f.add("Result", long(string(t.Result)))
	f.add("Error", errorText(t.Error))
	if len(t.Attempts) > 1 {
		f.add("Attempts", a.attempts(t.Attempts))
	}
	if t.LogBytes > 0 {
		f.add("Log", size(t.LogBytes)+": windrow task logs "+t.ID)
	}
}

func attemptText(t *wire.Task) string {
	if t.Resumes == 0 {
		return fmt.Sprintf("%d (delivery %d)", t.Attempt, t.Delivery)
	}
	return fmt.Sprintf("%d (delivery %d, deferred %d times)", t.Attempt, t.Delivery, t.Resumes)
}

// longest is how much of a value a table of properties shows.
const longest = 2000

func long(s string) string {
	if len(s) <= longest {
		return s
	}
	return short(s, longest) + " (" + size(int64(len(s))) + "; -o json shows all)"
}

func stateText(t *wire.Task) string {
	s := t.State
	if t.Dead {
		s += ", dead-lettered"
	}
	if t.WaitsFor != "" {
		s += ", waits for " + t.WaitsFor
	}
	return s
}

func errorText(e *wire.Error) string {
	if e == nil {
		return ""
	}
	s := e.Type
	if e.Type == "exit_code" && e.ExitCode != 0 {
		s += fmt.Sprintf(" %d", e.ExitCode)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Trace != "" {
		s += "\n" + strings.TrimRight(e.Trace, "\n")
	}
	return s
}

func took(t *wire.Task) string {
	if t.StartedAt.IsZero() || t.FinishedAt.IsZero() || t.FinishedAt.Before(t.StartedAt.Time) {
		return ""
	}
	return span(t.FinishedAt.Sub(t.StartedAt.Time))
}

func usage(u *wire.Usage) string {
	return fmt.Sprintf("%s CPU, %s memory", span(time.Duration(u.CPUMS*float64(time.Millisecond))), size(u.MemoryBytes))
}

func labels(m map[string]string) string {
	list := make([]string, 0, len(m))
	for k, v := range m {
		list = append(list, k+"="+v)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func (a *app) attempts(list []wire.Attempt) string {
	lines := make([]string, len(list))
	for i, t := range list {
		end := "success"
		if t.Error != nil {
			end = short(clean(errorText(t.Error)), 80)
		}
		lines[i] = fmt.Sprintf("%d  %s  %s", t.Number, ago(a.now(), t.FinishedAt.Time), end)
	}
	return strings.Join(lines, "\n")
}

// moment shows a time as it stands, with how long ago that is.
func (a *app) moment(t wire.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000 UTC") + " (" + ago(a.now(), t.Time) + ")"
}

func taskListCommand(a *app) *cobra.Command {
	var filter windrow.TaskFilter
	var since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tasks, newest first",
		Example: `  windrow task list --state failure --since 1h
  windrow task list --task sums. --queue default
  windrow task list --limit 0 -o json`,
		Args: want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if filter.Since, err = parseMoment("since", since, a.now()); err != nil {
				return err
			}
			if filter.Until, err = parseMoment("until", until, a.now()); err != nil {
				return err
			}
			for _, s := range filter.States {
				if !slices.Contains(taskStates, s) {
					return usagef("--state %s: want one of %s", s, strings.Join(taskStates, ", "))
				}
			}
			if limit < 0 {
				return usagef("--limit %d: want a number of tasks, or 0 for all", limit)
			}
			if limit > 0 {
				filter.PageSize = min(limit+1, 1000)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("ID", "TASK", "STATE", "QUEUE", ">ATTEMPT", "CREATED", ">TOOK", "ERROR")
			return showList(a, c.Tasks(cmd.Context(), filter), limit, t, a.taskRow)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&filter.States, "state", nil, "only these `STATES`; several may be given")
	f.StringVar(&filter.Task, "task", "", "only this `TASK`, MODULE.TASK, or MODULE. for all of a module's")
	f.StringVar(&filter.Queue, "queue", "", "only this `QUEUE`")
	f.StringVar(&filter.Worker, "worker", "", "only what this `NODE` has, or had last")
	f.StringToStringVar(&filter.Labels, "label", nil, "only with this label, `NAME=VALUE`; repeat it for more")
	f.Lookup("label").DefValue = ""
	f.StringVar(&since, "since", "", "created since a `TIME`, or since a duration ago, such as 1h")
	f.StringVar(&until, "until", "", "created before a `TIME`, or before a duration ago")
	f.IntVar(&limit, "limit", 50, "`N` at most, 0 for all")
	complete(cmd, "state", taskStates...)
	a.completeFlag(cmd, "task", callNames)
	a.completeFlag(cmd, "queue", queueNames)
	return cmd
}

var taskStates = []string{wire.StatePending, wire.StateReceived, wire.StateStarted, wire.StateRetry, wire.StateSuccess,
	wire.StateFailure, wire.StateRevoked, wire.StateSkipped, wire.StateUpstreamFailed, wire.StateDeferred, wire.StateRemoved}

func (a *app) taskRow(t wire.Task) []string {
	state := t.State
	if t.Dead {
		state += " (dead)"
	}
	return []string{t.ID, cmp.Or(t.Shadow, t.Task), state, t.Queue, fmt.Sprint(t.Attempt), ago(a.now(), t.CreatedAt.Time), took(&t),
		short(clean(errorText(t.Error)), 60)}
}

func taskLogs(a *app) *cobra.Command {
	var options windrow.LogOptions
	cmd := &cobra.Command{
		Use:               "logs ID",
		Short:             "Print what a task wrote to its log",
		Example:           "  windrow task logs 01890a5d-ac96-774b-bcce-b302099a8057\n  windrow task logs -f 01890a5d-ac96-774b-bcce-b302099a8057",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(taskIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if options.Follow {
				w := &watched{out: a.out, terminal: a.terminal, log: true}
				return w.follow(cmd.Context(), c, args[0], options, a.errs)
			}
			r, err := c.Logs(cmd.Context(), args[0], options)
			if err != nil {
				return err
			}
			defer r.Close()
			return copyText(a.out, r, a.terminal)
		},
	}
	cmd.Flags().BoolVarP(&options.Follow, "follow", "f", false, "go on until the task has ended")
	cmd.Flags().Uint32Var(&options.Attempt, "attempt", 0, "only attempt `N` (default all)")
	return cmd
}

func taskRevoke(a *app) *cobra.Command {
	var terminate bool
	var which windrow.RevokeMany
	cmd := &cobra.Command{
		Use:   "revoke (ID… | --label NAME=VALUE… | --queue QUEUE | --task TASK)",
		Short: "End tasks that wait, or with --terminate also those that run",
		Example: `  windrow task revoke 01890a5d-ac96-774b-bcce-b302099a8057
  windrow task revoke --terminate 01890a5d-ac96-774b-bcce-b302099a8057
  windrow task revoke --label customer=4711 --state pending`,
		Args:              want(0, -1),
		ValidArgsFunction: a.ask(taskIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			many := len(which.Labels) > 0 || which.Queue != "" || which.Task != ""
			if many == (len(args) > 0) || !many && len(which.States) > 0 {
				return usagef("want either the ids of the tasks, or --label, --queue or --task")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if many {
				which.Terminate = terminate
				n, err := c.RevokeAll(cmd.Context(), which)
				if err != nil {
					return err
				}
				return a.say(wire.RevokedMany{Revoked: n}, "%d tasks revoked", n)
			}
			return a.each(cmd.Context(), args, func(ctx context.Context, id string) error {
				s, err := c.Revoke(ctx, id, terminate)
				if err != nil {
					return err
				}
				return a.say(s, "task %s: %s", s.ID, s.State)
			})
		},
	}
	f := cmd.Flags()
	f.StringToStringVar(&which.Labels, "label", nil, "all with this label, `NAME=VALUE`; repeat it for more")
	f.Lookup("label").DefValue = ""
	f.StringVar(&which.Queue, "queue", "", "all of this `QUEUE`")
	f.StringVar(&which.Task, "task", "", "all calls of this `TASK`, MODULE.TASK, or MODULE for all of a module's")
	f.StringSliceVar(&which.States, "state", nil, "of them only those in these `STATES`")
	a.completeFlag(cmd, "queue", queueNames)
	a.completeFlag(cmd, "task", callNames)
	f.BoolVar(&terminate, "terminate", false, "also end it if it runs")
	return cmd
}

// each does something to each of several things, and goes on after a refusal;
// the first refusal is the outcome, the others are told at once.
func (a *app) each(ctx context.Context, ids []string, do func(context.Context, string) error) error {
	var first error
	for _, id := range ids {
		err := do(ctx, id)
		switch {
		case err == nil:
		case first == nil:
			first = err
		default:
			a.exit(ctx, err)
		}
		if windrow.IsUnreachable(err) || ctx.Err() != nil {
			break
		}
	}
	return first
}
