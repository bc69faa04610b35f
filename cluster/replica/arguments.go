package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Values keeps what is too large to travel inline.
type Values interface {
	// ReadValue gives a blob, from a peer where this node lacks it.
	ReadValue(ctx context.Context, digest string) ([]byte, error)
	// KeepValue keeps a value on this node, for as long as it takes a worker to
	// fetch it.
	KeepValue(ctx context.Context, value []byte) (digest string, err error)
}

// valuePatience is how long one large value may take to come from a peer: whoever
// hands out tasks waits for it.
const valuePatience = 10 * time.Second

func (r *Replica) readValue(digest string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), valuePatience)
	defer cancel()
	return r.opt.Values.ReadValue(ctx, digest)
}

// Payload is what a task is given, queue.Payload's bytes. That of a run's task
// is put together of the results that its node asks for.
func (r *Replica) Payload(id queue.ID) (payload []byte, err error) {
	err = r.steady(func() (err error) { payload, err = r.payload(id); return err })
	return payload, err
}

func (r *Replica) payload(id queue.ID) ([]byte, error) {
	b, err := r.firstPayload(id)
	if err != nil || !r.Machine().Resumed(id) {
		return b, err
	}
	p, err := queue.DecodePayload(b)
	if err != nil {
		return nil, err
	}
	if err := r.resume(id, &p); err != nil {
		return nil, err
	}
	return p.Append(nil), nil
}

// firstPayload is what a task is given before it was ever deferred.
func (r *Replica) firstPayload(id queue.ID) ([]byte, error) {
	if _, inRun := r.Machine().RunGraph(id.Run()); !inRun {
		if v, err := r.Store().Get(state.InputKey(r.opt.Shard, id)); err == nil {
			return v, nil
		} else if r.tellsOfNone(id) {
			return nil, err
		}
	}
	p, err := r.arguments(id)
	if err != nil {
		return nil, err
	}
	if err := r.moveOut(&p); err != nil {
		return nil, err
	}
	return p.Append(nil), nil
}

// tellsOfNone reports whether a task belongs to no run that is known.
func (r *Replica) tellsOfNone(id queue.ID) bool {
	v, err := r.get(state.EndedRunKey(r.opt.Shard, id.Run()))
	return v == nil || err != nil
}

// arguments are what a run's task is given, all of it inline but what came as a
// blob and is given on as it is.
func (r *Replica) arguments(id queue.ID) (queue.Payload, error) {
	g, err := r.graph(id.Run())
	if err != nil {
		return queue.Payload{}, err
	}
	node, index := g.At(id.Ordinal() - 1)
	if node == workflow.NoNode {
		return queue.Payload{}, fmt.Errorf("run %s has no task %s", id.Run(), id)
	}
	p, err := r.nodePayload(id.Run(), g, node)
	if err != nil {
		return p, err
	}
	from, as, failed := g.Given(node)
	if as == workflow.AsNothing {
		return p, nil
	}
	var v value
	switch {
	case g.Kind(node) == workflow.Map:
		v.json, err = r.item(id.Run(), g, node, index)
	case failed:
		v.json, err = r.failure(id.Run(), from)
	default:
		v, err = r.valueOf(id.Run(), g, from)
	}
	if err == nil {
		err = r.give(&p, v, as)
	}
	return p, err
}

// told is what a run's task is given as far as that is known: while it waits,
// and when an upstream failed, it is what its own call says.
func (r *Replica) told(id queue.ID) queue.Payload {
	p, err := r.arguments(id)
	if err == nil {
		return p
	}
	g, err := r.graph(id.Run())
	if err != nil {
		return queue.Payload{}
	}
	if node, _ := g.At(id.Ordinal() - 1); node != workflow.NoNode {
		p, _ = r.nodePayload(id.Run(), g, node)
	}
	return p
}

// nodePayload is what the node's call itself says.
func (r *Replica) nodePayload(run queue.ID, g state.RunGraph, node uint32) (queue.Payload, error) {
	n, at := g.NodePart(node)
	part, err := r.part(run, n)
	if err != nil {
		return queue.Payload{}, err
	}
	return queue.DecodePayload(part.Nodes[at].Call.Payload)
}

func (r *Replica) item(run queue.ID, g state.RunGraph, node, index uint32) ([]byte, error) {
	n, list, at, ok := g.ItemPart(node, index)
	if !ok {
		return nil, fmt.Errorf("run %s has no item %d of node %d", run, index, node)
	}
	part, err := r.part(run, n)
	if err != nil {
		return nil, err
	}
	return part.Items[list].Values[at], nil
}

// value is a JSON text, or the digest of one.
type value struct {
	json []byte
	blob string
}

