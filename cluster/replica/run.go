package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Run is a run, alive or ended.
func (r *Replica) Run(namespace string, id queue.ID) (v workflow.View, ok bool, err error) {
	err = r.steady(func() (err error) { v, ok, err = r.run(id); return err })
	return v, ok && v.Namespace == namespace, err
}

func (r *Replica) run(id queue.ID) (workflow.View, bool, error) {
	v, ok, err := r.seekRun(id)
	if ok && err == nil && !v.Cause.IsZero() {
		if t, _, found, err := r.find(v.Cause); err == nil && found {
			v.Error = t.Error
		}
	}
	return v, ok, err
}

// seekRun looks for a run as find looks for a task.
func (r *Replica) seekRun(id queue.ID) (workflow.View, bool, error) {
	if v, ok, err := r.lookRun(id); ok || err != nil {
		return v, ok, err
	}
	r.gate.RLock()
	defer r.gate.RUnlock()
	return r.lookRun(id)
}

func (r *Replica) lookRun(id queue.ID) (workflow.View, bool, error) {
	if v, ok := r.Machine().Run(id); ok {
		return v, true, nil
	}
	raw, err := r.get(state.EndedRunKey(r.opt.Shard, id))
	if raw == nil || err != nil {
		return workflow.View{}, false, err
	}
	v, err := state.DecodeRun(raw)
	return v, err == nil && v.RemovedAt > r.Machine().Now(), err
}

// Runs lists runs, newest first. next is where the list goes on, zero at its
// end; a page may be short while it is set.
func (r *Replica) Runs(ctx context.Context, f workflow.Filter) (items []workflow.View, next queue.ID, err error) {
	err = r.steady(func() (err error) { items, next, err = r.runs(ctx, &f); return err })
	return items, next, err
}

func (r *Replica) runs(ctx context.Context, f *workflow.Filter) ([]workflow.View, queue.ID, error) {
	now := r.Machine().Now()
	found := map[queue.ID]workflow.View{}
	// With no entry in hand, what is not in memory is on disk. What ends from then
	// on is in both.
	r.gate.RLock()
	live := r.Machine().NewestRuns(f.Limit+1, func(v *workflow.View) bool { return takesRun(f, v, now) })
	r.gate.RUnlock()
	for i := range live {
		found[live[i].ID] = live[i]
	}
	var floor queue.ID
	var from []byte
	if !f.Before.IsZero() {
		from = state.EndedRunKey(r.opt.Shard, f.Before)
	}
	seen, hits := 0, 0
	prefix := state.EndedRunKey(r.opt.Shard, queue.ID{})
	err := r.Store().Scan(prefix[:len(prefix)-16], from, true, func(_, raw []byte) bool {
		v, err := state.DecodeRun(slices.Clone(raw))
		if err == nil && takesRun(f, &v, now) {
			found[v.ID] = v
			hits++
		}
		seen++
		if hits > f.Limit || seen >= visits || ctx.Err() != nil {
			floor = v.ID
			return false
		}
		return true
	})
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, floor, err
	}
	var items []workflow.View
	for id, v := range found {
		if id.Compare(floor) >= 0 {
			items = append(items, v)
		}
	}
	slices.SortFunc(items, func(a, b workflow.View) int { return b.ID.Compare(a.ID) })
	if len(items) > f.Limit {
		return items[:f.Limit], items[f.Limit-1].ID, nil
	}
	return items, floor, nil
}

func takesRun(f *workflow.Filter, v *workflow.View, now int64) bool {
	return v.Namespace == f.Namespace && (f.Kind == "" || v.Kind == f.Kind) &&
		(f.Before.IsZero() || v.ID.Compare(f.Before) < 0) &&
		(f.Since == 0 || v.CreatedAt >= f.Since) && (f.Until == 0 || v.CreatedAt < f.Until) &&
		(v.RemovedAt == 0 || v.RemovedAt > now) &&
		(len(f.States) == 0 || slices.Contains(f.States, v.State))
}

