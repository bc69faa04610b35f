package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected files anew")

// TestExpected does what the README does: split, grade each chunk, merge.
func TestExpected(t *testing.T) {
	calls := split(t, nil, "-data", "data", "-rows", "500")
	var tasks bytes.Buffer
	enc := json.NewEncoder(&tasks)
	for line := range bytes.Lines(calls) {
		if err := enc.Encode(map[string]any{"id": "a", "state": "success", "result": json.RawMessage(runCall(t, line))}); err != nil {
			t.Fatal(err)
		}
	}
	result := runCall(t, split(t, tasks.Bytes(), "-merge"))

	var summary map[string]json.RawMessage
	if err := json.Unmarshal(result, &summary); err != nil {
		t.Fatalf("the result is no JSON object: %v", err)
	}
	var grades string
	if err := json.Unmarshal(summary["grades_csv"], &grades); err != nil {
		t.Fatal(err)
	}
	delete(summary, "grades_csv") // thousands of lines: a file of its own
	rest, err := json.MarshalIndent(summary, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "expected.json", string(rest)+"\n")
	compare(t, "expected-grades.csv", grades)
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the result is not %s; see the difference with go test -update and git diff", file)
	}
}

// split runs the program beside this one, as a user does.
func split(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"run", "./split"}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var logged bytes.Buffer
	cmd.Stderr = &logged
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("split %v: %v\n%s", args, err, logged.String())
	}
	return out
}

// runCall runs the task of a call, as a node would.
func runCall(t *testing.T, text []byte) []byte {
	t.Helper()
	var c struct {
		Task  string
		Input json.RawMessage
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("read a call: %v", err)
	}
	if c.Task != "grade-updates.main" {
		t.Fatalf("a call of %q", c.Task)
	}
	var out, logged bytes.Buffer
	if exit := run(bytes.NewReader(c.Input), &out, &logged); exit != 0 {
		t.Fatalf("exit code %d:\n%s", exit, logged.String())
	}
	if !strings.Contains(logged.String(), "students") {
		t.Errorf("log %q", logged.String())
	}
	return out.Bytes()
}

func TestUselessInput(t *testing.T) {
	cases := map[string]string{
		``:                      "empty input",
		`[]`:                    "no chunks to merge",
		`[null]`:                "chunk 1 of 1 has no result",
		`[{"rows": "text"}]`:    "read the chunks' results",
		`{"args": [], "kw": 1}`: "unknown field",
		`{}`:                    "policy:",
		`{"rows": `:             "read the chunk",
	}
	for in, want := range cases {
		var out, logged bytes.Buffer
		if exit := run(strings.NewReader(in), &out, &logged); exit != 1 || out.Len() > 0 || !strings.Contains(logged.String(), want) {
			t.Errorf("%q: exit %d, stdout %q, log %q, want %q", in, exit, out.String(), logged.String(), want)
		}
	}
}