// give puts a value where the call wants it.
func (r *Replica) give(p *queue.Payload, v value, as workflow.As) error {
	if as == workflow.AsInput && v.blob != "" {
		p.Blob = v.blob
		return nil
	}
	if v.blob != "" {
		b, err := r.readValue(v.blob)
		if err != nil {
			return fmt.Errorf("read the value to be given on: %w", err)
		}
		v.json = b
	}
	if as == workflow.AsInput {
		p.Input = v.json
		return nil
	}
	if p.Blob != "" { // its own arguments are large
		b, err := r.readValue(p.Blob)
		if err != nil {
			return fmt.Errorf("read the call's arguments: %w", err)
		}
		var both struct{ Args, Kwargs json.RawMessage }
		if err := json.Unmarshal(b, &both); err != nil {
			return fmt.Errorf("read the call's arguments: %w", err)
		}
		p.Args, p.Kwargs, p.Blob = both.Args, both.Kwargs, ""
	}
	if as == workflow.AsSpread {
		v.json = inner(v.json)
	}
	p.Args = prepend(v.json, inner(p.Args))
	return nil
}

// inner is a JSON array without its brackets.
func inner(list []byte) []byte {
	list = bytes.TrimSpace(list)
	if len(list) < 2 {
		return nil
	}
	return bytes.TrimSpace(list[1 : len(list)-1])
}

// prepend makes an array of two lists of items, either of which may be empty.
func prepend(first, rest []byte) []byte {
	b := make([]byte, 0, len(first)+len(rest)+3)
	b = append(b, '[')
	b = append(b, first...)
	if len(first) > 0 && len(rest) > 0 {
		b = append(b, ',')
	}
	b = append(b, rest...)
	return append(b, ']')
}

// moveOut makes a blob of what is too large to travel inline.
func (r *Replica) moveOut(p *queue.Payload) (err error) {
	switch {
	case len(p.Input) > queue.MaxInline:
		p.Blob, err = r.opt.Values.KeepValue(context.Background(), p.Input)
		p.Input = nil
	case len(p.Args)+len(p.Kwargs) > queue.MaxInline:
		b := append(append([]byte(`{"args":`), p.Args...), `,"kwargs":`...)
		if p.Kwargs == nil {
			p.Kwargs = []byte("{}")
		}
		b = append(append(b, p.Kwargs...), '}')
		p.Blob, err = r.opt.Values.KeepValue(context.Background(), b)
		p.Args, p.Kwargs = []byte("[]"), nil
	}
	return err
}

// failure is what a link_error is told of the task that made a node fail.
func (r *Replica) failure(run queue.ID, node uint32) ([]byte, error) {
	cause, err := r.causeOf(run, node)
	if err != nil {
		return nil, err
	}
	v, _, ok, err := r.find(cause)
	if err != nil || !ok {
		return nil, fmt.Errorf("what made node %d of run %s fail is not known: %w", node, run, err)
	}
	p, err := r.arguments(cause)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		ID     queue.ID        `json:"id"`
		Task   string          `json:"task"`
		Error  *queue.Error    `json:"error"`
		Args   json.RawMessage `json:"args"`
		Kwargs json.RawMessage `json:"kwargs"`
		Input  json.RawMessage `json:"input"`
	}{cause, v.Spec.Module + "." + v.Spec.Task, v.Error, or(p.Args, "[]"), or(p.Kwargs, "{}"), or(p.Input, "null")})
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

// mostValue bounds a list that is put together of results: what a task may be
// given at the most, and more than that no server holds for anybody.
const mostValue = 64 << 20

// errTooLarge says that a list would be larger.
var errTooLarge = fmt.Errorf("the results have more than %d MiB in all; let tasks give where to find what is large", mostValue>>20)

// valueOf is the value of a node that has ended.
func (r *Replica) valueOf(run queue.ID, g state.RunGraph, node uint32) (value, error) {
	refs := g.Value(node)
	if len(refs) == 1 {
		return r.resultOf(run.Plus(refs[0].Ordinal + 1))
	}
	var b []byte
	for _, x := range refs {
		if x.Bracket != ']' && len(b) > 0 && b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		if x.Bracket != 0 {
			b = append(b, x.Bracket)
			continue
		}
		v, err := r.resultOf(run.Plus(x.Ordinal + 1))
		if err == nil && v.blob != "" {
			v.json, err = r.readValue(v.blob)
		}
		if err != nil {
			return value{}, fmt.Errorf("read a member's result: %w", err)
		}
		if len(b)+len(v.json) > mostValue {
			return value{}, errTooLarge
		}
		b = append(b, v.json...)
	}
	return value{json: b}, nil
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
