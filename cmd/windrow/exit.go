package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// The exit codes that scripts rely on.
const (
	exitOK          = 0
	exitFailed      = 1 // the task failed
	exitUsage       = 2
	exitNotFound    = 3
	exitRefused     = 4
	exitUnreachable = 5
	exitInterrupted = 130 // by a signal, as shells report it
)

// usageError is a fault of the command line or of a local file that it names.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// taskFailed is a task's own failure: everything went well but the task.
type taskFailed struct {
	id, state, kind, message string
	// local says that no node knows of it; id is the task's name then, and log
	// says that there is a log that was not shown.
	local, log bool
}

// next are the commands that tell more.
func (e *taskFailed) next() []string {
	switch {
	case !e.local:
		return []string{"Its log: windrow task logs " + e.id, "All of it: windrow task get " + e.id}
	case e.log:
		return []string{"Its log: the same with --logs"}
	}
	return nil
}

func (e *taskFailed) Error() string {
	s := fmt.Sprintf("task %s: %s", e.id, e.state)
	if e.kind != "" {
		s += " (" + e.kind + ")"
	}
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// exit prints what went wrong and what to do next, and gives the exit code.
func (a *app) exit(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	code, text, next := a.explain(ctx, err)
	var waiting *waitError
	switch {
	case !errors.As(err, &waiting) || windrow.IsNotFound(err):
	case waiting.run:
		next = append(next, "The run goes on. Watch it: windrow run watch "+waiting.id, "End it: windrow run cancel "+waiting.id)
	default:
		next = append(next, "The task goes on. Wait for it: windrow task wait "+waiting.id,
			"End it: windrow task revoke --terminate "+waiting.id)
	}
	fmt.Fprintln(a.errs, "windrow: "+clean(text))
	for _, line := range next {
		fmt.Fprintln(a.errs, "  "+clean(line))
	}
	return code
}

// explain classifies an error; next are lines that help.
func (a *app) explain(ctx context.Context, err error) (code int, text string, next []string) {
	var (
		usage       *usageError
		failed      *taskFailed
		run         *runFailed
		refused     *windrow.APIError
		unreachable *windrow.UnreachableError
		module      *rejected
		local       *fs.PathError
		build       *buildFailed
	)
	switch {
	case errors.As(err, &failed):
		return exitFailed, failed.Error(), failed.next()
	case errors.As(err, &run):
		return exitFailed, run.Error(), run.next()
	case errors.As(err, &module):
		text, next = module.lines()
		return exitRefused, text, next
	case errors.As(err, &build):
		return exitUsage, build.Error(), []string{"What the toolchain says stands above."}
	case errors.As(err, &usage) || !a.started:
		return exitUsage, err.Error(), []string{"See `" + a.path + " --help`."}
	case ctx.Err() != nil:
		return exitInterrupted, "interrupted", unknownOutcome(err)
	case errors.As(err, &unreachable):
		next = append(unknownOutcome(err), startHint(unreachable.Servers)...)
		return exitUnreachable, fmt.Sprintf("cannot reach %s: %v", strings.Join(unreachable.Servers, ", "), unreachable.Err), next
	case errors.As(err, &refused):
		return refusal(refused)
	case errors.As(err, &local):
		return exitUsage, err.Error(), nil
	}
	return exitUnreachable, err.Error(), nil
}

// refusal tells of a server's problem document.
func refusal(e *windrow.APIError) (code int, text string, next []string) {
	text = e.Title
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Detail != "" {
		next = append(next, strings.Split(strings.TrimSpace(e.Detail), "\n")...)
	}
	if e.Incident != "" {
		next = append(next, "Incident "+e.Incident+" in the node's log.")
	}
	if hint := hintFor(e); hint != "" {
		next = append(next, "Next: "+hint)
	}
	switch {
	case windrow.IsNotFound(e):
		return exitNotFound, text, next
	case windrow.IsUnreachable(e):
		return exitUnreachable, text, next
	}
	return exitRefused, text, next
}

// hintFor is the command that helps on after a refusal.
func hintFor(e *windrow.APIError) string {
	switch e.Code {
	case "module_not_found":
		return "`windrow module list` shows what there is, `windrow module push FILE` uploads one"
	case "task_not_found":
		return "`windrow module show NAME` lists a module's tasks"
	case "pool_not_found", "pool_too_small":
		return "`windrow pool list`, or `windrow pool set NAME --slots N`"
	case "module_in_use":
		return "`windrow task list --task NAME.` shows what waits for it; `windrow task revoke ID` ends it"
	case "duplicate":
		if e.ID != "" {
			return "`windrow task get " + e.ID + "` shows the task that holds the key"
		}
	case "idempotency_conflict":
		return "repeat the very same request, or choose another --idempotency-key"
	case "idempotency_full":
		return "`windrow task submit --batch FILE` sends many calls under one key; keys go 24 hours after their use"
	}
	if windrow.IsUnauthorized(e) {
		return "give a token by --token, --token-file or WINDROW_TOKEN; the first start of windrowd --auth token writes one into its data folder"
	}
	return ""
}

func startHint(servers []string) []string {
	if len(servers) == 1 && servers[0] == windrow.DefaultServer {
		return []string{"Start a node on this machine with `windrowd`, or name another's address by --server or WINDROW_SERVER."}
	}
	return []string{"Is the address right (--server, WINDROW_SERVER)? `windrowd` starts a node."}
}

func unknownOutcome(err error) []string {
	var u *windrow.UnreachableError
	if !errors.As(err, &u) || !u.Unknown {
		return nil
	}
	if u.Key == "" {
		return []string{"Whether it was carried out is unknown; repeating it is safe."}
	}
	return []string{"Whether it was carried out is unknown. Repeating it with --idempotency-key " + u.Key + " is safe."}
}
