package state

import (
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// stage is a large batch on its way in. Until it is accepted its tasks answer
// to nobody; from then on all of them do, and work makes them ready in steps.
type stage struct {
	id        queue.ID
	namespace string
	parts     uint32
	tasks     []*task // in the order of the batch; [0:done] have been dealt with
	done      int
	accepted  bool
	dropped   bool
	expires   int64
	key       [16]byte // hash of its idempotency key, zero for none
	run       *run     // what it brings, where that is no tasks
	order     uint64   // among the jobs
}

func (g *stage) place() uint64 { return g.order }

// stage takes the next part of a batch. Parts come in order; one that was seen
// before changes nothing.
func (m *Machine) stage(c *command.Stage) command.Result {
	g := m.stages[c.Stage]
	if g == nil {
		if c.Part != 0 {
			return *refuse(command.CodeStage, "the batch waited too long for its next part; send it again")
		}
		if r, done := m.answered(c.Namespace, c.Idem); done {
			return r
		}
		m.supersede(c)
		g = &stage{key: keyOf(c.Namespace, c.Idem), id: c.Stage, namespace: c.Namespace, expires: satAdd(m.now, command.StageTTL)}
		m.stages[g.id] = g
		m.timers.stage(g)
	}
	if c.Part < g.parts {
		return command.Result{}
	}
	if c.Part > g.parts || g.accepted || g.dropped {
		return *refuse(command.CodeStage, "part %d of the batch came where %d was due; send the batch again", c.Part, g.parts)
	}
	if c.Run != nil {
		return m.stageRun(g, c)
	}
	docs, refused := m.resolve(&c.Calls)
	if refused == nil {
		refused = m.admit(c.Namespace, &c.Calls)
	}
	if refused != nil {
		m.drop(g)
		return *refused
	}
	for i := range c.Calls.List {
		call := &c.Calls.List[i]
		t := m.newTask(call, m.internSpec(&c.Calls.Specs[call.Spec], docs[call.Spec]))
		t.list.move(t, func() { t.flags |= flagStaged })
		t.more().stage = g
		g.tasks = append(g.tasks, t)
		m.spend()
	}
	g.parts++
	m.stageChanged(g)
	return command.Result{}
}

// submitStaged accepts a whole stage in one step.
func (m *Machine) submitStaged(c *command.SubmitStaged) command.Result {
	g := m.stages[c.Stage]
	if r, done := m.answered(c.Namespace, c.Idem); done {
		if g != nil && !g.accepted {
			m.drop(g)
		}
		return r
	}
	if g == nil || g.dropped || g.parts != c.Parts {
		return *refuse(command.CodeStage, "the batch waited too long before it was whole; send it again")
	}
	if g.accepted {
		return command.Result{}
	}
	if g.run != nil {
		return m.acceptRun(g, c)
	}
	g.accepted, g.order = true, m.nextJob()
	ids := make([]queue.ID, len(g.tasks))
	for i, t := range g.tasks {
		ids[i] = t.id
	}
	m.remember(c.Namespace, c.Idem, ids)
	m.timers.unstage(g)
	m.stageChanged(g)
	m.work.add(g)
	return command.Result{}
}

// stageRun takes the next part of a run's graph.
func (m *Machine) stageRun(g *stage, c *command.Stage) command.Result {
	refused := m.admitRun(c.Run, g.run == nil)
	if refused == nil && g.run == nil {
		g.run = m.newRun(c.Namespace, c.Run)
		g.run.stage = g
	}
	if refused == nil {
		refused = m.extend(g.run, &c.Run.Part)
	}
	if refused != nil {
		m.drop(g)
		return *refused
	}
	m.budget -= (len(c.Run.Part.Nodes) + 3) / 4 // each is a small part of a transition
	g.parts++
	m.stageChanged(g)
	return command.Result{}
}

// acceptRun lets a staged run go.
func (m *Machine) acceptRun(g *stage, c *command.SubmitStaged) command.Result {
	m.timers.unstage(g)
	delete(m.stages, g.id)
	m.dirty.deletes = append(m.dirty.deletes, idKey(m.shard, kindStage, g.id))
	m.beginRun(g.run)
	m.remember(c.Namespace, c.Idem, []queue.ID{g.run.id})
	return command.Result{}
}

// supersede drops what an earlier try of the same batch left.
func (m *Machine) supersede(c *command.Stage) {
	if c.Idem == nil {
		return
	}
	key := keyOf(c.Namespace, c.Idem)
	for _, g := range slices.Clone(m.timers.stages) {
		if g.key == key {
			m.drop(g)
		}
	}
}

// drop lets go of a stage that was refused or forgotten. Its unique keys are free
// at once.
func (m *Machine) drop(g *stage) {
	if g.dropped || g.accepted {
		return
	}
	for _, t := range g.tasks {
		m.forgetUnique(t)
	}
	m.charge(len(g.tasks))
	g.dropped, g.order = true, m.nextJob()
	m.timers.unstage(g)
	m.stageChanged(g)
	m.work.add(g)
}

// step makes the next tasks of a stage ready, or removes them; it reports
// whether the stage is through.
func (g *stage) step(m *Machine) bool {
	if g.run != nil { // it was not accepted
		m.dropRun(g.run)
		g.run = nil
	}
	for g.done < len(g.tasks) && m.budget > 0 {
		t := g.tasks[g.done]
		g.tasks[g.done] = nil
		g.done++
		if g.dropped {
			m.spend()
			m.gone(t)
			m.sink.Delete(InputKey(m.shard, t.id))
			m.sink.Delete(LiveKey(m.shard, t.id))
			continue
		}
		t.extra.stage = nil
		t.trim()
		t.list.move(t, func() { t.flags &^= flagStaged })
		t.ready = max(t.ready, m.now)
		m.dirty.task(t)
		m.start(t)
	}
	if g.done < len(g.tasks) {
		return false
	}
	delete(m.stages, g.id)
	m.dirty.deletes = append(m.dirty.deletes, idKey(m.shard, kindStage, g.id))
	return true
}

func (m *Machine) stageChanged(g *stage) {
	w := command.NewWriter(nil)
	w.ID(g.id)
	w.String(g.namespace)
	w.Uint(uint64(g.parts))
	w.Bool(g.accepted)
	w.Bool(g.dropped)
	w.Int(g.expires)
	w.Uint(g.order)
	w.Bytes(g.key[:])
	m.sink.Put(idKey(m.shard, kindStage, g.id), w.Done())
}

func (m *Machine) loadStage(b []byte) error {
	r := command.NewReader(b)
	g := &stage{id: r.ID(), namespace: r.String(), parts: r.Uint32(), accepted: r.Bool(), dropped: r.Bool(), expires: r.Int(), order: r.Uint()}
	copy(g.key[:], r.Bytes())
	if err := r.Err("stage"); err != nil {
		return err
	}
	m.stages[g.id] = g
	return nil
}
