// Command log-etl is a Windrow task: it reads a web server's access log, drops
// what it cannot read, and prints one JSON report of what is left. It is an
// ordinary Go program without any dependency; built for wasip1 it is a module
// whose one task is `main`.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// progressEvery is how many lines pass between two lines of the task's log.
const progressEvery = 1000

func main() { os.Exit(run(os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole job: input on stdin, the report on stdout, progress on
// stderr. Exit code 1 means that the input as a whole is of no use; a single
// bad line only counts as dropped.
func run(stdin io.Reader, stdout, stderr io.Writer) int {
	in, err := readInput(stdin)
	if err != nil {
		fmt.Fprintln(stderr, "log-etl:", err)
		return 1
	}
	report, err := etl(in, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "log-etl:", err)
		return 1
	}
	out := bufio.NewWriter(stdout)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(report); err != nil {
		fmt.Fprintln(stderr, "log-etl: write the report:", err)
		return 1
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(stderr, "log-etl: write the report:", err)
		return 1
	}
	return 0
}

// etl takes every line through parse, clean and aggregate.
func etl(in input, log io.Writer) (*Report, error) {
	agg := newAggregate()
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read line %d: %w", agg.lines+1, err)
		}
		agg.add(line)
		if agg.lines%progressEvery == 0 {
			fmt.Fprintf(log, "%d lines read, %d dropped\n", agg.lines, agg.droppedTotal())
		}
	}
	if agg.lines == 0 {
		return nil, errors.New("no lines to read: give the log's text, or {\"lines\": [...]}")
	}
	fmt.Fprintf(log, "done: %d lines, %d requests, %d dropped\n", agg.lines, agg.requests, agg.droppedTotal())
	return agg.report(in.top), nil
}
