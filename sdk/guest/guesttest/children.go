package guesttest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Spawned is a run that an attempt has asked for.
type Spawned struct {
	ID     string
	Canvas wire.Canvas
}

// Waiting is what a task waits for after an attempt that ended in guest.Await or
// guest.Replace.
type Waiting struct {
	State json.RawMessage
	Runs  []string      // ids, those of Spawned among them
	After time.Duration // 0 is without end
	// Replaced says that the one run takes the task's place.
	Replaced bool
}

// Success is a run that a task has waited for and that ended well. It panics
// where the result cannot be JSON.
func Success(id string, result any) guest.Run {
	b, err := json.Marshal(result)
	if err != nil {
		panic(fmt.Errorf("guesttest: no JSON value: %w", err))
	}
	return guest.Run{ID: id, State: wire.RunSuccess, Result: b}
}

// Failed is a run that a task has waited for and that failed, by the error of
// one of its tasks.
func Failed(id, kind, message string) guest.Run {
	return guest.Run{ID: id, State: wire.RunFailed, Error: &guest.RunError{Type: kind, Message: message}}
}

// Resumed makes it an attempt that goes on after a wait, with its state (that of
// Waiting, or any value that makes JSON) and the runs in the order in which they
// were waited for.
//
//	a := guesttest.Run(t, "total", order)
//	a = guesttest.Run(t, "total", order, guesttest.Resumed(a.Waiting.State, guesttest.Success(a.Spawned[0].ID, []int{3, 4})))
func Resumed(state any, runs ...guest.Run) Option {
	if runs == nil {
		runs = []guest.Run{}
	}
	for i := range runs {
		if runs[i].Result == nil {
			runs[i].Result = json.RawMessage("null")
		}
	}
	return func(h *host) { h.call["resume"] = map[string]any{"state": state, "runs": runs} }
}

// maxAsks is how much an attempt may ask for, bytes of canvases and state.
const maxAsks = 256 << 10

// conclude takes the result, or what the attempt asks for beside it.
func (h *host) conclude(op int32, arg []byte) ([]byte, error) {
	if h.attempt.Waiting != nil {
		return nil, &guest.HostError{Code: -6, Message: "the attempt has said that its task waits; return now"}
	}
	if h.asked += len(arg) + 64; op != guest.OpOutput && h.asked > maxAsks {
		return nil, guest.ErrTooLarge
	}
	switch op {
	case guest.OpSpawn, guest.OpReplace:
		var c wire.Canvas
		if err := wire.DecodeCanvas(append([]byte(nil), arg...), &c); err != nil && h.wrong == nil {
			h.wrong = err // a node says so when the attempt has ended
		}
		id := fmt.Sprintf("01940000-0000-7000-8000-%04x00000000", len(h.attempt.Spawned)+1)
		h.attempt.Spawned = append(h.attempt.Spawned, Spawned{ID: id, Canvas: c})
		if op == guest.OpReplace {
			h.attempt.Waiting = &Waiting{Runs: []string{id}, Replaced: true}
		}
		return []byte(id), nil
	case guest.OpDefer:
		return nil, h.pause(arg)
	}
	h.attempt.Output = append(json.RawMessage{}, arg...)
	return nil, nil
}

func (h *host) pause(arg []byte) error {
	var asked struct {
		State json.RawMessage `json:"state"`
		Wait  []string        `json:"wait"`
		After string          `json:"after"`
	}
	if err := json.Unmarshal(arg, &asked); err != nil {
		return &guest.HostError{Code: -5, Message: err.Error()}
	}
	w := &Waiting{State: asked.State, Runs: asked.Wait}
	if asked.After != "" {
		var err error
		if w.After, err = time.ParseDuration(asked.After); err != nil || w.After < 0 {
			return &guest.HostError{Code: -5, Message: "after is a duration"}
		}
	}
	switch {
	case len(w.Runs) == 0 && w.After == 0:
		return &guest.HostError{Code: -5, Message: "a task waits for runs, for a time, or for both"}
	case len(w.State) > 64<<10:
		return &guest.HostError{Code: -5, Message: "a state has at most 64 KiB"}
	}
	h.attempt.Waiting = w
	return nil
}
