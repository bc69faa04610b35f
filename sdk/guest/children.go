package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest/internal/scan"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Spawn asks for a run of a canvas, which package canvas writes, and gives its
// id. In it a task named ".TASK" is one of this module, of the same version. The
// run begins when this attempt has ended well, and not at all where it fails: it
// has no result while the attempt goes on. See [Await] for that.
func (c *Context) Spawn(canvas wire.Canvas) (runID string, err error) {
	b, err := encode(canvas)
	if err != nil {
		return "", Fatal(Errorf(TypeInvalidCanvas, "the canvas: %w", err))
	}
	id, err := c.host.Call(OpSpawn, b)
	return string(id), err
}

// TypeInvalidCanvas is how an attempt fails that spawns what cannot be run: the
// node's word for it, too.
const TypeInvalidCanvas = "invalid_canvas"

// waiting is the error by which a handler says that its task waits.
type waiting struct {
	state   any
	wait    []string
	after   time.Duration
	replace json.RawMessage // a canvas; written where it is given, so that who has none links none
	err     error           // why it cannot be
}

// Error says so to those who do not expect it.
func (*waiting) Error() string { return "the task is to wait: its handler must return this error" }

// Event is something that a task waits for.
type Event func(*waiting)

// Runs are over when all of them have ended, however they did. One that is not
// known counts as ended.
func Runs(ids ...string) Event { return func(w *waiting) { w.wait = append(w.wait, ids...) } }

// After is over when that time is.
func After(d time.Duration) Event { return func(w *waiting) { w.after = d } }

// Await ends the attempt and lets the task wait, without a slot and without an
// instance, for the first of the events. Then the handler is called anew, in a
// fresh instance, and finds the state and what the runs came to in
// [Context.Resume]. A handler returns it in an error's place:
//
//	return Report{}, guest.Await(state, guest.Runs(id), guest.After(time.Hour))
func Await(state any, events ...Event) error {
	w := &waiting{state: state}
	for _, e := range events {
		e(w)
	}
	return w
}

// Replace ends the attempt and lets a canvas take the task's place: its result
// becomes the task's, its failure the task's. A handler returns it in an error's
// place; it is not called again.
func Replace(canvas wire.Canvas) error {
	b, err := encode(canvas)
	return &waiting{replace: b, err: err}
}

// Resumed is what a task goes on with after [Await].
type Resumed struct {
	State json.RawMessage
	Runs  []Run // in the order in which they were waited for
}

// Run is how a run stands that a task has waited for.
type Run struct {
	ID string `json:"id"`
	// State is wire.RunSuccess, RunFailed or RunCancelled; RunQueued or
	// RunRunning where a time was over before; "unknown" where the run is not
	// kept any longer.
	State  string          `json:"state"`
	Result json.RawMessage `json:"result"`
	Error  *RunError       `json:"error"`
}

// RunError is why a run has failed: the error of the first task that did.
type RunError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// Error gives type and message.
func (e *RunError) Error() string { return e.Type + ": " + e.Message }

// Resume is what the task goes on with, nil where it has not waited. All runs
// that were spawned before are history then: whoever wants one of them again in a
// later wait keeps its id in the state.
func (c *Context) Resume() *Resumed { return c.Call.Resume }

// Load reads the state into v, a pointer.
func (r *Resumed) Load(v any) error {
	if err := json.Unmarshal(r.State, v); err != nil {
		return fmt.Errorf("the state of the task: %w", err)
	}
	return nil
}

// ResultOf reads the result of a run that ended well. Any other is an error: a
// *RunError where a task of it failed.
func ResultOf[T any](r Run) (T, error) {
	var v T
	switch {
	case r.Error != nil:
		return v, fmt.Errorf("run %s: %w", r.ID, r.Error)
	case r.State != wire.RunSuccess:
		return v, fmt.Errorf("run %s is %s", r.ID, r.State)
	}
	if err := json.Unmarshal(r.Result, &v); err != nil {
		return v, fmt.Errorf("the result of run %s is no %T: %w", r.ID, v, err)
	}
	return v, nil
}

// readResume reads the envelope's resume without copying results.
func readResume(text []byte) (*Resumed, error) {
	if string(scan.Trim(text)) == "null" {
		return nil, nil //nolint:nilnil // none is no error
	}
	r := &Resumed{State: json.RawMessage("null")}
	for name, value := range scan.Members(text) {
		switch name {
		case "state":
			r.State = value
		case "runs":
			for _, of := range scan.Elements(value) {
				var run Run
				for name, value := range scan.Members(of) {
					switch name {
					case "id":
						run.ID = scan.String(value)
					case "state":
						run.State = scan.String(value)
					case "result":
						run.Result = value
					case "error":
						if err := json.Unmarshal(value, &run.Error); err != nil {
							return nil, err
						}
					}
				}
				r.Runs = append(r.Runs, run)
			}
		}
	}
	return r, nil
}

// settle tells the host what a handler's task waits for.
func (w *waiting) settle(h Host) error {
	if w.replace != nil || w.err != nil {
		err := w.err
		if err == nil {
			_, err = h.Call(OpReplace, w.replace)
		}
		if err != nil {
			return Fatal(Errorf(TypeInvalidCanvas, "the canvas that is to replace the task: %w", err))
		}
		return nil
	}
	b, err := encode(struct {
		State any      `json:"state"`
		Wait  []string `json:"wait,omitempty"`
		After string   `json:"after,omitempty"`
	}{w.state, w.wait, duration(w.after)})
	if err == nil {
		_, err = h.Call(OpDefer, b)
	}
	if err != nil {
		return Fatal(Errorf("invalid_wait", "the task cannot wait: %w", err))
	}
	return nil
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// waits finds a wait in what a handler returned.
func waits(err error) *waiting {
	var w *waiting
	errors.As(err, &w)
	return w
}
