// Package guesttest runs a module's tasks in unit tests, as ordinary functions
// of the test's own process: no node, no Wasm.
//
//	func TestGreet(t *testing.T) {
//		a := guesttest.Run(t, "greet", Greeting{Name: "you"})
//		if got := guesttest.Output[string](t, a); got != "Hello, you" {
//			t.Errorf("got %q\n%s", got, a.Log)
//		}
//	}
//
// Input is checked as strictly as a node does at submission. What an attempt
// logs has no times, so that it can be compared. What only a sandbox does is not
// here: limits of memory, the kill at the deadline, a fresh instance for each
// attempt. Variables of the package outlive an attempt here, and on a node they
// never do.
package guesttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Attempt is an attempt that has ended.
type Attempt struct {
	// Output is the result as JSON, null where there is none. It is nil after
	// a failure, and while the task waits.
	Output json.RawMessage
	// Failure is why the attempt failed, nil where it did not.
	Failure *guest.Failure
	// Log is what the attempt has logged by its Context, without times.
	Log string
	// Progress is all that the attempt has reported.
	Progress []json.RawMessage
	// Spawned are the runs that the attempt has asked for, none after a failure.
	Spawned []Spawned
	// Waiting is what the task waits for, nil where it does not.
	Waiting *Waiting
}

// Run makes an attempt at a task of the module that the test belongs to. The
// input is any value that makes JSON, a json.RawMessage for JSON as it is; nil
// is a call without an input, for which Args and Kwargs may give something. It
// ends the test where the module could not be uploaded or has no such task.
func Run(t testing.TB, task string, input any, options ...Option) *Attempt {
	t.Helper()
	manifest := Manifest(t)
	if manifest.Task(task) == nil {
		t.Fatalf("this module has no task %q; it has %v", task, manifest.Names())
	}
	h := &host{call: map[string]any{"task": task, "id": DefaultID, "attempt": 1}, time: DefaultTimeout}
	if input != nil {
		h.call["input"] = input
	}
	for _, o := range options {
		o(h)
	}
	h.begun = time.Now()
	h.call["deadline"] = h.begun.Add(2 * h.time).UTC() // the soft limit comes first
	var envelope bytes.Buffer
	e := json.NewEncoder(&envelope)
	e.SetEscapeHTML(false)
	if err := e.Encode(h.call); err != nil {
		t.Fatalf("the call is no JSON: %v", err)
	}
	h.judge(guest.ServeStrictly(h, envelope.Bytes()))
	return &h.attempt
}

// judge says how the attempt has ended, as a node does.
func (h *host) judge(code int32) {
	a := &h.attempt
	switch {
	case a.Failure != nil && reserved[a.Failure.Type]:
		a.Failure.Message = fmt.Sprintf("the guest failed with the type %q, which only the host may give: %s", a.Failure.Type, a.Failure.Message)
		a.Failure.Type = "reserved_type"
	case a.Failure != nil || code == 0:
	case h.left() == 0:
		a.Failure = &guest.Failure{Type: "soft_timeout", Message: "the guest stopped after its soft timeout of " + h.time.String()}
	default:
		a.Failure = &guest.Failure{Type: "exit_code", Message: fmt.Sprintf("the guest ended with code %d", code)}
	}
	if a.Failure == nil && h.wrong != nil {
		a.Failure = &guest.Failure{Type: guest.TypeInvalidCanvas, Message: h.wrong.Error()}
	}
	switch {
	case a.Failure != nil:
		a.Output, a.Spawned, a.Waiting = nil, nil, nil
	case a.Waiting != nil:
		a.Output = nil
	case a.Output == nil:
		a.Output = json.RawMessage("null")
	}
}

// reserved are the error types of a node.
var reserved = map[string]bool{
	"exit_code": true, "trap": true, "timeout": true, "soft_timeout": true, "out_of_memory": true, "stack_overflow": true,
	"output_too_large": true, "input_too_large": true, "input_damaged": true, "invalid_output": true, "expression_error": true, "sandbox_crashed": true,
	"worker_lost": true, "expired": true, "revoked": true, "dependency": true, "module_unavailable": true,
}

