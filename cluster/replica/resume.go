package replica

import (
	"encoding/json"
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
	ID     queue.ID
	State  string
	Result value
	Error  *queue.Error
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
	list := []value{inline(`{"state":`), {json: or(kept, "null")}, inline(`,"runs":[`)}
	room := int64(mostResume)
	for i, run := range runs {
		of, size, err := r.resumedRun(v.Spec.Namespace, run, room)
		if err != nil {
			return fmt.Errorf("read run %s: %w", run, err)
		}
		room -= size
		if i > 0 {
			list = append(list, inline(","))
		}
		list = append(list, of.pieces()...)
	}
	made, err := r.put(queue.MaxInline, these(append(list, inline("]}"))...))
	if err != nil {
		return err
	}
	if p.ResumeBlob = made.blob; made.blob == "" {
		p.Resume = made.json
	}
	return nil
}

// pieces writes it by hand: a result passes as the bytes that it is.
func (x *resumed) pieces() []value {
	head := append(append([]byte(`{"id":"`), x.ID.String()...), `","state":"`...)
	head = append(append(head, x.State...), `","result":`...)
	failed, _ := json.Marshal(x.Error) // texts and a number always encode
	tail := append(append([]byte(`,"error":`), failed...), '}')
	if x.Result.blob == "" {
		x.Result.json = or(x.Result.json, "null")
	}
	return []value{{json: head}, x.Result, {json: tail}}
}

// resumedRun is a run for a task that has so much room for its result.
func (r *Replica) resumedRun(namespace string, id queue.ID, room int64) (x resumed, size int64, err error) {
	x = resumed{ID: id, State: unknownRun}
	v, ok, err := r.run(id)
	if err != nil || !ok || v.Namespace != namespace {
		return x, 0, err
	}
	x.State, x.Error = v.State.String(), v.Error
	if v.State == workflow.Failed && x.Error == nil {
		x.Error = &queue.Error{Type: queue.ErrDependency, Message: "task " + v.Cause.String() + " has failed"}
	}
	if v.State != workflow.Success {
		return x, 0, nil
	}
	if x.Result, err = r.resultOfRun(id); err == nil {
		size, err = r.sizeOf(x.Result)
	}
	if isTooLarge(err) || err == nil && size > room {
		x.Result, size, err = value{}, 0, nil
		x.Error = &queue.Error{Type: queue.ErrInputTooLarge, Message: fmt.Sprintf("the results have more than %d MiB in all; let the run's tasks keep what is large, or give it to another task", mostResume>>20)}
	}
	return x, size, err
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
