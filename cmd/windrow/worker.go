package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func workerCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "worker",
		Short:   "Look at workers, drain them, bound them",
		Example: "  windrow worker list\n  windrow worker drain node-2",
	})
	list := clusterWorkers(a)
	list.Use, list.Example = "list", "  windrow worker list"
	cmd.AddCommand(list, workerShow(a), workerConcurrency(a),
		workerVerb(a, "drain", "Give a worker nothing new; what runs goes on, what waits there goes back", (*windrow.Client).DrainWorker),
		workerVerb(a, "resume", "Let a drained worker take part again", (*windrow.Client).ResumeWorker))
	return cmd
}

func workerNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for w, err := range c.Workers(ctx) {
			if !yield(w.ID, err) {
				return
			}
		}
	}
}

func workerFields(a *app, f *fields, w *wire.Worker) {
	f.add("Node", w.ID)
	f.add("State", w.State)
	f.add("Busy", fmt.Sprint(w.Outstanding))
	f.add("Concurrency", fmt.Sprint(w.Concurrency))
	if w.Limit > 0 {
		f.add("Bound to", fmt.Sprint(w.Limit))
	}
	f.add("Prefetch", fmt.Sprint(w.Prefetch))
	queues := strings.Join(w.Queues, ",")
	if queues == "" {
		queues = "all"
	}
	f.add("Queues", queues)
	f.add("Labels", strings.Join(w.Labels, ","))
	f.add("Session", w.Session)
	f.add("Connected", a.moment(w.ConnectedAt))
}

func workerShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show NODE",
		Short:             "Show a worker",
		Long:              "Show a worker. What it is at, `windrow task list --worker NODE --state received,started` lists.",
		Example:           "  windrow worker show node-2",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(workerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := c.WorkerOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(w, func(f *fields) { workerFields(a, f, w) })
		},
	}
}

func workerVerb(a *app, verb, about string, do func(*windrow.Client, context.Context, string) (*windrow.Worker, error)) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " NODE",
		Short:             about,
		Example:           "  windrow worker " + verb + " node-2",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(workerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := do(c, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.say(w, "worker %s is %s: %d busy", w.ID, w.State, w.Outstanding)
		},
	}
}

func workerConcurrency(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "concurrency NODE N",
		Short:             "Bound how many attempts a worker has at once; 0 lifts the bound",
		Long:              "Bound how many attempts a worker has at once, at most what it was started with.\nIt holds over restarts; 0 lifts it.",
		Example:           "  windrow worker concurrency node-2 4",
		Args:              want(2, 2),
		ValidArgsFunction: a.completeFirst(workerNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return usagef("%s is no number of attempts", quote(args[1]))
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := c.LimitWorker(cmd.Context(), args[0], uint32(n))
			if err != nil {
				return err
			}
			return a.say(w, "worker %s has up to %d attempts at once: %d busy", w.ID, w.Concurrency, w.Outstanding)
		},
	}
}