// Output gives what an attempt has put out, and ends the test where it failed.
func Output[T any](t testing.TB, a *Attempt) T {
	t.Helper()
	var v T
	if a.Failure != nil {
		t.Fatalf("the attempt failed: %s: %s\n%s\n%s", a.Failure.Type, a.Failure.Message, a.Failure.Trace, a.Log)
	}
	if err := json.Unmarshal(a.Output, &v); err != nil {
		t.Fatalf("the output is no %T: %v\n%s", v, err, a.Output)
	}
	return v
}

// FailedWith reports whether the attempt failed with an error of this type.
func (a *Attempt) FailedWith(kind string) bool { return a.Failure != nil && a.Failure.Type == kind }

// Retried reports whether the attempt asked for another one.
func (a *Attempt) Retried() bool {
	return a.Failure != nil && a.Failure.Retry != nil && *a.Failure.Retry
}

// Fatal reports whether the attempt said that another one is no use.
func (a *Attempt) Fatal() bool {
	return a.Failure != nil && a.Failure.Retry != nil && !*a.Failure.Retry
}

// What a call has that does not say otherwise.
const (
	DefaultID      = "01940000-0000-7000-8000-000000000000"
	DefaultTimeout = 5 * time.Minute
)

// Option changes a call.
type Option func(*host)

// Args gives the call positional arguments; Run's input is to be nil.
func Args(values ...any) Option {
	if values == nil {
		values = []any{}
	}
	return func(h *host) { h.call["args"] = values }
}

// Kwargs gives the call named arguments; Run's input is to be nil.
func Kwargs(values map[string]any) Option { return func(h *host) { h.call["kwargs"] = values } }

// Number says which attempt it is; 1 is the first.
func Number(n int) Option { return func(h *host) { h.call["attempt"] = n } }

// ID is the task's id.
func ID(id string) Option { return func(h *host) { h.call["id"] = id } }

// Timeout is how long the attempt's Context lasts, as a soft time limit. Nothing
// kills an attempt that goes on.
func Timeout(d time.Duration) Option { return func(h *host) { h.time = d } }

// Answer stands in for an operation of the host that a task calls by
// Context.HostCall or one of the SDK's methods.
func Answer(op int32, answer func(arg []byte) ([]byte, error)) Option {
	return func(h *host) {
		if h.answers == nil {
			h.answers = map[int32]func([]byte) ([]byte, error){}
		}
		h.answers[op] = answer
	}
}

// host is what an attempt in a test speaks to.
type host struct {
	call    map[string]any
	time    time.Duration
	begun   time.Time
	answers map[int32]func([]byte) ([]byte, error)
	attempt Attempt
	asked   int   // bytes
	wrong   error // with a canvas
}

// Bounds of the operations, as a node has them.
const (
	maxFailure  = 4 << 10
	maxProgress = 64 << 10
)

// Call implements guest.Host.
func (h *host) Call(op int32, arg []byte) ([]byte, error) {
	if answer := h.answers[op]; answer != nil {
		return answer(arg)
	}
	switch op {
	case guest.OpOutput, guest.OpSpawn, guest.OpDefer, guest.OpReplace:
		return h.conclude(op, arg)
	case guest.OpFail:
		if len(arg) > maxFailure {
			return nil, &guest.HostError{Code: -3, Message: "FAIL takes at most 4096 bytes"}
		}
		h.attempt.Failure = &guest.Failure{}
		return nil, json.Unmarshal(arg, h.attempt.Failure)
	case guest.OpLog:
		h.attempt.Log += string(withoutTime(arg)) + "\n"
	case guest.OpProgress:
		switch {
		case h.left() == 0:
			return nil, guest.ErrSoftTimeout
		case len(arg) > maxProgress:
			return nil, &guest.HostError{Code: -3, Message: "PROGRESS takes at most 65536 bytes"}
		}
		h.attempt.Progress = append(h.attempt.Progress, bytes.Clone(arg))
	case guest.OpRemaining:
		return fmt.Append(nil, h.left().Milliseconds()), nil
	default:
		return nil, guest.ErrUnknownOp
	}
	return nil, nil
}

func (h *host) left() time.Duration { return max(0, h.time-time.Since(h.begun)) }

// withoutTime leaves out the time that a line begins with, and its end.
func withoutTime(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if bytes.HasPrefix(line, []byte("time=")) {
		if _, rest, ok := bytes.Cut(line, []byte(" ")); ok {
			return rest
		}
	}
	return line
}
