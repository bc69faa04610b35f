//go:build linux

// Command spine measures the whole way round with real processes: HTTP, log,
// state machine, sandbox and back. It prints a table of medians and spreads.
//
//	go run ./bench/spine                 everything but what must be named
//	go run ./bench/spine -only idle,fsync -rounds 9
//	go run ./bench/spine -only million
//	go run ./bench/spine -only later,fair,rates,keys
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// measure is one row or several of the table.
type measure struct {
	name string
	aim  string
	// run takes one round of it.
	run func(ctx context.Context, b *bench) error
	// seldom measures must be named to be taken.
	seldom bool
}

var measures = []measure{
	{name: "fsync", aim: "the floor", run: fsync},
	{name: "start", aim: "≤ 60 ms", run: startToFirst},
	{name: "idle", aim: "p50 ≤ 0.6 ms", run: idle},
	{name: "single", aim: "≥ 15,000/s", run: single},
	{name: "batch", aim: "≥ 100,000/s", run: batches},
	{name: "drain", aim: "≥ 40,000/s", run: drain},
	{name: "idle3", aim: "–", run: idle3},
	{name: "drain3", aim: "≥ 20,000/s", run: drain3},
	{name: "failover", aim: "≤ 2 s", run: failover},
	{name: "million", aim: "–", run: million, seldom: true},
	{name: "later", aim: "–", run: laterOf, seldom: true},
	{name: "fair", aim: "a handful", run: fair, seldom: true},
	{name: "rates", aim: "> 99 %", run: rates, seldom: true},
	{name: "keys", aim: "> 99 %", run: keys, seldom: true},
}

func main() {
	rounds := flag.Int("rounds", 5, "rounds of each measure")
	only := flag.String("only", "", "measures to take, comma-separated; empty is all but the seldom ones")
	bin := flag.String("bin", "bin/windrowd", "the node to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{bin: *bin, figures: map[string]*figure{}}
	defer b.close()
	if err := b.all(ctx, *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "spine:", err)
		b.close()
		os.Exit(1)
	}
}

// bench gathers figures and owns the processes.
type bench struct {
	bin     string
	aim     string
	order   []string
	figures map[string]*figure
	nodes   []*node
}

// figure is what the rounds of one measure gave.
type figure struct {
	unit, aim string
	values    []float64
}

func (b *bench) all(ctx context.Context, rounds int, only string) error {
	for _, m := range measures {
		if only == "" && m.seldom || only != "" && !slices.Contains(strings.Split(only, ","), m.name) {
			continue
		}
		b.aim = m.aim
		for round := range rounds {
			fmt.Fprintf(os.Stderr, "%s %d/%d\n", m.name, round+1, rounds)
			if err := m.run(ctx, b); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			b.close()
			if m.seldom {
				break
			}
		}
	}
	b.table()
	return nil
}

// note adds a round's value.
func (b *bench) note(name string, value float64, unit string) {
	f := b.figures[name]
	if f == nil {
		f = &figure{unit: unit, aim: b.aim}
		b.figures[name] = f
		b.order = append(b.order, name)
	}
	f.values = append(f.values, value)
}

func (b *bench) noteTime(name string, d time.Duration) {
	b.note(name, float64(d.Microseconds())/1000, "ms")
}

func (b *bench) table() {
	fmt.Printf("\n%-52s %12s %12s %12s  %-6s %s\n", "measure", "median", "least", "most", "unit", "aim")
	for _, name := range b.order {
		f := b.figures[name]
		slices.Sort(f.values)
		show := func(v float64) string {
			if v >= 1000 {
				return fmt.Sprintf("%.0f", v)
			}
			return fmt.Sprintf("%.3g", v)
		}
		fmt.Printf("%-52s %12s %12s %12s  %-6s %s\n", name, show(f.values[len(f.values)/2]), show(f.values[0]), show(f.values[len(f.values)-1]), f.unit, f.aim)
	}
}

func (b *bench) close() {
	for _, n := range b.nodes {
		n.remove()
	}
	b.nodes = nil
}
