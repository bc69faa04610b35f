package state

import (
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// run is a graph under way. Its tasks have the ids that follow its own, so that
// neither needs to point at the other.
type run struct {
	id        queue.ID
	namespace string
	kind      string
	meta      []byte
	ttl       int64
	keep      int64 // its records are needed until then, if for longer than ttl
	created   int64
	parent    queue.ID // the task that asked for it
	depth     uint32   // how many tasks made one another until this was asked for
	graph     workflow.Builder
	progress  *workflow.Run // nil until the graph is whole
	calls     []nodeCall    // by node
	parts     []PartSpan
	specs     []*runSpec
	blobs     []string // that its calls refer to
	holds     []*hold  // blobs of its tasks that have ended
	due       int64    // its records go then; 0 until it has come to its end
	kept      int      // of blobs: those that are held until then
	stage     *stage   // while it is not accepted
	paused    bool
	order     uint64 // among the jobs, 0 while it has nothing to do
	revoking  span   // of a cancelled run: tasks still to be revoked, by ordinal
}

type span struct{ at, end uint32 }

// runSpec is what calls of one kind have in common, with the module that must
// stay while a node may need it.
type runSpec struct {
	queue.Spec
	key    string // its encoding
	module *command.Document
}

// nodeCall is how a node's tasks are made. Their payload is in the stored part.
type nodeCall struct {
	spec    *runSpec
	options *command.Call // nil where nothing is said
}

// admitRun looks that the next part of a run can be taken.
func (m *Machine) admitRun(c *command.NewRun, first bool) *command.Result {
	if c.ID != c.ID.Run() || first && m.runs[c.ID] != nil {
		return &command.Result{Code: command.CodeExists, IDs: []queue.ID{c.ID}, Detail: "a run with this id exists"}
	}
	if refused := m.roomForQueues(c.Part.Specs); refused != nil {
		return refused
	}
	for i := range c.Part.Specs {
		s := &c.Part.Specs[i]
		doc, refused := m.moduleOf(s)
		if refused == nil {
			refused = m.checkPool(s)
		}
		if refused != nil {
			return refused
		}
		s.Version = doc.Version
	}
	return nil
}

// newRun begins a run with the first part of its graph.
func (m *Machine) newRun(namespace string, c *command.NewRun) *run {
	r := &run{id: c.ID, namespace: namespace, kind: c.Kind, meta: slices.Clone(c.Meta), ttl: c.TTL, created: m.now}
	m.runs[r.id] = r
	return r
}

// extend takes a part of a run's graph, which admitRun let pass.
func (m *Machine) extend(r *run, p *command.GraphPart) *command.Result {
	raw := p.Append(nil)
	if len(raw) > command.MaxPart {
		return refuse(command.CodeConflict, "a part of the graph has %d bytes and may have %d", len(raw), command.MaxPart)
	}
	m.sink.Put(GraphKey(m.shard, r.id, uint32(len(r.parts))), raw)
	if err := m.addPart(r, p); err != nil {
		return refuse(command.CodeConflict, "the graph cannot be used: %v", err)
	}
	for i := range p.Specs { // they count from here on, though no task may come for long
		m.rest(m.queueList(p.Specs[i].Namespace, p.Specs[i].Queue))
	}
	m.dirty.run(r)
	return nil
}

// addPart is what extend and the load of a stored run have in common.
func (m *Machine) addPart(r *run, p *command.GraphPart) error {
	specs := make([]*runSpec, len(p.Specs))
	for i := range p.Specs {
		s := &runSpec{Spec: p.Specs[i], key: string(command.AppendSpec(nil, &p.Specs[i]))}
		if s.module, _ = m.moduleOf(&s.Spec); s.module != nil {
			s.module.Live++
		}
		specs[i] = s
	}
	r.specs = append(r.specs, specs...)
	r.parts = append(r.parts, spanOf(p, uint32(r.graph.Len())))
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if err := r.graph.Add(&n.Node); err != nil {
			return err
		}
		var call nodeCall
		if n.Kind != workflow.Join {
			call = nodeCall{spec: specs[n.Call.Spec], options: optionsOf(&n.Call)}
		}
		r.calls = append(r.calls, call)
		if len(n.Call.Blobs) > 0 {
			m.ref(n.Call.Blobs)
			r.blobs = append(r.blobs, n.Call.Blobs...)
		}
	}
	return nil
}

// optionsOf is what a node's call says beside its spec and payload.
func optionsOf(c *command.Call) *command.Call {
	if c.Countdown|c.ETA|c.ExpiresIn|c.ExpiresAt == 0 && c.FairnessKey == "" && c.UniqueKey == "" && c.ConcurrencyKey == "" && c.Shadow == "" {
		return nil
	}
	o := *c
	o.Payload, o.Blobs = nil, nil
	return &o
}

// beginRun lets a run whose graph is whole go.
func (m *Machine) beginRun(r *run) {
	r.stage = nil
	r.progress = workflow.NewRun(r.graph.Graph())
	m.charge(r.graph.Len())
	m.runMoved(r, queue.Started, nil)
	m.wakeRun(r)
}

// wakeRun lets a run take its next steps.
func (m *Machine) wakeRun(r *run) {
	if r.order == 0 {
		r.order = m.nextJob()
		m.work.jobs = append(m.work.jobs, r)
		m.dirty.run(r)
	}
}

// dropRun undoes a run that was not accepted.
func (m *Machine) dropRun(r *run) {
	for part := range r.parts {
		m.sink.Delete(GraphKey(m.shard, r.id, uint32(part)))
	}
	m.unref(r.blobs)
	m.charge(len(r.blobs))
	m.forgetRun(r)
}

// forgetRun takes a run out of memory.
func (m *Machine) forgetRun(r *run) {
	m.charge(len(r.parts) + len(r.specs))
	for _, s := range r.specs {
		if s.module != nil {
			s.module.Live--
		}
	}
	delete(m.runs, r.id)
	delete(m.dirty.runs, r)
	m.sink.Delete(idKey(m.shard, kindRun, r.id))
}

// runMoved tells of a run's transition. The states are those of tasks that come
// nearest: readers know that it is a run.
func (m *Machine) runMoved(r *run, to queue.State, err *queue.Error) {
	mv := Move{ID: r.id, Namespace: r.namespace, Task: r.kind, To: to, Run: true}
	if err != nil {
		mv.Error = err.Type
	}
	m.effects.Moves = append(m.effects.Moves, mv)
}
