//go:build linux

// Command canvas measures canvases on one real node: how long small ones take
// from submission to result, and what large ones cost in memory and on disk.
//
//	go run ./bench/canvas              chain of 5, group of 100, chord of 100, group of 10,000
//	go run ./bench/canvas -large       chain of 10,000, group and map of 100,000
//	go run ./bench/canvas -celery /usr/bin/python3
//
// The last takes each round in Celery with Redis, too; it wants Debian's
// python3-celery, python3-redis and redis-server.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// shape is a canvas to be measured, so many times a round.
type shape struct {
	name    string
	aim     string
	repeats int
	canvas  windrow.Canvas
}

func noops(n int) []windrow.Canvas { return slices.Repeat([]windrow.Canvas{windrow.S("noop.main")}, n) }

var small = []shape{
	{"chain of 5", "2.5 ms", 40, windrow.Chain(noops(5)...)},
	{"group of 100", "5 ms", 10, windrow.Group(noops(100)...)},
	{"chord of 100", "5 ms", 10, windrow.Chord(noops(100), windrow.S("noop.main"))},
	{"group of 10,000", "300 ms", 1, windrow.Group(noops(10_000)...)},
}

var big = []shape{
	{name: "chain of 10,000", repeats: 10_000, canvas: windrow.Chain(noops(10_000)...)},
	{name: "group of 100,000", repeats: 100_000, canvas: windrow.Group(noops(100_000)...)},
	{name: "map of 100,000", repeats: 100_000, canvas: windrow.Map(windrow.S("noop.main"), make([]int, 100_000))},
}

func main() {
	bin := flag.String("bin", "bin/windrowd", "the node to measure")
	rounds := flag.Int("rounds", 5, "rounds")
	celery := flag.String("celery", "", "measure Celery with Redis in turn, with this Python")
	large := flag.Bool("large", false, "measure what large canvases cost")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := func() error {
		if *large {
			return costs(ctx, *bin)
		}
		return times(ctx, *bin, *rounds, *celery)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "canvas:", err)
		stop()
		os.Exit(1)
	}
}

// times prints medians.
func times(ctx context.Context, bin string, rounds int, celery string) error {
	n, err := start(ctx, bin)
	if err != nil {
		return err
	}
	defer n.remove()
	ours, theirs := map[string][]float64{}, map[string][]float64{}
	other := func() error { return nil }
	if celery != "" {
		next, end, err := celerySide(ctx, celery, rounds)
		if err != nil {
			return err
		}
		defer end()
		other = func() error { return next(theirs) }
	}
	for range rounds {
		for _, s := range small {
			for range s.repeats {
				begun := time.Now()
				if err := n.run(ctx, s.canvas); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				ours[s.name] = append(ours[s.name], float64(time.Since(begun).Microseconds())/1000)
			}
		}
		if err := other(); err != nil {
			return err
		}
	}
	fmt.Printf("%-20s %10s %10s %10s %14s\n", "median, ms", "windrow", "p90", "aim", "celery")
	for _, s := range small {
		line := fmt.Sprintf("%-20s %10.2f %10.2f %10s", s.name, quantile(ours[s.name], 50), quantile(ours[s.name], 90), s.aim)
		if celery != "" {
			line += fmt.Sprintf(" %14.1f", quantile(theirs[s.name], 50))
		}
		fmt.Println(line)
	}
	return nil
}

func quantile(v []float64, percent int) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)*percent/100]
}

// celerySide starts Celery; next takes one round of it.
func celerySide(ctx context.Context, python string, rounds int) (next func(map[string][]float64) error, end func(), err error) {
	cmd := exec.CommandContext(ctx, python, "bench/canvas/celery_side.py", fmt.Sprint(rounds))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	next = func(into map[string][]float64) error {
		if _, err := fmt.Fprintln(in, "next"); err != nil {
			return err
		}
		if !lines.Scan() {
			return fmt.Errorf("the side of Celery ended: %w", lines.Err())
		}
		round := map[string][]float64{}
		err := json.Unmarshal(lines.Bytes(), &round)
		for name, v := range round {
			into[name] = append(into[name], v...)
		}
		return err
	}
	return next, func() { _ = in.Close(); _ = cmd.Wait() }, nil
}

// costs prints what a task of a large canvas costs.
func costs(ctx context.Context, bin string) error {
	fmt.Printf("%-20s %12s %12s %12s %16s %16s\n", "", "accepted, s", "ended, s", "µs/task", "memory, B/task", "written, B/task")
	for _, s := range big {
		n, err := start(ctx, bin)
		if err != nil {
			return err
		}
		memory, written, begun := n.memory(), n.written(), time.Now()
		started, err := n.client.Canvas(ctx, s.canvas)
		if err != nil {
			n.remove()
			return err
		}
		accepted, most := time.Since(begun), n.memory()
		for ended := false; !ended; {
			run, err := n.client.RunWithin(ctx, started.ID, 100*time.Millisecond)
			if err != nil {
				n.remove()
				return err
			}
			most, ended = max(most, n.memory()), run.State == "success"
		}
		took, tasks := time.Since(begun), float64(s.repeats)
		fmt.Printf("%-20s %12.2f %12.2f %12.1f %16.0f %16.0f\n", s.name, accepted.Seconds(), took.Seconds(), float64(took.Microseconds())/tasks,
			(most-memory)/tasks, (n.written()-written)/tasks)
		n.remove()
	}
	load, err := os.ReadFile("/proc/loadavg")
	fmt.Println("load:", strings.TrimSpace(string(load)))
	return err
}
