package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// fakeRun is a run of the fake node, driven by the graph engine.
type fakeRun struct {
	workflow.View
	build    workflow.Builder
	nodes    []command.GraphNode
	specs    [][]queue.Spec // by part
	part     []int          // by node
	items    map[uint32][][]byte
	progress *workflow.Run
	done     map[uint32]queue.State // tasks that ended without having run
	ended    chan struct{}
}

// addRun takes a part of a run.
func (f *fake) addRun(namespace string, r *fakeRun, c *command.NewRun) (*fakeRun, command.Result) {
	if c.ID != c.ID.Run() || len(c.Part.Nodes) > maxPart {
		panic("a run that no machine would take")
	}
	if r == nil {
		r = &fakeRun{View: workflow.View{ID: c.ID, Namespace: namespace, Kind: c.Kind, Meta: c.Meta, CreatedAt: f.now}, items: map[uint32][][]byte{},
			done: map[uint32]queue.State{}, ended: make(chan struct{})}
	}
	if r.ID != c.ID {
		panic("a part of another run")
	}
	for i := range c.Part.Specs {
		if res := f.check(&c.Part.Specs[i]); res.Code != command.OK {
			return nil, res
		}
	}
	r.specs = append(r.specs, c.Part.Specs)
	for i := range c.Part.Nodes {
		if err := r.build.Add(&c.Part.Nodes[i].Node); err != nil {
			return nil, command.Result{Code: command.CodeConflict, Detail: err.Error()}
		}
		r.nodes = append(r.nodes, c.Part.Nodes[i])
		r.part = append(r.part, len(r.specs)-1)
	}
	for _, x := range c.Part.Items {
		if int(x.First) != len(r.items[x.Node]) {
			panic("items out of order")
		}
		r.items[x.Node] = append(r.items[x.Node], x.Values...)
	}
	return r, command.Result{}
}

func (f *fake) beginRun(r *fakeRun) {
	for i := range r.nodes {
		if n := &r.nodes[i]; n.Kind == workflow.Map && int(n.Size) != len(r.items[uint32(i)]) {
			panic("a map without its items")
		}
	}
	f.runs = append(f.runs, r)
	r.State = workflow.Running
	r.progress = workflow.NewRun(r.build.Graph())
	r.Nodes, r.Tasks = uint32(len(r.nodes)), r.progress.Graph().Tasks()
	f.stepRun(r)
}

// stepRun makes the tasks whose turn it is.
func (f *fake) stepRun(r *fakeRun) {
	g := r.progress.Graph()
	for {
		s, ok := r.progress.Next()
		if !ok {
			break
		}
		base, _ := g.Ordinals(s.Node)
		switch {
		case s.State == 0:
			n := &r.nodes[s.Node]
			call := n.Call
			call.ID = r.ID.Plus(base + s.Index + 1)
			f.tasks[f.make(&call, r.specs[r.part[s.Node]][call.Spec])].Run = r.ID
		case g.Kind(s.Node) == workflow.Task:
			r.done[base] = s.State
		}
	}
	if r.Open = uint32(r.progress.Open()); !r.progress.Done() || r.State.Final() {
		return
	}
	state, cause := r.progress.Outcome()
	r.State = map[queue.State]workflow.RunState{queue.Success: workflow.Success, queue.Failure: workflow.Failed, queue.Revoked: workflow.Cancelled}[state]
	if cause != workflow.NoNode {
		r.Cause = r.ID.Plus(cause + 1)
	}
	r.FinishedAt = f.now
	close(r.ended)
}

// endedTask tells the run of a task, if it has one.
func (f *fake) endedTask(t *fakeTask) {
	if r := f.findRun(t.Spec.Namespace, t.ID.Run()); r != nil {
		r.progress.Ended(t.ID.Ordinal()-1, t.State)
		f.stepRun(r)
	}
}

func (f *fake) findRun(namespace string, id queue.ID) *fakeRun {
	for _, r := range f.runs {
		if r.ID == id && r.Namespace == namespace {
			return r
		}
	}
	return nil
}

