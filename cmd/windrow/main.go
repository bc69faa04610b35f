// Command windrow is the command line of a Windrow cluster. It asks a server
// over HTTP by way of package sdk and prints tables for people, or with
// "-o json" the API's JSON for programs. It starts no node; windrowd does.
package main

//go:generate go test -run ^TestReference$ -update .

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // time zones of schedules, also where the system has none
)

func main() {
	// A sandbox is this program too, and begins with nothing before it.
	if code, is := child(os.Args[1:]); is {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: it gives the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newApp(stdin, stdout, stderr).run(ctx, args)
}
