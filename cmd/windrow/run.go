package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func runCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "run",
		Short:   "Look at runs, and stop, hold or resume them",
		Example: "  windrow run list --state failed\n  windrow run watch 01890a5d-ac96-774b-bcce-b30200000000",
	})
	cmd.AddCommand(
		runList(a),
		runShow(a),
		runWatch(a),
		runVerb(a, "cancel", "End runs: what waits never begins, what runs is stopped", (*windrow.Client).CancelRun),
		runVerb(a, "pause", "Begin nothing more of runs; what has begun goes on to its end", (*windrow.Client).PauseRun),
		runVerb(a, "resume", "Go on with paused runs", (*windrow.Client).ResumeRun),
	)
	return cmd
}

var (
	runStates = []string{wire.RunQueued, wire.RunRunning, wire.RunSuccess, wire.RunFailed, wire.RunCancelled}
	runKinds  = []string{"task", "chain", "group", "chord", "map", "starmap", "chunks"}
)

func runList(a *app) *cobra.Command {
	var filter windrow.RunFilter
	var since, until string
	var limit int
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List runs, newest first",
		Example: "  windrow run list --state failed --since 1h\n  windrow run list --kind chord --limit 0 -o json",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if filter.Since, err = parseMoment("since", since, a.now()); err != nil {
				return err
			}
			if filter.Until, err = parseMoment("until", until, a.now()); err != nil {
				return err
			}
			for _, s := range filter.States {
				if !slices.Contains(runStates, s) {
					return usagef("--state %s: want one of %s", s, strings.Join(runStates, ", "))
				}
			}
			if filter.Kind != "" && !slices.Contains(runKinds, filter.Kind) {
				return usagef("--kind %s: want one of %s", filter.Kind, strings.Join(runKinds, ", "))
			}
			if limit < 0 {
				return usagef("--limit %d: want a number of runs, or 0 for all", limit)
			}
			if limit > 0 {
				filter.PageSize = min(limit+1, 1000)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("ID", "KIND", "CALLS", "STATE", ">TASKS", "CREATED", ">TOOK", "ERROR")
			return showList(a, c.Runs(cmd.Context(), filter), limit, t, a.runRow)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&filter.States, "state", nil, "only these `STATES`; several may be given")
	f.StringVar(&filter.Kind, "kind", "", "only this `KIND`: "+strings.Join(runKinds, ", "))
	f.StringVar(&since, "since", "", "created since a `TIME`, or since a duration ago, such as 1h")
	f.StringVar(&until, "until", "", "created before a `TIME`, or before a duration ago")
	f.IntVar(&limit, "limit", 50, "`N` at most, 0 for all")
	complete(cmd, "state", runStates...)
	complete(cmd, "kind", runKinds...)
	return cmd
}

func (a *app) runRow(r windrow.CanvasRun) []string {
	return []string{r.ID, r.Kind, short(clean(strings.Join(r.Calls, ", ")), 40), runState(&r), fmt.Sprint(r.TaskCount), ago(a.now(), r.CreatedAt.Time),
		runTook(&r), short(clean(errorText(r.Error)), 60)}
}

func runState(r *windrow.CanvasRun) string {
	if r.Paused && !wire.RunFinal(r.State) {
		return r.State + ", paused"
	}
	return r.State
}

func runTook(r *windrow.CanvasRun) string {
	if r.FinishedAt.IsZero() || r.FinishedAt.Before(r.CreatedAt.Time) {
		return ""
	}
	return span(r.FinishedAt.Sub(r.CreatedAt.Time))
}

func runIDs(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Runs(ctx, windrow.RunFilter{}), func(r windrow.CanvasRun) []string { return []string{r.ID} })
}

func runShow(a *app) *cobra.Command {
	var wait string
	cmd := &cobra.Command{
		Use:               "show ID",
		Short:             "Show a run: its state, its tasks, its result",
		Example:           "  windrow run show 01890a5d-ac96-774b-bcce-b30200000000\n  windrow run show 01890a5d-ac96-774b-bcce-b30200000000 --wait 1m -o json",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(runIDs),
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
			r, err := c.RunWithin(cmd.Context(), args[0], hold.Std())
			if err != nil {
				return err
			}
			if err := a.show(r, func(f *fields) { a.runFields(f, r) }); err != nil || a.json() {
				return err
			}
			return a.runTable(cmd.Context(), c, r)
		},
	}
	cmd.Flags().StringVar(&wait, "wait", "", "wait for its end for a `DURATION`, such as 30s")
	return cmd
}

