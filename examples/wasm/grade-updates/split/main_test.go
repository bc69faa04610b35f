package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestChunkCalls(t *testing.T) {
	for rows, want := range map[int]int{500: 10, 4999: 2, 5000: 1, 100000: 1} {
		var out bytes.Buffer
		if err := chunkCalls(&out, "../data", rows); err != nil {
			t.Fatal(err)
		}
		calls := 0
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("%.100q is no JSON", line)
			}
			calls++
		}
		if calls != want {
			t.Errorf("%d rows a chunk make %d calls, want %d", rows, calls, want)
		}
	}
	for dir, rows := range map[string]int{"../data": 0, "../nowhere": 500} {
		if err := chunkCalls(new(bytes.Buffer), dir, rows); err == nil {
			t.Errorf("%s in chunks of %d: no error", dir, rows)
		}
	}
}

func TestMergeCall(t *testing.T) {
	var out bytes.Buffer
	tasks := `{"id":"1","state":"success","result":{"a":1},"attempt":0}` + "\n" + `{"id":"2","state":"success","result":[2]}`
	if err := mergeCall(strings.NewReader(tasks), &out); err != nil {
		t.Fatal(err)
	}
	if want := `{"task":"grade-updates.main","input":[{"a":1},[2]]}` + "\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
	cases := map[string]string{
		"":                               "no tasks",
		`{"id":"7","state":"started"}`:   `task 7 has not succeeded: it is "started"`,
		`{"status":404,"code":"nothing"`: "read task 1",
	}
	for in, want := range cases {
		if err := mergeCall(strings.NewReader(in), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}
