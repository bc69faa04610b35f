package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// localRun is one attempt at a task with no node.
type localRun struct {
	file   string
	module string
	task   string // empty where the command line names none
	call   windrow.Call
	logs   bool
	raw    bool
}

// localFlags are those of task run that mean something without a node.
var localFlags = map[string]bool{"local": true, "task": true, "arg": true, "kwarg": true, "input": true, "raw": true,
	"timeout": true, "soft-timeout": true, "memory": true, "stdout": true, "logs": true, "raw-output": true}

// taskRunLocal is task run --local.
func (a *app) taskRunLocal(cmd *cobra.Command, l *localRun, flags *callFlags, args []string) error {
	if len(args) > 0 {
		return usagef("%q and --local exclude each other; name the task by --task", args[0])
	}
	var wrong error
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && !localFlags[f.Name] && wrong == nil {
			wrong = usagef("--%s is a node's matter and means nothing with --local", f.Name)
		}
	})
	if wrong != nil {
		return wrong
	}
	l.module = moduleName(l.file)
	if _, task, ok := strings.Cut(l.task, "."); ok && strings.HasPrefix(l.task, l.module+".") {
		l.task = task
	}
	name := l.task
	if name == "" {
		name = "main"
	}
	call, err := flags.call("local."+name, cmd.Flags(), a.in)
	if err != nil {
		return err
	}
	l.call = call
	return a.runLocal(cmd.Context(), l)
}
