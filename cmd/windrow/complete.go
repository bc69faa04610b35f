package main

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// completionTime is how long the shell waits for names from the server.
const completionTime = 800 * time.Millisecond

// completionLimit is how many names a shell is offered.
const completionLimit = 200

// names gives the names that an argument or a flag may have.
type names func(ctx context.Context, c *windrow.Client) iter.Seq2[string, error]

// complete offers fixed words for a flag.
func complete(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag does not exist: a mistake in the program
	}
}

// completeFlag offers names from the server for a flag.
func (a *app) completeFlag(cmd *cobra.Command, flag string, n names) {
	if err := cmd.RegisterFlagCompletionFunc(flag, a.ask(n)); err != nil {
		panic(err)
	}
}

// completeFirst offers names from the server for the first argument.
func (a *app) completeFirst(n names) cobra.CompletionFunc {
	ask := a.ask(n)
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return ask(cmd, args, prefix)
	}
}

// ask asks the server for names, briefly and once; without an answer nothing
// is offered.
func (a *app) ask(n names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const none = cobra.ShellCompDirectiveNoFileComp
		if a.begin() != nil {
			return nil, none
		}
		a.retryFor = -1
		client, err := a.connect()
		if err != nil {
			return nil, none
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		var found []cobra.Completion
		for name, err := range n(ctx, client) {
			if err != nil || len(found) == completionLimit {
				break
			}
			if strings.HasPrefix(name, prefix) {
				found = append(found, name)
			}
		}
		return found, none
	}
}

func moduleNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Modules(ctx), func(m wire.Module) []string { return []string{m.Name} })
}

// callNames are the tasks that can be called.
func callNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Modules(ctx), func(m wire.Module) []string {
		list := make([]string, len(m.Tasks))
		for i, t := range m.Tasks {
			list[i] = m.Name + "." + t.Name
		}
		return list
	})
}

func queueNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Queues(ctx), func(q wire.Queue) []string { return []string{q.Name} })
}

func poolNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Pools(ctx), func(p wire.Pool) []string { return []string{p.Name} })
}

// taskIDs are the newest tasks, told apart by their name and state.
func taskIDs(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Tasks(ctx, windrow.TaskFilter{PageSize: completionLimit}), func(t wire.Task) []string {
		return []string{cobra.CompletionWithDesc(t.ID, t.Task+" "+t.State)}
	})
}

func nodeIDs(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		cluster, err := c.Cluster(ctx)
		if err != nil {
			yield("", err)
			return
		}
		for _, n := range cluster.Nodes {
			if !yield(cobra.CompletionWithDesc(n.ID, n.State), nil) {
				return
			}
		}
	}
}

// pick turns a list of things into one of names.
func pick[T any](things iter.Seq2[T, error], names func(T) []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for thing, err := range things {
			if err != nil {
				yield("", err)
				return
			}
			for _, name := range names(thing) {
				if !yield(name, nil) {
					return
				}
			}
		}
	}
}
