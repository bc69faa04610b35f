// Command demo shows Windrow at its main job: it starts a node in a temporary
// folder, uploads the example modules, runs their tasks, kills the node in the
// middle of them, shows that nothing was lost, and has a canvas and a schedule run. `make demo` runs it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/examples/wasm/grade-updates/grades"
)

func main() {
	bin := flag.String("bin", "bin", "folder with windrowd and wasm/")
	examples := flag.String("examples", "examples/wasm", "folder with the examples' data")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	d := &demo{out: os.Stdout, bin: *bin, examples: *examples}
	err := d.run(ctx)
	d.stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is the show: a node, a client, and what is said about them.
type demo struct {
	out           io.Writer
	bin, examples string
	dir           string
	node          *process
	client        *windrow.Client
}

func (d *demo) run(ctx context.Context) error {
	for _, act := range []func(context.Context) error{d.start, d.push, d.logETL, d.grades, d.canvas, d.schedule, d.hostile, d.farewell} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) stop() {
	if d.node != nil {
		d.node.kill()
	}
	if d.dir != "" {
		_ = os.RemoveAll(d.dir)
	}
}

// say prints one line of the story.
func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// step does something and says how long it took.
func (d *demo) step(what string, do func() error) error {
	begun := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d.say("  %-62s %8.1f ms", what, float64(time.Since(begun).Microseconds())/1000)
	return nil
}

func (d *demo) start(ctx context.Context) (err error) {
	d.say("1. One node, with its storage in a temporary folder")
	if d.dir, err = os.MkdirTemp("", "windrow-demo-"); err != nil {
		return err
	}
	if d.node, err = newProcess(filepath.Join(d.bin, "windrowd"), d.dir); err != nil {
		return err
	}
	if d.client, err = windrow.New(windrow.Config{Servers: []string{d.node.url()}}); err != nil {
		return err
	}
	return d.step("started, ready at "+d.node.url(), func() error { return d.node.start(ctx) })
}

func (d *demo) push(ctx context.Context) error {
	d.say("\n2. Two task modules are uploaded: plain Go programs, built for wasip1")
	for _, name := range []string{"log-etl", "grade-updates"} {
		if err := d.pushOne(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) pushOne(ctx context.Context, name string) error {
	return d.step(name+".wasm validated, compiled, stored", func() error {
		_, _, err := d.client.PushModuleFile(ctx, name, filepath.Join(d.bin, "wasm", name+".wasm"))
		return err
	})
}

// logReport is what the demo shows of the ETL's result.
type logReport struct {
	Lines, Requests int
	ByStatus        map[string]int `json:"by_status"`
	Latency         struct {
		P50 float64 `json:"p50_ms"`
		P99 float64 `json:"p99_ms"`
	}
}

func (d *demo) logETL(ctx context.Context) error {
	d.say("\n3. A log-file ETL: 4,000 lines of an access log, parsed, cleaned, aggregated")
	log, err := os.ReadFile(filepath.Join(d.examples, "log-etl", "data", "access.log"))
	if err != nil {
		return err
	}
	input, err := json.Marshal(string(log))
	if err != nil {
		return err
	}
	var report logReport
	if err := d.step("submitted, run in a sandbox, result read", func() error {
		report, err = windrow.Run[logReport](ctx, d.client, windrow.Call{Task: "log-etl.main", Input: input, Stdin: "raw"})
		return err
	}); err != nil {
		return err
	}
	d.say("  → %d of %d lines are requests: %d answered 2xx, %d failed with 5xx; latency p50 %.0f ms, p99 %.0f ms",
		report.Requests, report.Lines, report.ByStatus["2xx"], report.ByStatus["5xx"], report.Latency.P50, report.Latency.P99)
	return nil
}

// grades kills the node while the tasks run.
func (d *demo) grades(ctx context.Context) error {
	d.say("\n4. Grade updates for 5,000 students: 50 tasks in one batch, and kill -9 in the middle of them")
	calls, err := d.chunkCalls()
	if err != nil {
		return err
	}
	var ids []string
	if err := d.step(fmt.Sprintf("%d tasks accepted, all or none", len(calls)), func() error {
		ids, err = d.client.SubmitBatch(ctx, calls)
		return err
	}); err != nil {
		return err
	}
	if err := d.step("kill -9 of the node", func() error { d.node.kill(); return nil }); err != nil {
		return err
	}
	if err := d.step("started again on the same folder", func() error { return d.node.start(ctx) }); err != nil {
		return err
	}
	var results []json.RawMessage
	if err := d.step("every task ended, none lost", func() error {
		results, err = d.collect(ctx, ids)
		return err
	}); err != nil {
		return err
	}
	return d.merge(ctx, results)
}

// chunkCalls cuts the students into chunks of 100 rows.
func (d *demo) chunkCalls() ([]windrow.Call, error) {
	read := func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join(d.examples, "grade-updates", "data", name))
	}
	text, err := read("policy.json")
	if err != nil {
		return nil, err
	}
	var policy grades.Policy
	if err := json.Unmarshal(text, &policy); err != nil {
		return nil, err
	}
	students, err := read("students.csv")
	if err != nil {
		return nil, err
	}
	updates, err := read("updates.csv")
	if err != nil {
		return nil, err
	}
	chunks, err := grades.Split(policy, string(students), string(updates), 100)
	if err != nil {
		return nil, err
	}
	var calls []windrow.Call
	for _, c := range chunks {
		calls = append(calls, windrow.Call{Task: "grade-updates.main", Input: windrow.JSON(c)})
	}
	return calls, nil
}

func (d *demo) collect(ctx context.Context, ids []string) ([]json.RawMessage, error) {
	var results []json.RawMessage
	for _, id := range ids {
		t, err := d.client.Wait(ctx, id)
		if err != nil {
			return nil, err
		}
		if t.State != "success" {
			return nil, fmt.Errorf("task %s ended as %s: %+v", id, t.State, t.Error)
		}
		results = append(results, t.Result)
	}
	return results, nil
}

func (d *demo) merge(ctx context.Context, results []json.RawMessage) error {
	var merged map[string]json.RawMessage
	err := d.step("one task merges the 50 results", func() (err error) {
		merged, err = windrow.Run[map[string]json.RawMessage](ctx, d.client,
			windrow.Call{Task: "grade-updates.main", Input: windrow.JSON(results)})
		return err
	})
	if err != nil {
		return err
	}
	var csv string
	if err := json.Unmarshal(merged["grades_csv"], &csv); err != nil {
		return err
	}
	want, err := os.ReadFile(filepath.Join(d.examples, "grade-updates", "expected-grades.csv"))
	if err != nil {
		return err
	}
	if csv != string(want) {
		return errors.New("the grades are not those expected: something was lost")
	}
	d.say("  → the grades of %d students are, byte for byte, those expected", bytes.Count(want, []byte("\n"))-1)
	return nil
}

// hostile uploads what must not be able to harm anybody.
func (d *demo) hostile(ctx context.Context) error {
	d.say("\n7. What goes wrong says what to do")
	_, _, err := d.client.PushModule(ctx, "not-wasm", bytes.NewReader([]byte("#!/bin/sh\nrm -rf /\n")))
	var refused *windrow.APIError
	if !errors.As(err, &refused) {
		return fmt.Errorf("a shell script was taken for a module: %w", err)
	}
	d.say("  → a shell script as a module: %d %s\n    %s", refused.Status, refused.Code, refused.Detail)
	return nil
}

func (d *demo) farewell(context.Context) error {
	d.say(`
That was Windrow. To go on:
  bin/windrowd                                        a node of your own, data in ./windrow-data
  bin/windrow module push log-etl bin/wasm/log-etl.wasm
  bin/windrow task run log-etl.main --raw @examples/wasm/log-etl/data/access.log
  README.md, docs/                                    what it is, promises, reference`)
	return nil
}
