package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// development is a module's folder that is built, pushed and tried again and
// again.
type development struct {
	a          *app
	dir, name  string
	call       func() (windrow.Call, error) // nil where no task is to run
	logs, raw  bool
	client     *windrow.Client
	version    uint32 // pushed last
	lookAgain  time.Duration
	buildPlace string
}

func devCommand(a *app) *cobra.Command {
	d := &development{a: a, lookAgain: 300 * time.Millisecond}
	var flags callFlags
	var task string
	var once bool
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Build and push a module whenever a file of it changes, and run a task",
		Long: `Build the module in a folder, push it as a new version and, with --task, run one
of its tasks; do so again whenever a file changes, until it is interrupted. A Go
module that uses the guest SDK is built as a reactor, any other as a command. A
folder without a Go program is built by its build.sh, which is told the file to make.
What goes wrong is shown, and the next change tries again. With --once do it once
and exit as task run does.`,
		Example: `  windrow dev
  windrow dev --task greet --input '{"name": "you"}'
  windrow dev jobs/mail --once --task render --arg '"Ada"' --logs`,
		Args: want(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.place(args); err != nil {
				return err
			}
			switch {
			case flags.input == "-" || flags.raw == "-":
				return usagef("standard input can be read once only; give --input or --raw a value or @FILE")
			case task != "":
				d.call = func() (windrow.Call, error) {
					return flags.call(d.name+"."+strings.TrimPrefix(task, d.name+"."), cmd.Flags(), a.in)
				}
				if _, err := d.call(); err != nil {
					return err
				}
			}
			return d.start(cmd.Context(), once)
		},
	}
	cmd.Flags().StringVar(&d.name, "name", "", "`NAME` of the module (default the folder's)")
	cmd.Flags().StringVar(&task, "task", "", "run this `TASK` of the module after each push")
	cmd.Flags().BoolVar(&once, "once", false, "build, push and run once")
	a.addCallFlags(cmd, &flags)
	addAwaitFlags(cmd, &d.logs, &d.raw)
	return cmd
}

// place finds the folder and the module's name.
func (d *development) place(args []string) error {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return &usageError{err}
	}
	d.dir = abs
	if !holds(abs, "*.go") && !holds(abs, buildScript) {
		return usagef("there is no Go program in %s, and no build.sh; `windrow init NAME` begins one, and what is built otherwise goes by `windrow module push FILE`", dir)
	}
	if d.name == "" {
		d.name = filepath.Base(abs)
	}
	if !moduleNamePattern.MatchString(d.name) {
		return usagef("%q is no name of a module; give one by --name", d.name)
	}
	return nil
}

// globText makes a path one that Glob takes as it is.
func globText(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func (d *development) start(ctx context.Context, once bool) (err error) {
	if d.client, err = d.a.connect(); err != nil {
		return err
	}
	if d.buildPlace, err = os.MkdirTemp("", "windrow-dev"); err != nil {
		return fmt.Errorf("a folder to build in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.buildPlace)) }()
	if once {
		return d.round(ctx)
	}
	for ctx.Err() == nil {
		seen := snapshot(d.dir)
		round, cancel := context.WithCancel(ctx)
		changed := make(chan struct{})
		go func() {
			defer close(changed)
			d.awaitChange(ctx, seen)
			cancel()
		}()
		if err := d.round(round); err != nil && round.Err() == nil {
			d.a.exit(ctx, err)
		}
		if round.Err() == nil {
			d.say("waiting for a change in %s; Ctrl-C ends", d.dir)
		}
		<-changed
		cancel()
	}
	return nil // it is meant to be interrupted
}

// say tells how far it is, on stderr: stdout has results alone.
func (d *development) say(format string, args ...any) {
	fmt.Fprintln(d.a.errs, "windrow: "+clean(fmt.Sprintf(format, args...)))
}

// round builds, pushes and runs.
func (d *development) round(ctx context.Context) error {
	begun := time.Now()
	file, err := build(ctx, d.dir, filepath.Join(d.buildPlace, d.name+".wasm"), d.a.errs)
	if err != nil {
		return err
	}
	built := time.Since(begun)
	m, created, err := d.client.PushModuleFile(ctx, d.name, file)
	if err != nil {
		return err
	}
	what := "is"
	if !created {
		what = "is still"
	}
	d.version = m.Version
	d.say("%s %s version %d (%s, built in %s): %s", m.Name, what, m.Version, size(m.Size), span(built), taskList(m))
	if d.call == nil {
		return nil
	}
	return d.try(ctx)
}

// revokeTime is how long a task of old code may take to be revoked.
const revokeTime = 2 * time.Second

// try runs the task of the version that was pushed. A change ends it: nobody
// wants to know any more what the old code comes to.
func (d *development) try(ctx context.Context) error {
	call, err := d.call()
	if err != nil {
		return err
	}
	if call.Version == 0 {
		call.Version = int(d.version)
	}
	s, err := d.client.Submit(ctx, call)
	if err != nil {
		return err
	}
	err = d.a.await(ctx, d.client, s.ID, d.logs, d.raw)
	var waiting *waitError
	if errors.As(err, &waiting) && ctx.Err() != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTime)
		defer cancel()
		_, rerr := d.client.Revoke(ctx, s.ID, true)
		if rerr == nil || windrow.IsConflict(rerr) { // or it has ended by itself
			return waiting.err
		}
	}
	return err
}

// buildFailed is a build that the toolchain refuses; it has said why.
type buildFailed struct{ dir string }

func (e *buildFailed) Error() string { return "the module in " + e.dir + " does not build" }

// awaitChange returns when the folder is not as it was seen, and has been left
// alone for a moment; or when ctx is done.
func (d *development) awaitChange(ctx context.Context, seen map[string]stamp) {
	tick := time.NewTicker(d.lookAgain)
	defer tick.Stop()
	last := seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := snapshot(d.dir)
		if !same(now, seen) && same(now, last) {
			return
		}
		last = now
	}
}
