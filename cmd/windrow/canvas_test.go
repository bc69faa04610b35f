package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// played is a fake server with the guest echo, beside the suite's.
func played(t *testing.T) {
	t.Helper()
	newFake(t)
	invoke(t, "", "module", "push", wasmFile(t, "echo")).want(t, exitOK)
}

const goodCanvas = `{"chain": [{"group": [{"task": "echo.main", "input": 1}, {"task": "echo.main", "input": "two"}]}, {"task": "echo.main"}]}`

func TestCanvasRun(t *testing.T) {
	played(t)
	file := writeText(t, "c.json", goodCanvas)
	if got := invoke(t, "", "canvas", "run", file).want(t, exitOK).stdout; got != "[1,\"two\"]\n" {
		t.Error(got)
	}
	if got := invoke(t, `{"task": "echo.main", "input": "plain"}`, "canvas", "run", "-", "-r", "--wait").want(t, exitOK).stdout; got != "plain\n" {
		t.Error(got)
	}
	var r wire.Run
	if err := json.Unmarshal([]byte(invoke(t, goodCanvas, "canvas", "run", "-", "-o", "json").want(t, exitOK).stdout), &r); err != nil || r.State != "success" || len(r.Tasks) != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	first := invoke(t, goodCanvas, "canvas", "run", "-", "--wait=false", "--idempotency-key", "k").want(t, exitOK).stdout
	if again := invoke(t, goodCanvas, "canvas", "run", "-", "--wait=false", "--idempotency-key", "k").want(t, exitOK).stdout; again != first || len(first) != 37 {
		t.Errorf("%q, then %q", first, again)
	}
}

func TestCanvasRefusals(t *testing.T) {
	played(t)
	invoke(t, `{"chian": []}`, "canvas", "run", "-").want(t, exitUsage).says(t, `did you mean "chain"?`)
	invoke(t, `{"chain": []}`, "canvas", "run", "-").want(t, exitRefused).says(t, "chain: is empty")
	invoke(t, "", "canvas", "run", "nowhere.json").want(t, exitUsage).says(t, "nowhere.json")
	invoke(t, "", "canvas", "run").want(t, exitUsage)
}

func TestRunCommands(t *testing.T) {
	played(t)
	failed := invoke(t, `{"chain": [{"task": "suite-fail.main"}, {"task": "echo.main"}]}`, "canvas", "run", "-").want(t, exitFailed)
	failed.says(t, "failed (exit_code)", "windrow run show ", "windrow task logs ")
	id := strings.TrimSuffix(strings.Fields(failed.stderr)[2], ":")
	done := strings.TrimSpace(invoke(t, goodCanvas, "canvas", "run", "-", "--wait=false").want(t, exitOK).stdout)
	watched := invoke(t, "", "run", "watch", done).want(t, exitOK)
	watched.says(t, "chain-0-group-0  success", `chain-1  success`)
	if watched.stdout != "[1,\"two\"]\n" {
		t.Error(watched.stdout)
	}
	invoke(t, "", "run", "watch", id).want(t, exitFailed).says(t, "chain-0  failure", "chain-1  upstream_failed")
	show := invoke(t, "", "run", "show", id).want(t, exitOK).stdout
	for _, part := range []string{"chain-0", "suite-fail.main", "upstream_failed", "exit_code"} {
		if !strings.Contains(show, part) {
			t.Errorf("run show lacks %q:\n%s", part, show)
		}
	}
	list := invoke(t, "", "run", "list", "--state", "failed").want(t, exitOK).stdout
	if !strings.Contains(list, id) || strings.Contains(list, done) {
		t.Error(list)
	}
	var runs []wire.Run
	if err := json.Unmarshal([]byte(invoke(t, "", "run", "list", "--kind", "chain", "--limit", "1", "-o", "json").want(t, exitOK).stdout), &runs); err != nil || len(runs) != 1 || runs[0].ID != done {
		t.Errorf("%+v, %v", runs, err)
	}
	invoke(t, "", "run", "cancel", id).want(t, exitRefused).says(t, "already_ended")
	invoke(t, "", "run", "show", idA).want(t, exitNotFound)
	for _, args := range [][]string{{"--state", "success,x"}, {"--kind", "x"}, {"--limit", "-1"}, {"--since", "x"}} {
		invoke(t, "", append([]string{"run", "list"}, args...)...).want(t, exitUsage)
	}
}

func TestRunSteer(t *testing.T) {
	played(t)
	id := strings.TrimSpace(invoke(t, `{"chain": [{"task": "suite-sleep.main", "input": 600000}, {"task": "echo.main"}]}`, "canvas", "run", "-", "--wait=false").want(t, exitOK).stdout)
	if got := invoke(t, "", "run", "pause", id).want(t, exitOK).stdout; got != "run "+id+": running, paused\n" {
		t.Error(got)
	}
	if got := invoke(t, "", "run", "resume", id).want(t, exitOK).stdout; got != "run "+id+": running\n" {
		t.Error(got)
	}
	invoke(t, "", "run", "cancel", id).want(t, exitOK)
	invoke(t, "", "run", "watch", id).want(t, exitFailed).says(t, "cancelled")
}
