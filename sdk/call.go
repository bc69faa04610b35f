package windrow

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// What travels has its types in package wire; these are the ones that users of
// a client meet.
type (
	// Call asks for one task. Only its Task, "MODULE.TASK", must be given.
	Call = wire.Call
	// Retry is a call's policy for failed attempts.
	Retry = wire.Retry
	// Task is a task as a server knows it.
	Task = wire.Task
	// Submitted is a task that was accepted.
	Submitted = wire.Submitted
	// Duration is a span of time in a call.
	Duration = wire.Duration
	// Time is a moment in a call or a task.
	Time = wire.Time
)

// JSON writes a value for a call's Input, Kwargs or Headers. It panics where v
// cannot be JSON, such as a channel: a mistake in the program.
func JSON(v any) json.RawMessage {
	b, err := encode(v)
	if err != nil {
		panic("windrow: no JSON value: " + err.Error())
	}
	return b
}

// encode is json.Marshal that leaves <, > and & as they are, since nothing here
// ends up within HTML and guests read what was written.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Args writes a call's Args. It panics as JSON does.
func Args(values ...any) json.RawMessage {
	if values == nil {
		values = []any{}
	}
	return JSON(values)
}

// After is a duration for a call's options.
func After(d time.Duration) *Duration { return new(Duration(d)) }

// At is a moment for a call's options.
func At(t time.Time) *Time { return &Time{Time: t} }
