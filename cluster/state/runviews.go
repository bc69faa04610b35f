package state

import (
	"slices"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

func (r *run) view() workflow.View {
	v := workflow.View{ID: r.id, Namespace: r.namespace, Kind: r.kind, State: workflow.Running, Paused: r.paused,
		CreatedAt: r.created, Meta: r.meta, Nodes: uint32(r.graph.Len()), Open: uint32(r.graph.Len())}
	if r.progress != nil {
		v.Open, v.Tasks = uint32(r.progress.Open()), r.progress.Graph().Tasks()
		if _, cause := r.progress.Outcome(); cause != workflow.NoNode {
			v.Cause = r.id.Plus(cause + 1)
		}
	}
	return v
}

// Run is a run that has not ended; others are in the store.
func (m *Machine) Run(id queue.ID) (workflow.View, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.runs[id]
	if r == nil || r.progress == nil {
		return workflow.View{}, false
	}
	return r.view(), true
}

// Runs lists the runs that have not ended, by id.
func (m *Machine) Runs() []workflow.View {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []workflow.View
	for _, r := range m.runsInOrder() {
		if r.progress != nil {
			out = append(out, r.view())
		}
	}
	return out
}

// NewestRuns lists the newest runs of those that have not ended and are wanted,
// newest first, as many as most says. Whoever wants them does not block.
func (m *Machine) NewestRuns(most int, wanted func(*workflow.View) bool) []workflow.View {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list []*run
	older := func(a *run, id queue.ID) int { return id.Compare(a.id) }
	for _, r := range m.runs { // order: by their ids
		if r.progress == nil || len(list) == most && (most == 0 || r.id.Compare(list[most-1].id) < 0) {
			continue
		}
		if v := r.view(); !wanted(&v) {
			continue
		}
		at, _ := slices.BinarySearchFunc(list, r.id, older)
		if list = slices.Insert(list, at, r); len(list) > most {
			list = list[:most]
		}
	}
	out := make([]workflow.View, len(list))
	for i, r := range list {
		out[i] = r.view()
	}
	return out
}

// RunGraph finds, in an unfinished run, what its parts hold.
func (m *Machine) RunGraph(id queue.ID) (RunGraph, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.runs[id]
	if r == nil || r.progress == nil {
		return RunGraph{}, false
	}
	return RunGraph{r.progress.Graph(), r.parts}, true
}

// NodeState is where a node of an unfinished run stands, 0 while it waits, and
// the task that made it fail, or zero.
func (m *Machine) NodeState(id queue.ID, node uint32) (state queue.State, cause queue.ID) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	r := m.runs[id]
	if r == nil || r.progress == nil || node >= uint32(r.graph.Len()) {
		return 0, queue.ID{}
	}
	state, _, by := r.progress.State(node)
	if by != workflow.NoNode {
		cause = id.Plus(by + 1)
	}
	return state, cause
}
