// Command grade-updates is a Windrow task: it applies regrades to a CSV of
// students and works out their grades. A course's file is cut into chunks; each
// is a task of its own, and one last task merges what they found. Its input
// says which it is: an object is a chunk to grade, a list is the results of
// chunks to merge. The work itself is package grades.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/windrow-dev/windrow/examples/wasm/grade-updates/grades"
)

func main() { os.Exit(run(os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole job: input on stdin, the result on stdout, the log on
// stderr. Exit code 1 means that the input as a whole is of no use; a bad row
// is only reported.
func run(stdin io.Reader, stdout, stderr io.Writer) int {
	result, err := work(bufio.NewReader(stdin), stderr)
	if err != nil {
		fmt.Fprintln(stderr, "grade-updates:", err)
		return 1
	}
	out := bufio.NewWriter(stdout)
	if err := errors.Join(json.NewEncoder(out).Encode(result), out.Flush()); err != nil {
		fmt.Fprintln(stderr, "grade-updates: write the result:", err)
		return 1
	}
	return 0
}

func work(in *bufio.Reader, log io.Writer) (any, error) {
	first, err := in.Peek(1)
	if err != nil {
		return nil, errors.New("empty input: give a chunk, or a list of chunks' results")
	}
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	if first[0] == '[' {
		var parts []*grades.ChunkResult
		if err := dec.Decode(&parts); err != nil {
			return nil, fmt.Errorf("read the chunks' results: %w", err)
		}
		summary, err := grades.Merge(parts)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(log, "merged %d chunks: %d students, %d updates applied, %d bad rows, %d bad updates\n",
			len(parts), summary.Students, summary.UpdatesApplied, len(summary.BadRows), len(summary.BadUpdates))
		return summary, nil
	}
	var chunk grades.Chunk
	if err := dec.Decode(&chunk); err != nil {
		return nil, fmt.Errorf("read the chunk: %w", err)
	}
	result, err := chunk.Grade()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "graded lines %d to %d: %d students, %d bad rows, %d bad updates\n",
		chunk.FirstLine, chunk.FirstLine+result.Rows-1, len(result.Students), len(result.BadRows), len(result.BadUpdates)+len(result.Unmatched))
	return result, nil
}
