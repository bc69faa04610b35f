package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// Defaults of a call that gives nothing.
const (
	noArgs   = "[]"
	noKwargs = "{}"
)

// attempt makes of an assignment what the host runs.
func attempt(a *Assignment, m host.Module, p *queue.Payload) (*host.Attempt, error) {
	input, err := inputOf(m.Kind, p)
	if err != nil {
		return nil, err
	}
	s := a.Spec
	return &host.Attempt{
		Module: m, Task: s.Task, ID: a.ID, Number: int(a.Attempt), Input: input,
		Timeout: time.Duration(s.Timeout), SoftTimeout: time.Duration(s.SoftTimeout),
		MemoryLimit: s.Memory, Output: s.Output.String(), Once: s.AckEarly,
	}, nil
}

// inputOf is what a command reads from stdin, or the members that the call
// gives to a reactor's envelope.
func inputOf(kind string, p *queue.Payload) ([]byte, error) {
	if p.Raw && p.Input != nil {
		return rawInput(kind, p)
	}
	if kind != host.KindReactor && p.Input != nil {
		return p.Input, nil
	}
	b := make([]byte, 0, len(p.Args)+len(p.Kwargs)+len(p.Input)+len(p.Resume)+64)
	b = append(b, `{"args":`...)
	b = appendOr(b, p.Args, noArgs)
	b = append(b, `,"kwargs":`...)
	b = appendOr(b, p.Kwargs, noKwargs)
	if p.Input != nil {
		b = append(b, `,"input":`...)
		b = append(b, p.Input...)
	}
	if p.Resume != nil {
		b = append(b, `,"resume":`...)
		b = append(b, p.Resume...)
	}
	return append(b, '}'), nil
}

// rawInput is the text of a JSON string, as it is. A reactor has no stdin and
// gets the string itself.
func rawInput(kind string, p *queue.Payload) ([]byte, error) {
	if kind == host.KindReactor {
		q := *p
		q.Raw = false
		return inputOf(kind, &q)
	}
	var s string
	if err := json.Unmarshal(p.Input, &s); err != nil {
		return nil, fmt.Errorf("stdin: raw wants a string: %w", err)
	}
	return []byte(s), nil
}

func appendOr(dst, v []byte, none string) []byte {
	if v == nil {
		return append(dst, none...)
	}
	return append(dst, v...)
}

// prepare finds the module and the payload of an assignment. Without fetch it
// reports false where something is not at hand.
func (w *Worker) prepare(ctx context.Context, a *Assignment, fetch bool) (*host.Attempt, *fault, bool) {
	if a.Fault != "" {
		return nil, leaders(a), true
	}
	p, err := queue.DecodePayload(a.Payload)
	if err != nil {
		return nil, &fault{err: unavailable("the payload: %v", err)}, true
	}
	m, ok := w.cfg.Modules.Local(a.Digest)
	if !fetch && (!ok || p.Blob != "" || p.ResumeBlob != "") {
		return nil, nil, false
	}
	if !ok {
		if m, err = w.cfg.Modules.Fetch(ctx, a.Digest); err != nil {
			return nil, passing("fetch module %s: %v", a.Spec.Module, err), true
		}
	}
	if p.Blob != "" {
		blob, err := w.cfg.Blobs.Get(ctx, p.Blob)
		if err != nil {
			return nil, passing("fetch the input: %v", err), true
		}
		if err := unfold(&p, blob); err != nil {
			return nil, &fault{err: unavailable("%v", err)}, true
		}
	}
	if p.ResumeBlob != "" {
		if p.Resume, err = w.cfg.Blobs.Get(ctx, p.ResumeBlob); err != nil {
			return nil, passing("fetch what the task goes on with: %v", err), true
		}
	}
	made, err := attempt(a, m, &p)
	if err != nil {
		return nil, &fault{err: &queue.Error{Type: queue.ErrFatal, Message: err.Error()}}, true
	}
	return made, nil, true
}

// unfold puts a blob where it was taken from: the input, or both kinds of
// arguments.
func unfold(p *queue.Payload, blob []byte) error {
	if p.Args == nil {
		p.Input = blob
		return nil
	}
	var both struct{ Args, Kwargs json.RawMessage }
	if err := json.Unmarshal(blob, &both); err != nil {
		return fmt.Errorf("large arguments: %w", err)
	}
	p.Args, p.Kwargs = both.Args, both.Kwargs
	return nil
}

// leaders is what the leader says is wrong with an assignment.
func leaders(a *Assignment) *fault {
	if a.FaultType == "" {
		return &fault{back: true}
	}
	never := false
	return &fault{err: &queue.Error{Type: a.FaultType, Message: a.Fault, Retry: &never}}
}

func passing(format string, args ...any) *fault {
	return &fault{err: unavailable(format, args...), passing: true}
}

func unavailable(format string, args ...any) *queue.Error {
	return &queue.Error{Type: queue.ErrUnavailable, Message: fmt.Sprintf(format, args...)}
}