// RunTasks lists the tasks of a run's nodes in the order of the graph, from the
// ordinal after on.
func (r *Replica) RunTasks(namespace string, id queue.ID, after uint32, limit int) (nodes []workflow.NodeView, more bool, err error) {
	err = r.steady(func() (err error) { nodes, more, err = r.runTasks(namespace, id, after, limit); return err })
	return nodes, more, err
}

func (r *Replica) runTasks(namespace string, id queue.ID, after uint32, limit int) ([]workflow.NodeView, bool, error) {
	v, ok, err := r.seekRun(id)
	if err != nil || !ok || v.Namespace != namespace {
		return nil, false, err
	}
	g, err := r.graph(id)
	if err != nil {
		return nil, false, err
	}
	var out []workflow.NodeView
	for o := after; o < g.Tasks(); o++ {
		if len(out) == limit {
			return out, true, nil
		}
		n, err := r.nodeView(&v, g, o)
		if err != nil {
			return nil, false, err
		}
		out = append(out, n)
	}
	return out, false, nil
}

func (r *Replica) nodeView(run *workflow.View, g state.RunGraph, ordinal uint32) (workflow.NodeView, error) {
	node, index := g.At(ordinal)
	n, at := g.NodePart(node)
	part, err := r.part(run.ID, n)
	if err != nil {
		return workflow.NodeView{}, err
	}
	of := &part.Nodes[at]
	out := workflow.NodeView{Node: node, Name: of.Name, Callback: of.Callback}
	if of.Kind == workflow.Map {
		out.Name = fmt.Sprintf("%s-%d", of.Name, index)
	}
	id := run.ID.Plus(ordinal + 1)
	t, result, ok, err := r.find(id)
	if err != nil {
		return out, err
	}
	if ok {
		out.Task = t
		if out.Result = result; result == nil && t.State == queue.Success && t.ResultBlob == "" {
			out.Result, err = r.get(state.ResultKey(r.opt.Shard, id))
		}
		return out, err
	}
	out.Task = queue.View{ID: id, Run: run.ID, Spec: part.Specs[of.Call.Spec], State: queue.Pending, CreatedAt: run.CreatedAt, WaitsFor: "upstream"}
	if end, cause, err := r.nodeEnd(run.ID, node); err != nil {
		return out, err
	} else if end != 0 { // a map that did not run
		out.Task.State, out.Task.WaitsFor, out.Task.Error = end, "", state.NotRun(end, cause)
	}
	return out, nil
}

// RunResult is the result of a run that ended by success; zero of another.
func (r *Replica) RunResult(namespace string, id queue.ID) (result workflow.Result, err error) {
	err = r.steady(func() (err error) { result, err = r.runResult(namespace, id); return err })
	return result, err
}

func (r *Replica) runResult(namespace string, id queue.ID) (workflow.Result, error) {
	v, ok, err := r.seekRun(id)
	if err != nil || !ok || v.Namespace != namespace || v.State != workflow.Success {
		return workflow.Result{}, err
	}
	x, err := r.resultOfRun(id)
	if isTooLarge(err) {
		return workflow.Result{TooLarge: true}, nil
	}
	return workflow.Result{JSON: x.json, Blob: x.blob}, err
}

func (r *Replica) resultOfRun(id queue.ID) (value, error) {
	g, err := r.graph(id)
	if err != nil {
		return value{}, err
	}
	return r.valueOf(id, g, g.Exit())
}

// isTooLarge reports whether something is longer than a server puts together.
func isTooLarge(err error) bool {
	var l *queue.Lasting
	return errors.As(err, &l) && l.Err.Type == queue.ErrInputTooLarge
}

// WaitRun returns nil when the run has ended or is not known to the applied
// state, or ctx's error.
func (r *Replica) WaitRun(ctx context.Context, id queue.ID) error {
	return r.wait(ctx, id, func() bool { _, alive := r.Machine().Run(id); return alive })
}
