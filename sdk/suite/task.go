package suite

import (
	"bytes"
	"io"
	"strconv"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func (s *suite) echo() {
	t := s.T
	const input = `{"text": "grüß Gott", "list": [1, 2.5, null, true], "big": 9007199254740993}`
	task := s.run(windrow.Call{Task: "suite-echo.main", Input: []byte(input)})
	if task.State != wire.StateSuccess {
		t.Fatalf("state %s, error %+v", task.State, task.Error)
	}
	jsonEqual(t, string(task.Result), input)
	if !bytes.Contains(task.Result, []byte("9007199254740993")) {
		t.Errorf("the result %s lost digits", task.Result)
	}
	if task.Module != "suite-echo" || task.Queue != "default" || task.Priority != 5 || task.Attempt != 1 {
		t.Errorf("got %+v", task)
	}
	if task.CreatedAt.IsZero() || task.StartedAt.IsZero() || task.FinishedAt.Before(task.CreatedAt.Time) {
		t.Errorf("times: created %s, started %s, finished %s", task.CreatedAt, task.StartedAt, task.FinishedAt)
	}
	if task.Usage == nil {
		t.Error("a finished task tells its usage")
	}
}

func (s *suite) arguments() {
	t := s.T
	task := s.run(windrow.Call{Task: "suite-echo.main", Args: windrow.Args(1, "two"), Kwargs: windrow.JSON(map[string]any{"three": 3})})
	jsonEqual(t, string(task.Result), `{"args": [1, "two"], "kwargs": {"three": 3}}`)
	nothing := s.run(windrow.Call{Task: "suite-echo.main"})
	jsonEqual(t, string(nothing.Result), `{"args": [], "kwargs": {}}`)
}

func (s *suite) failure() {
	t := s.T
	task := s.run(windrow.Call{Task: "suite-fail.main", Input: []byte("3")})
	if task.State != wire.StateFailure || task.Error == nil || task.Error.Type != "exit_code" || task.Error.ExitCode != 3 {
		t.Fatalf("state %s, error %+v, want failure with exit_code 3", task.State, task.Error)
	}
	if task.Attempt != 1 {
		t.Errorf("%d attempts without a retry policy", task.Attempt)
	}
}

func (s *suite) retries() {
	t := s.T
	task := s.run(windrow.Call{Task: "suite-fail.main", Retry: &windrow.Retry{Max: 2, Backoff: windrow.After(time.Millisecond)}})
	if task.State != wire.StateFailure || task.Attempt != 3 {
		t.Fatalf("state %s after %d attempts, want failure after 3", task.State, task.Attempt)
	}
	not := s.run(windrow.Call{Task: "suite-fail.main", Retry: &windrow.Retry{Max: 2, Backoff: windrow.After(time.Millisecond), NotOn: []string{"exit_code"}}})
	if not.Attempt != 1 {
		t.Errorf("%d attempts of an error type that is not retried", not.Attempt)
	}
}

func (s *suite) typed() {
	t := s.T
	type point struct{ X, Y int }
	call := windrow.Call{Task: "suite-echo.main", Input: windrow.JSON(point{1, 2})}
	if got := must[point](t)(windrow.Run[point](bounded(t), s.c, call)); got != (point{1, 2}) {
		t.Errorf("got %+v", got)
	}
	_, err := windrow.Run[int](bounded(t), s.c, windrow.Call{Task: "suite-fail.main"})
	if !windrow.FailedWith(err, "exit_code") {
		t.Errorf("got %v, want a failure with exit_code", err)
	}
}

func (s *suite) idempotency() {
	t := s.T
	key := windrow.IdempotencyKey(windrow.NewIdempotencyKey())
	call := windrow.Call{Task: "suite-echo.main", Input: []byte("1")}
	first := must[*windrow.Submitted](t)(s.c.Submit(bounded(t), call, key))
	second := must[*windrow.Submitted](t)(s.c.Submit(bounded(t), call, key))
	if first.ID != second.ID {
		t.Errorf("two tasks, %s and %s, under one key", first.ID, second.ID)
	}
	field := windrow.Call{Task: "suite-echo.main", IdempotencyKey: windrow.NewIdempotencyKey()}
	if a, b := s.submit(field), s.submit(field); a != b {
		t.Errorf("two tasks, %s and %s, under one key in the call", a, b)
	}
}

func (s *suite) idempotencyConflict() {
	t := s.T
	key := windrow.IdempotencyKey(windrow.NewIdempotencyKey())
	must[*windrow.Submitted](t)(s.c.Submit(bounded(t), windrow.Call{Task: "suite-echo.main", Input: []byte("1")}, key))
	_, err := s.c.Submit(bounded(t), windrow.Call{Task: "suite-echo.main", Input: []byte("2")}, key)
	refused(t, err, 409, wire.CodeIdempotency)
}

func (s *suite) unique() {
	t := s.T
	unique := windrow.NewIdempotencyKey()
	call := windrow.Call{Task: "suite-echo.main", UniqueKey: unique, Countdown: windrow.After(time.Hour)}
	id := s.submit(call)
	_, err := s.c.Submit(bounded(t), call)
	refused(t, err, 409, wire.CodeDuplicate)
	if other, ok := windrow.DuplicateOf(err); !ok || other != id {
		t.Errorf("the refusal names task %q, want %s", other, id)
	}
	must[*windrow.Submitted](t)(s.c.Revoke(bounded(t), id, false))
	call.Countdown = nil
	s.run(call)
}

func (s *suite) batch() {
	t := s.T
	calls := make([]windrow.Call, 250)
	for i := range calls {
		calls[i] = windrow.Call{Task: "suite-echo.main", Input: []byte(strconv.Itoa(i))}
	}
	ids := must[[]string](t)(s.c.SubmitBatch(bounded(t), calls))
	if len(ids) != len(calls) {
		t.Fatalf("%d ids for %d calls", len(ids), len(calls))
	}
	for i, id := range ids {
		if task := must[*windrow.Task](t)(s.c.Wait(bounded(t), id)); string(task.Result) != strconv.Itoa(i) {
			t.Fatalf("call %d gave %s", i, task.Result)
		}
	}
}

func (s *suite) batchRefused() {
	t := s.T
	queue := "suite-" + windrow.NewIdempotencyKey()
	_, err := s.c.SubmitBatch(bounded(t), []windrow.Call{
		{Task: "suite-echo.main", Queue: queue}, {Task: "suite-nothing.main", Queue: queue}})
	refused(t, err, 404, wire.CodeModuleNotFound)
	made := must[[]windrow.Task](t)(windrow.Collect(s.c.Tasks(bounded(t), windrow.TaskFilter{Queue: queue}), 0))
	if len(made) != 0 {
		t.Errorf("%d tasks of a refused batch exist", len(made))
	}
}

func (s *suite) list() {
	t := s.T
	queue := "suite-" + windrow.NewIdempotencyKey()
	calls := make([]windrow.Call, 23)
	for i := range calls {
		calls[i] = windrow.Call{Task: "suite-echo.main", Queue: queue, Input: []byte("1")}
	}
	ids := must[[]string](t)(s.c.SubmitBatch(bounded(t), calls))
	for _, id := range ids {
		must[*windrow.Task](t)(s.c.Wait(bounded(t), id))
	}
	filter := windrow.TaskFilter{Queue: queue, Task: "suite-echo.", States: []string{wire.StateSuccess}, PageSize: 7}
	found := must[[]windrow.Task](t)(windrow.Collect(s.c.Tasks(bounded(t), filter), 0))
	if len(found) != len(ids) {
		t.Fatalf("the list has %d tasks, want %d", len(found), len(ids))
	}
	for i, task := range found {
		if want := ids[len(ids)-1-i]; task.ID != want {
			t.Fatalf("entry %d is %s, want %s: newest first", i, task.ID, want)
		}
	}
	filter.States = []string{wire.StateFailure}
	if none := must[[]windrow.Task](t)(windrow.Collect(s.c.Tasks(bounded(t), filter), 0)); len(none) != 0 {
		t.Errorf("%d tasks have failed", len(none))
	}
}

func (s *suite) revoke() {
	t := s.T
	id := s.submit(windrow.Call{Task: "suite-echo.main", Countdown: windrow.After(time.Hour)})
	must[*windrow.Submitted](t)(s.c.Revoke(bounded(t), id, false))
	task := must[*windrow.Task](t)(s.c.Wait(bounded(t), id))
	if task.State != wire.StateRevoked || task.Error == nil || task.Error.Type != "revoked" {
		t.Errorf("state %s, error %+v", task.State, task.Error)
	}
	done := s.run(windrow.Call{Task: "suite-echo.main"})
	_, err := s.c.Revoke(bounded(t), done.ID, true)
	refused(t, err, 409, wire.CodeAlreadyEnded)
}

func (s *suite) terminate() {
	t := s.T
	id := s.submit(windrow.Call{Task: "suite-sleep.main", Input: []byte("30000")})
	s.until(id, wire.StateStarted, wire.StateReceived)
	must[*windrow.Submitted](t)(s.c.Revoke(bounded(t), id, true))
	if task := must[*windrow.Task](t)(s.c.Wait(bounded(t), id)); task.State != wire.StateRevoked {
		t.Errorf("state %s", task.State)
	}
}

// revokeRunning cannot know whether the task has begun when the revocation
// arrives: one that has not is revoked, without an attempt.
func (s *suite) revokeRunning() {
	t := s.T
	id := s.submit(windrow.Call{Task: "suite-sleep.main", Input: []byte("300")})
	s.until(id, wire.StateStarted, wire.StateSuccess)
	if _, err := s.c.TaskWithin(bounded(t), id, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := s.c.Revoke(bounded(t), id, false); err != nil && !windrow.HasCode(err, wire.CodeAlreadyEnded) {
		t.Fatal(err)
	}
	task := must[*windrow.Task](t)(s.c.Wait(bounded(t), id))
	if task.State != wire.StateSuccess && (task.State != wire.StateRevoked || task.Attempt != 0) {
		t.Errorf("state %s after %d attempts", task.State, task.Attempt)
	}
}

func (s *suite) expires() {
	t := s.T
	task := s.run(windrow.Call{Task: "suite-echo.main", Countdown: windrow.After(time.Hour),
		Expires: &wire.Expires{In: wire.Duration(20 * time.Millisecond)}})
	if task.State != wire.StateRevoked || task.Error == nil || task.Error.Type != "expired" {
		t.Errorf("state %s, error %+v", task.State, task.Error)
	}
}

func (s *suite) timeout() {
	t := s.T
	task := s.run(windrow.Call{Task: "suite-sleep.main", Input: []byte("30000"), Timeout: windrow.After(50 * time.Millisecond)})
	if task.State != wire.StateFailure || task.Error == nil || task.Error.Type != "timeout" {
		t.Errorf("state %s, error %+v", task.State, task.Error)
	}
}

func (s *suite) logs() {
	t := s.T
	const want = "line 1\nline 2\nline 3\n"
	id := s.submit(windrow.Call{Task: "suite-logger.main", Countdown: windrow.After(30 * time.Millisecond)})
	for _, options := range []windrow.LogOptions{{Follow: true}, {}, {Attempt: 1}} {
		r := must[io.ReadCloser](t)(s.c.Logs(bounded(t), id, options))
		got := must[[]byte](t)(io.ReadAll(r))
		r.Close()
		if string(got) != want {
			t.Errorf("with %+v: %q, want %q", options, got, want)
		}
	}
}

func (s *suite) follow() {
	t := s.T
	id := s.submit(windrow.Call{Task: "suite-logger.main", Countdown: windrow.After(30 * time.Millisecond)})
	var text, last string
	for n, err := range s.c.Follow(bounded(t), id, windrow.LogOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		text, last = text+n.Text, n.Type+" "+n.State
	}
	if text != "line 1\nline 2\nline 3\n" || last != "end success" {
		t.Errorf("it said %q and then %q", text, last)
	}
}

func (s *suite) events() {
	t := s.T
	first := s.submit(windrow.Call{Task: "suite-echo.main", Countdown: windrow.After(time.Hour)})
	if _, err := s.c.Revoke(bounded(t), first, false); err != nil {
		t.Fatal(err)
	}
	filter := windrow.EventFilter{Task: first, After: "0-0"}
	var seen []string
	for e, err := range s.c.Events(bounded(t), filter) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, e.State); e.State == wire.StateRevoked {
			filter.After = e.ID
			break
		}
	}
	if len(seen) != 2 || seen[0] != wire.StatePending {
		t.Errorf("events told %v", seen)
	}
	second := s.submit(windrow.Call{Task: "suite-echo.main"})
	filter.Task, filter.Types = second, []string{"task.success"}
	for e, err := range s.c.Events(bounded(t), filter) {
		if err != nil || e.TaskID != second || e.Type != "task.success" {
			t.Errorf("after %s came %+v, %v", filter.After, e, err)
		}
		break
	}
}