func (a *app) runFields(f *fields, r *windrow.CanvasRun) {
	f.add("ID", r.ID)
	f.add("Kind", r.Kind)
	f.add("State", runState(r))
	f.add("Tasks", fmt.Sprint(r.TaskCount))
	if r.Open > 0 {
		f.add("Open", fmt.Sprint(r.Open)+" parts of it")
	}
	f.add("Created", a.moment(r.CreatedAt))
	f.add("Finished", a.moment(r.FinishedAt))
	f.add("Took", runTook(r))
	f.add("Labels", labels(r.Labels))
	f.add("Result", long(string(r.Result)))
	f.add("Error", errorText(r.Error))
	f.add("Cause", r.Cause)
}

// shownTasks is how many tasks run show lists.
const shownTasks = 100

// runTable lists the tasks of a run.
func (a *app) runTable(ctx context.Context, c *windrow.Client, r *windrow.CanvasRun) error {
	if r.TaskCount == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	t := newTable("NODE", "TASK", "STATE", ">ATTEMPT", ">TOOK", "ID", "RESULT")
	shown := 0
	for n, err := range c.RunTasks(ctx, r.ID) {
		if err != nil {
			return err
		}
		if shown == shownTasks {
			fmt.Fprintf(a.errs, "More than %d; -o json shows up to 1,000, the API's /tasks all.\n", shownTasks)
			break
		}
		t.row(n.Node, n.Task, n.State, fmt.Sprint(n.Attempt), nodeTook(&n), n.TaskID, nodeEnd(&n))
		shown++
	}
	return t.write(a.out, a.terminal)
}

func nodeTook(n *windrow.RunTask) string {
	if n.StartedAt.IsZero() || n.FinishedAt.IsZero() || n.FinishedAt.Before(n.StartedAt.Time) {
		return ""
	}
	return span(n.FinishedAt.Sub(n.StartedAt.Time))
}

func nodeEnd(n *windrow.RunTask) string {
	if n.Error != nil {
		return short(clean(errorText(n.Error)), 60)
	}
	return short(clean(string(n.Result)), 60)
}

func runWatch(a *app) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:               "watch ID",
		Short:             "Follow a run: each task as it begins and ends, then the result",
		Example:           "  windrow run watch 01890a5d-ac96-774b-bcce-b30200000000",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(runIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			r, err := a.watchRun(cmd.Context(), c, args[0])
			if err != nil {
				return &waitError{id: args[0], run: true, err: err}
			}
			return a.ended(r, raw)
		},
	}
	cmd.Flags().BoolVarP(&raw, "raw-output", "r", false, "print a result that is a string as it is, without quotes")
	return cmd
}

// watchStep is how often run watch looks.
const watchStep = 250 * time.Millisecond

// watchRun tells of what changes in a run until it has ended. What it tells goes
// to the standard error, since the result is the output.
func (a *app) watchRun(ctx context.Context, c *windrow.Client, id string) (*windrow.CanvasRun, error) {
	seen := map[string]string{}
	open := uint32(0)
	for {
		r, err := c.RunWithin(ctx, id, watchStep)
		if err != nil {
			return nil, err
		}
		if r.TasksTruncated && r.Open != open {
			open = r.Open
			fmt.Fprintf(a.errs, "%d parts open\n", open)
		}
		tellChanges(a.errs, r, seen)
		if wire.RunFinal(r.State) {
			return r, nil
		}
	}
}

// tellChanges tells which tasks stand elsewhere than they did.
func tellChanges(w io.Writer, r *windrow.CanvasRun, seen map[string]string) {
	var names []string
	for name, t := range r.Tasks {
		if seen[name] != t.State {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(x, y string) int { return strings.Compare(r.Tasks[x].TaskID, r.Tasks[y].TaskID) })
	for _, name := range names {
		t := r.Tasks[name]
		first := seen[name] == ""
		if seen[name] = t.State; first && t.State == wire.StatePending {
			continue
		}
		parts := []string{clean(name), t.State, nodeTook(&t), nodeEnd(&t)}
		fmt.Fprintln(w, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "  "))
	}
}

func runVerb(a *app, verb, about string, do func(*windrow.Client, context.Context, string) (*windrow.Started, error)) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " ID…",
		Short:             about,
		Example:           "  windrow run " + verb + " 01890a5d-ac96-774b-bcce-b30200000000",
		Args:              want(1, -1),
		ValidArgsFunction: a.ask(runIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			return a.each(cmd.Context(), args, func(ctx context.Context, id string) error {
				s, err := do(c, ctx, id)
				if err != nil {
					return err
				}
				state := s.State
				if s.Paused && !wire.RunFinal(state) {
					state += ", paused"
				}
				return a.say(s, "run %s: %s", s.ID, state)
			})
		},
	}
}
