package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/pflag"

	"github.com/windrow-dev/windrow/runtime/sandbox"
)

// release is set at build time.
var release = "dev"

// The hidden arguments with which the node starts itself as a child.
const (
	sandboxArg = "__sandbox"
	compileArg = "__compile"
)

// Exit codes of windrowd.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// run is the whole of windrowd; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case sandboxArg:
			return sandbox.Main()
		case compileArg:
			return sandbox.CompileMain()
		}
	}
	flags := flagSet()
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "windrowd runs one Windrow node. With no option at all: a cluster of one on loopback.\n\n%s", flags.FlagUsages())
	}
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return exitOK
	} else if err != nil {
		fmt.Fprintf(stderr, "windrowd: %v\nSee windrowd --help.\n", err)
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "windrowd: %q is no option; see windrowd --help. The command line client is called windrow.\n", flags.Arg(0))
		return exitUsage
	}
	if v, _ := flags.GetBool("version"); v {
		fmt.Fprintln(stdout, "windrowd", release)
		return exitOK
	}
	cfg, err := load(flags)
	if err != nil {
		fmt.Fprintf(stderr, "windrowd: %v\n", err)
		return exitUsage
	}
	if err := serve(ctx, cfg, logger(cfg, stderr)); err != nil {
		fmt.Fprintf(stderr, "windrowd: %v\n", err)
		return exitFault
	}
	return exitOK
}

func serve(ctx context.Context, cfg Config, log *slog.Logger) error {
	n, err := start(ctx, cfg, log)
	if err != nil {
		return err
	}
	if err = n.wait(ctx); err == nil {
		log.Info("stopping: no new work, what runs may end")
	}
	return errors.Join(err, n.close())
}

func logger(cfg Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	opt := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
