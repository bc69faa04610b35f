package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newRoot(a *app) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "windrow",
		Short: "Run Wasm tasks on a Windrow cluster",
		Long: `windrow uploads Wasm modules to a Windrow cluster, runs their tasks and looks
after queues, pools and nodes. It speaks to a node, which windrowd starts.

Exit codes: 0 success, 1 the task failed, 2 usage, 3 not found, 4 refused,
5 unreachable, 130 interrupted.`,
		Example: `  # one node on this machine, then a module and a task of it
  windrowd &
  windrow module push sums.wasm
  windrow task run sums --input '[1, 2, 3]'`,
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		a.path = cmd.CommandPath() // for errors that are told on the way
		err := a.begin()
		a.started = err == nil
		return err
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errs)
	a.globalFlags(root)
	root.AddCommand(
		moduleCommand(a),
		taskCommand(a),
		canvasCommand(a),
		runCommand(a),
		scheduleCommand(a),
		webhookCommand(a),
		queueCommand(a),
		poolCommand(a),
		routeCommand(a),
		initCommand(a),
		devCommand(a),
		workerCommand(a),
		clusterCommand(a),
		eventsCommand(a),
		manCommand(a),
		versionCommand(a),
	)
	return root
}

// group makes cmd one that only holds others: alone it shows its help, with a
// word that names none of them it is an error of usage, which cobra alone
// would let pass below the root.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		message := "there is no command " + quote(cmd.CommandPath()+" "+args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			message += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return usagef("%s", message)
	}
	return cmd
}

// want takes between low and high arguments, -1 being any number.
func want(low, high int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < low:
			return fmt.Errorf("something is missing; want `%s`", cmd.UseLine())
		case high >= 0 && len(args) > high:
			return fmt.Errorf("%q is too much; want `%s`", args[high], cmd.UseLine())
		}
		return nil
	}
}
