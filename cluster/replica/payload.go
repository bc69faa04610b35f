package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Payload is what a task is given, queue.Payload's bytes. That of a run's task
// is put together of the results that its node asks for. Where it can never be
// given, the error is queue.Lasting.
func (r *Replica) Payload(id queue.ID) (payload []byte, err error) {
	err = r.steady(func() (err error) { payload, err = r.payload(id); return err })
	if errors.Is(err, command.ErrDamaged) || errors.Is(err, queue.ErrPayload) {
		err = &queue.Lasting{Err: &queue.Error{Type: queue.ErrInputDamaged, Message: err.Error()}}
	}
	return payload, err
}

// Arguments is what a run's task was given when it began, put together anew.
// What is large is a blob on this node.
func (r *Replica) Arguments(id queue.ID) (p queue.Payload, err error) {
	err = r.steady(func() (err error) {
		if p, err = r.arguments(id); err == nil {
			err = r.moveOut(&p)
		}
		return err
	})
	return p, err
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
		v, err = r.failure(id.Run(), from)
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

// give puts a value where the call wants it.
func (r *Replica) give(p *queue.Payload, v value, as workflow.As) error {
	if as == workflow.AsInput {
		p.Input, p.Blob = v.json, v.blob
		return nil
	}
	if p.Args != nil && p.Blob != "" { // its own arguments are large
		free, err := r.unfold(p)
		if err != nil {
			return fmt.Errorf("read the call's arguments: %w", err)
		}
		defer free()
		if err := r.before(p, v, as); err != nil {
			return err
		}
		return r.moveOut(p)
	}
	return r.before(p, v, as)
}

// before puts a value before the arguments of a call. A large one makes a blob
// of them.
func (r *Replica) before(p *queue.Payload, v value, as workflow.As) error {
	if v.blob != "" && as == workflow.AsSpread {
		b, free, err := r.load(v.blob)
		if err != nil {
			return err
		}
		defer free()
		p.Args = prepend(inner(b), inner(p.Args))
		return r.moveOut(p)
	}
	if as == workflow.AsSpread {
		v.json = inner(v.json)
	}
	if v.blob == "" {
		p.Args = prepend(v.json, inner(p.Args))
		return nil
	}
	args := inline("]")
	if rest := inner(p.Args); len(rest) > 0 {
		args.json = append(append([]byte(","), rest...), ']')
	}
	return r.fold(p, inline(`{"args":[`), v, args)
}

// fold makes a blob of arguments; their beginning is given.
func (r *Replica) fold(p *queue.Payload, head ...value) error {
	kwargs := value{json: or(p.Kwargs, "{}")}
	kept, err := r.put(-1, these(append(head, inline(`,"kwargs":`), kwargs, inline("}"))...))
	p.Blob, p.Args, p.Kwargs = kept.blob, []byte("[]"), nil
	return err
}

// unfold takes arguments out of their blob. They are in memory until freed.
func (r *Replica) unfold(p *queue.Payload) (free func(), err error) {
	b, free, err := r.load(p.Blob)
	if err != nil {
		return nil, err
	}
	var both struct{ Args, Kwargs json.RawMessage }
	if err := json.Unmarshal(b, &both); err != nil {
		free()
		return nil, fmt.Errorf("%w: its arguments: %w", queue.ErrPayload, err)
	}
	p.Args, p.Kwargs, p.Blob = both.Args, both.Kwargs, ""
	return free, nil
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
func (r *Replica) moveOut(p *queue.Payload) error {
	switch {
	case len(p.Input) > queue.MaxInline:
		kept, err := r.put(-1, these(value{json: p.Input}))
		p.Input, p.Blob = nil, kept.blob
		return err
	case len(p.Args)+len(p.Kwargs) > queue.MaxInline:
		return r.fold(p, inline(`{"args":`), value{json: or(p.Args, "[]")})
	}
	return nil
}
