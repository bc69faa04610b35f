package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func queueCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "queue",
		Short:   "Look at queues, hold them, limit them, empty them",
		Example: "  windrow queue list\n  windrow queue pause mail",
	})
	cmd.AddCommand(
		queueList(a),
		queueShow(a),
		queueSet(a),
		queueVerb(a, "pause", "Start nothing more of a queue; what runs goes on", "paused", (*windrow.Client).PauseQueue),
		queueVerb(a, "resume", "Go on with a paused queue", "resumed", (*windrow.Client).ResumeQueue),
		queueVerb(a, "purge", "Revoke all that waits in a queue; what runs goes on", "purged", (*windrow.Client).PurgeQueue),
		queueDead(a),
		queueReplay(a),
	)
	return cmd
}

func queueList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List queues and how much stands in them",
		Example: "  windrow queue list",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NAME", ">PENDING", ">SCHEDULED", ">RUNNING", ">DEAD", ">OLDEST", "RATE", "STATE")
			return showList(a, c.Queues(cmd.Context()), 0, t, func(q wire.Queue) []string {
				return []string{q.Name, count(q.Pending), count(q.Scheduled), count(q.Running), count(q.Dead), oldest(&q), rate(&q), queueState(&q)}
			})
		},
	}
}

func oldest(q *wire.Queue) string {
	if q.OldestSeconds <= 0 {
		return ""
	}
	return span(time.Duration(q.OldestSeconds * float64(time.Second)))
}

func rate(q *wire.Queue) string {
	if q.RateLimit == nil {
		return ""
	}
	return q.RateLimit.String()
}

func queueState(q *wire.Queue) string {
	if q.Paused {
		return "paused"
	}
	return "open"
}

func queueFields(f *fields, q *wire.Queue) {
	f.add("Name", q.Name)
	f.add("State", queueState(q))
	f.add("Pending", count(q.Pending))
	f.add("Oldest", oldest(q))
	f.add("Scheduled", count(q.Scheduled))
	f.add("Running", count(q.Running))
	f.add("Dead", count(q.Dead))
	if q.DeadLetterTTL > 0 {
		f.add("Dead letters stay", q.DeadLetterTTL.String())
	}
	f.add("Rate limit", rate(q))
}

func queueShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show QUEUE",
		Short:             "Show a queue",
		Example:           "  windrow queue show default",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			q, err := c.Queue(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(q, func(f *fields) { queueFields(f, q) })
		},
	}
}

func queueSet(a *app) *cobra.Command {
	var limit, dead string
	cmd := &cobra.Command{
		Use:               "set QUEUE",
		Short:             "Change a queue's settings",
		Example:           "  windrow queue set mail --rate-limit 100/m\n  windrow queue set mail --rate-limit none\n  windrow queue set mail --dead-letter-ttl 30d",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			var settings windrow.QueueSettings
			flags := cmd.Flags()
			if !flags.Changed("rate-limit") && !flags.Changed("dead-letter-ttl") {
				return usagef("nothing to set; give --rate-limit or --dead-letter-ttl")
			}
			if flags.Changed("rate-limit") {
				if _, err := wire.ParseRate(limit); err != nil && limit != "none" {
					return usagef("--rate-limit: %w; or none", err)
				}
				settings.RateLimit = new(strings.TrimPrefix(limit, "none"))
			}
			if flags.Changed("dead-letter-ttl") {
				ttl, err := wire.ParseDuration(dead)
				if err != nil {
					return usagef("--dead-letter-ttl: %w", err)
				}
				settings.DeadLetterTTL = &ttl
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			q, err := c.SetQueue(cmd.Context(), args[0], settings)
			if err != nil {
				return err
			}
			return a.show(q, func(f *fields) { queueFields(f, q) })
		},
	}
	cmd.Flags().StringVar(&limit, "rate-limit", "", "`RATE` of all its tasks' starts over the cluster, such as 10/s, 100/m, 5000/h; none lifts it")
	cmd.Flags().StringVar(&dead, "dead-letter-ttl", "", "`TIME` in which its tasks that are given up from now on can be replayed, such as 12h or 30d; 0 gives the usual 7d")
	return cmd
}

// queueVerb is a command that does one thing to a queue.
func queueVerb(a *app, verb, about, done string, do func(*windrow.Client, context.Context, string) (*windrow.Queue, error)) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " QUEUE",
		Short:             about,
		Example:           "  windrow queue " + verb + " mail",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			q, err := do(c, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.say(q, "queue %s %s: %d pending, %d scheduled, %d running", q.Name, done, q.Pending, q.Scheduled, q.Running)
		},
	}
}

func queueDead(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:               "dead QUEUE",
		Short:             "List the tasks of a queue that were given up",
		Long:              "List the tasks of a queue that were given up because their worker was lost too\noften. `windrow queue replay` submits them anew.",
		Example:           "  windrow queue dead default",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("ID", "TASK", ">DELIVERIES", "CREATED", "ENDED", "REPLAYED AS", "ERROR")
			return showList(a, c.DeadLetters(cmd.Context(), args[0]), limit, t, func(t wire.Task) []string {
				return []string{t.ID, t.Task, fmt.Sprint(t.Delivery), ago(a.now(), t.CreatedAt.Time), ago(a.now(), t.FinishedAt.Time),
					t.ReplayedAs, short(clean(errorText(t.Error)), 60)}
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "`N` at most, 0 for all")
	return cmd
}

func queueReplay(a *app) *cobra.Command {
	var all bool
	var limit int
	cmd := &cobra.Command{
		Use:               "replay QUEUE (ID… | --all)",
		Short:             "Submit dead-lettered tasks of a queue anew",
		Example:           "  windrow queue replay default 01890a5d-ac96-774b-bcce-b302099a8057\n  windrow queue replay default --all",
		Args:              want(1, -1),
		ValidArgsFunction: a.completeFirst(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := args[1:]
			if all == (len(ids) > 0) {
				return usagef("want either the ids of the tasks to replay, or --all")
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			done, err := replay(cmd.Context(), c, args[0], windrow.Replay{IDs: ids, Limit: limit})
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(done)
			}
			t := newTable("DEAD", "REPLAYED AS")
			for i, id := range done.IDs {
				t.row(id, done.Replayed[i])
			}
			if done.More {
				fmt.Fprintln(a.errs, "More are left; repeat the command for the next ones.")
			}
			return t.write(a.out, a.terminal)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that is dead in the queue")
	cmd.Flags().IntVar(&limit, "limit", 0, "with --all, `N` at most")
	return cmd
}

// replay goes on while the server leaves some behind, unless a limit was given.
func replay(ctx context.Context, c *windrow.Client, queue string, r windrow.Replay) (*windrow.Replayed, error) {
	sum := &windrow.Replayed{IDs: []string{}, Replayed: []string{}}
	for {
		part, err := c.ReplayDead(ctx, queue, r)
		if err != nil {
			return nil, err
		}
		if len(part.IDs) != len(part.Replayed) {
			return nil, fmt.Errorf("the server told %d new tasks for %d dead ones", len(part.Replayed), len(part.IDs))
		}
		sum.IDs = append(sum.IDs, part.IDs...)
		sum.Replayed = append(sum.Replayed, part.Replayed...)
		sum.More = part.More
		if !part.More || len(part.IDs) == 0 || r.Limit > 0 || len(r.IDs) > 0 {
			return sum, nil
		}
	}
}