func (f *fake) steer(c *command.SteerRun) command.Result {
	r := f.findRun(c.Namespace, c.ID)
	switch {
	case r == nil:
		return command.Result{Code: command.CodeNotFound, Detail: "no such run"}
	case r.State.Final():
		return command.Result{Code: command.CodeEnded, Detail: "it has ended"}
	case c.Do == command.SteerPause, c.Do == command.SteerResume:
		r.Paused = c.Do == command.SteerPause
		return command.Result{}
	}
	r.progress.Cancel()
	for {
		s, ok := r.progress.NextCancelled(workflow.MaxNodes)
		if !ok {
			break
		}
		base, size := r.progress.Graph().Ordinals(s.Node)
		for o := base; o < base+size; o++ {
			t := f.tasks[r.ID.Plus(o+1)]
			switch {
			case s.State != 0:
				r.done[o] = s.State
			case t != nil && !t.State.Final():
				f.end(t, queue.Revoked)
			}
		}
	}
	f.stepRun(r)
	return command.Result{}
}

func (f *fake) Run(namespace string, id queue.ID) (workflow.View, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.findRun(namespace, id); r != nil {
		return r.View, true, nil
	}
	return workflow.View{}, false, nil
}

func (f *fake) Runs(_ context.Context, l workflow.Filter) (items []workflow.View, next queue.ID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range slices.Backward(f.runs) {
		switch {
		case r.Namespace != l.Namespace, !l.Before.IsZero() && r.ID.Compare(l.Before) >= 0, len(l.States) > 0 && !slices.Contains(l.States, r.State),
			l.Kind != "" && l.Kind != r.Kind, r.CreatedAt < l.Since, l.Until != 0 && r.CreatedAt >= l.Until:
			continue
		}
		if len(items) == l.Limit {
			return items, items[len(items)-1].ID, nil
		}
		items = append(items, r.View)
	}
	return items, next, nil
}

// Arguments implements Tasks: those that the task was made with, unless a test
// says what became of them.
func (f *fake) Arguments(_ context.Context, id queue.ID) (queue.Payload, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.given != nil {
		return f.given(id)
	}
	return f.tasks[id].Payload, nil
}

func (f *fake) RunTasks(namespace string, id queue.ID, after uint32, limit int) (nodes []workflow.NodeView, more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.findRun(namespace, id)
	if r == nil {
		return nil, false, nil
	}
	g := r.progress.Graph()
	for o := after; o < g.Tasks(); o++ {
		if len(nodes) == limit {
			return nodes, true, nil
		}
		n, index := g.At(o)
		x := &r.nodes[n]
		v := workflow.NodeView{Node: n, Name: x.Name, Callback: x.Callback,
			Task: queue.View{ID: id.Plus(o + 1), Spec: r.specs[r.part[n]][x.Call.Spec], State: queue.Pending}}
		if x.Kind == workflow.Map {
			v.Name += fmt.Sprint("-", index)
		}
		if t := f.tasks[v.Task.ID]; t != nil {
			v.Task, v.Result = t.View, t.Result
		} else if s := r.done[o]; s != 0 {
			v.Task.State, v.Task.Cause = s, r.Cause
		}
		nodes = append(nodes, v)
	}
	return nodes, false, nil
}

func (f *fake) RunResult(namespace string, id queue.ID) (workflow.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.findRun(namespace, id)
	g := r.progress.Graph()
	var b []byte
	comma := func() {
		if n := len(b); n > 0 && b[n-1] != '[' {
			b = append(b, ',')
		}
	}
	for _, ref := range g.Value(g.Exit()) {
		switch ref.Bracket {
		case ']':
			b = append(b, ']')
		case '[':
			comma()
			b = append(b, '[')
		default:
			comma()
			b = append(b, f.tasks[id.Plus(ref.Ordinal+1)].Result...)
		}
	}
	return workflow.Result{JSON: b}, nil
}

func (f *fake) WaitRun(ctx context.Context, namespace string, id queue.ID) error {
	f.mu.Lock()
	r := f.findRun(namespace, id)
	f.mu.Unlock()
	if r == nil {
		return nil
	}
	f.waiting.Add(1)
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
