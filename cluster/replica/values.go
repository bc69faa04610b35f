package replica

import (
	"encoding/json"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// failure is what a link_error is told of the task that made a node fail.
func (r *Replica) failure(run queue.ID, node uint32) (value, error) {
	cause, err := r.causeOf(run, node)
	if err != nil {
		return value{}, err
	}
	v, _, ok, err := r.find(cause)
	if err != nil || !ok {
		return value{}, fmt.Errorf("what made node %d of run %s fail is not known: %w", node, run, err)
	}
	p, err := r.arguments(cause)
	if err != nil {
		return value{}, err
	}
	head, err := json.Marshal(struct {
		ID    queue.ID     `json:"id"`
		Task  string       `json:"task"`
		Error *queue.Error `json:"error"`
	}{cause, v.Spec.Module + "." + v.Spec.Task, v.Error})
	if err != nil {
		return value{}, err
	}
	input := value{json: p.Input, blob: p.Blob}
	if p.Args != nil && p.Blob != "" {
		free, err := r.unfold(&p)
		if err != nil {
			return value{}, err
		}
		defer free()
		input.blob = ""
	}
	if input.blob == "" {
		input.json = or(p.Input, "null")
	}
	return r.put(queue.MaxInline, these(value{json: head[:len(head)-1]}, inline(`,"args":`), value{json: or(p.Args, "[]")},
		inline(`,"kwargs":`), value{json: or(p.Kwargs, "{}")}, inline(`,"input":`), input, inline("}")))
}

func or(b []byte, none string) json.RawMessage {
	if b == nil {
		return json.RawMessage(none)
	}
	return b
}

// causeOf is the task that made a node fail.
func (r *Replica) causeOf(run queue.ID, node uint32) (queue.ID, error) {
	if _, cause := r.Machine().NodeState(run, node); !cause.IsZero() {
		return cause, nil
	}
	g, err := r.graph(run)
	if err != nil {
		return queue.ID{}, err
	}
	if g.Kind(node) == workflow.Task {
		base, _ := g.Ordinals(node)
		return run.Plus(base + 1), nil
	}
	_, cause, err := r.nodeEnd(run, node)
	return cause, err
}

// nodeEnd is how a join or a map has ended, 0 if it has not.
func (r *Replica) nodeEnd(run queue.ID, node uint32) (queue.State, queue.ID, error) {
	raw, err := r.get(state.NodeKey(r.opt.Shard, run, node))
	if raw == nil || err != nil {
		return 0, queue.ID{}, err
	}
	s, cause, err := state.DecodeNode(raw)
	if cause == workflow.NoNode {
		return s, queue.ID{}, err
	}
	return s, run.Plus(cause + 1), err
}

// valueOf is the value of a node that has ended.
func (r *Replica) valueOf(run queue.ID, g state.RunGraph, node uint32) (value, error) {
	if g.Kind(node) == workflow.Task {
		base, _ := g.Ordinals(node)
		return r.resultOf(run.Plus(base + 1))
	}
	return r.lists.get(nodeName{run, node}, func(digest string) bool { return r.opt.Values.HasValue(digest) }, func() (value, error) {
		return r.put(queue.MaxInline, r.members(run, g.Value(node)))
	})
}

// members are the pieces of a list of results.
func (r *Replica) members(run queue.ID, refs []workflow.Ref) pieces {
	open, comma := true, false // the next one is the first of its list; a comma comes before it
	return func() (value, bool, error) {
		if len(refs) == 0 {
			return value{}, false, nil
		}
		x := refs[0]
		if x.Bracket != ']' && !open && !comma {
			comma = true
			return inline(","), true, nil
		}
		refs = refs[1:]
		open, comma = x.Bracket == '[', false
		if x.Bracket != 0 {
			return value{json: []byte{x.Bracket}}, true, nil
		}
		v, err := r.resultOf(run.Plus(x.Ordinal + 1))
		if err != nil {
			return value{}, false, fmt.Errorf("read a member's result: %w", err)
		}
		return v, true, nil
	}
}

// resultOf is the result of a task that has ended; one that has none, or whose
// result is ignored, is null.
func (r *Replica) resultOf(id queue.ID) (value, error) {
	raw, err := r.get(state.FinishedKey(r.opt.Shard, id))
	if raw == nil || err != nil {
		return value{}, fmt.Errorf("the result of task %s is not here: %w", id, err)
	}
	v, inline, err := state.DecodeTask(raw)
	switch {
	case err != nil:
		return value{}, fmt.Errorf("task %s: %w", id, err)
	case v.ResultBlob != "":
		return value{blob: v.ResultBlob}, nil
	case inline != nil:
		return value{json: inline}, nil
	case v.State != queue.Success || v.Spec.IgnoreResult:
		return value{json: []byte("null")}, nil
	}
	long, err := r.get(state.ResultKey(r.opt.Shard, id))
	return value{json: or(long, "null")}, err
}
