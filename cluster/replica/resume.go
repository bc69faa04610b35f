package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// mostResume is how much of the results that a task has waited for it is given,
// bytes: it and the task's own input are one input of an attempt.
const mostResume = 32 << 20

// Awaits are the runs that a deferred task waits for, ended or not.
func (r *Replica) Awaits(id queue.ID) (runs []queue.ID, err error) {
	err = r.steady(func() (err error) { _, runs, err = r.resumePoint(id); return err })
	return runs, err
}

func (r *Replica) resumePoint(id queue.ID) (kept []byte, runs []queue.ID, err error) {
	raw, err := r.get(state.ResumeKey(r.opt.Shard, id))
	if raw == nil && err == nil {
		err = fmt.Errorf("where task %s goes on is not here", id)
	}
	if err != nil {
		return nil, nil, err
	}
	return state.DecodeResume(raw)
}

// resumed is what a run that a task waited for has come to.
type resumed struct {
	ID     queue.ID        `json:"id"`
	State  string          `json:"state"`
	Result json.RawMessage `json:"result"`
	Error  *queue.Error    `json:"error"`
}

// unknownRun is the state of a run that is not kept, or not the task's to see.
const unknownRun = "unknown"

// resume adds to a payload what a task goes on with.
func (r *Replica) resume(id queue.ID, p *queue.Payload) error {
	v, ok := r.Machine().Task(id)
	if !ok {
		return fmt.Errorf("task %s has ended", id)
	}
	kept, runs, err := r.resumePoint(id)
	if err != nil {
		return err
	}
	b := append([]byte(`{"state":`), or(kept, "null")...)
	b = append(b, `,"runs":[`...)
	for i, run := range runs {
		of, err := r.resumedRun(v.Spec.Namespace, run, mostResume-len(b))
		if err != nil {
			return fmt.Errorf("read run %s: %w", run, err)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = of.append(b)
	}
	if p.Resume = append(b, "]}"...); len(p.Resume) > queue.MaxInline {
		p.ResumeBlob, err = r.opt.Values.KeepValue(context.Background(), p.Resume)
		p.Resume = nil
	}
	return err
}

// append writes it by hand: a result passes as the bytes that it is.
func (x *resumed) append(b []byte) []byte {
	b = append(append(b, `{"id":"`...), x.ID.String()...)
	b = append(append(b, `","state":"`...), x.State...)
	b = append(append(b, `","result":`...), or(x.Result, "null")...)
	failed, _ := json.Marshal(x.Error) // texts and a number always encode
	return append(append(append(b, `,"error":`...), failed...), '}')
}

func (r *Replica) resumedRun(namespace string, id queue.ID, room int) (resumed, error) {
	x := resumed{ID: id, State: unknownRun}
	v, ok, err := r.run(id)
	if err != nil || !ok || v.Namespace != namespace {
		return x, err
	}
	x.State, x.Error = v.State.String(), v.Error
	if v.State == workflow.Failed && x.Error == nil {
		x.Error = &queue.Error{Type: queue.ErrDependency, Message: "task " + v.Cause.String() + " has failed"}
	}
	if v.State != workflow.Success {
		return x, nil
	}
	if x.Result, err = r.runResult(namespace, id); len(x.Result) > room || errors.Is(err, errTooLarge) {
		x.Result, err = nil, nil
		x.Error = &queue.Error{Type: queue.ErrInputTooLarge, Message: fmt.Sprintf("the results have more than %d MiB in all; let the run's tasks keep what is large, or give it to another task", mostResume>>20)}
	}
	return x, err
}

// Labels are those of an unfinished task, a JSON object, or nil.
func (r *Replica) Labels(id queue.ID) (labels []byte, err error) {
	err = r.steady(func() (err error) { labels, err = r.labels(id); return err })
	return labels, err
}

func (r *Replica) labels(id queue.ID) ([]byte, error) {
	var p queue.Payload
	if raw, err := r.get(state.InputKey(r.opt.Shard, id)); err != nil {
		return nil, err
	} else if raw != nil {
		p, err = queue.DecodePayload(raw)
		return p.Labels, err
	}
	g, err := r.graph(id.Run())
	if err != nil {
		return nil, err
	}
	if node, _ := g.At(id.Ordinal() - 1); node != workflow.NoNode {
		p, err = r.nodePayload(id.Run(), g, node)
	}
	return p.Labels, err
}
