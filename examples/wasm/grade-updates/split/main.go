// Command split makes the calls of grade-updates' example, ready to be sent to
// a Windrow node.
//
//	split -data DIR -rows 500    one call a chunk, one a line (for /v1/tasks/batch)
//	split -merge                 reads finished tasks, one JSON object after the
//	                             other, and writes the call that merges them
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/windrow-dev/windrow/examples/wasm/grade-updates/grades"
)

// task is the name that the README gives the module's only task.
const task = "grade-updates.main"

type call struct {
	Task  string `json:"task"`
	Input any    `json:"input"`
}

func main() {
	data := flag.String("data", "examples/wasm/grade-updates/data", "folder with policy.json, students.csv and updates.csv")
	rows := flag.Int("rows", 500, "rows of students a chunk")
	merge := flag.Bool("merge", false, "read finished tasks and write the call that merges them")
	flag.Parse()
	write := func() error { return chunkCalls(os.Stdout, *data, *rows) }
	if *merge {
		write = func() error { return mergeCall(os.Stdin, os.Stdout) }
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "split:", err)
		os.Exit(1)
	}
}

// chunkCalls writes one call a line.
func chunkCalls(w io.Writer, dir string, rows int) error {
	chunks, err := readChunks(dir, rows)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	for _, c := range chunks {
		if err := enc.Encode(call{Task: task, Input: c}); err != nil {
			return fmt.Errorf("write a call: %w", err)
		}
	}
	return nil
}

func readChunks(dir string, rows int) ([]grades.Chunk, error) {
	var policy grades.Policy
	text, err := os.ReadFile(filepath.Join(dir, "policy.json"))
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	students, err := os.ReadFile(filepath.Join(dir, "students.csv"))
	if err != nil {
		return nil, fmt.Errorf("read the students: %w", err)
	}
	updates, err := os.ReadFile(filepath.Join(dir, "updates.csv"))
	if err != nil {
		return nil, fmt.Errorf("read the updates: %w", err)
	}
	return grades.Split(policy, string(students), string(updates), rows)
}

// mergeCall reads tasks as GET /v1/tasks/{id} answers them.
func mergeCall(r io.Reader, w io.Writer) error {
	results := []json.RawMessage{}
	for dec := json.NewDecoder(r); ; {
		var t struct {
			ID, State string
			Result    json.RawMessage
		}
		err := dec.Decode(&t)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read task %d: %w", len(results)+1, err)
		}
		if t.State != "success" {
			return fmt.Errorf("task %s has not succeeded: it is %q", t.ID, t.State)
		}
		results = append(results, t.Result)
	}
	if len(results) == 0 {
		return errors.New("no tasks to merge on standard input")
	}
	if err := json.NewEncoder(w).Encode(call{Task: task, Input: results}); err != nil {
		return fmt.Errorf("write the call: %w", err)
	}
	return nil
}
