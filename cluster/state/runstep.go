package state

import (
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// runTurn is how much a run may do before others have their turn, in
// transitions; quiet is how many nodes or tasks of a cancelled one, of which
// nothing is wanted, are looked at for one.
var (
	runTurn = 500
	quiet   = smallThings
)

func (r *run) place() uint64 { return r.order }

// step implements job: the run takes the steps that are due. One that has more
// than a turn's goes behind the others.
func (r *run) step(m *Machine) bool {
	if r.progress.Cancelled() {
		m.dirty.run(r) // its place changes
	}
	for begin := m.budget; m.budget > 0; {
		if begin-m.budget >= runTurn {
			r.later(m)
			return true
		}
		if !r.next(m) {
			r.order = 0
			m.dirty.run(r)
			return r.finish(m)
		}
	}
	return false
}

// later puts a run behind the other jobs.
func (r *run) later(m *Machine) {
	r.order = m.nextJob()
	m.work.jobs = append(m.work.jobs, r)
	m.dirty.run(r)
}

// next takes one step, if one is due.
func (r *run) next(m *Machine) bool {
	if r.progress.Cancelled() {
		return r.nextCancelled(m)
	}
	if r.paused {
		return false
	}
	s, ok := r.progress.Next()
	switch {
	case !ok:
		return false
	case s.State == 0:
		m.makeNodeTask(r, s)
	default:
		m.spend()
		m.nodeEnded(r, s)
	}
	return true
}

// nextCancelled revokes the next task, or ends the next node.
func (r *run) nextCancelled(m *Machine) bool {
	for end := min(r.revoking.at+uint32(quiet), r.revoking.end); r.revoking.at < end; r.revoking.at++ {
		t := m.tasks[r.id.Plus(r.revoking.at+1)]
		if t != nil && t.flags&(flagDead|flagRevoked) == 0 {
			m.spend()
			r.revoking.at++
			m.revokeTask(t, true)
			return true
		}
	}
	if r.revoking.at < r.revoking.end {
		m.spend()
		return true
	}
	s, ok := r.progress.NextCancelled(quiet)
	if !ok {
		return false
	}
	m.spend()
	switch {
	case s.Node == workflow.NoNode:
	case s.State != 0:
		m.nodeEnded(r, s)
	default:
		base, _ := r.progress.Graph().Ordinals(s.Node)
		_, made, _ := r.progress.State(s.Node)
		r.revoking = span{base, base + made}
	}
	return true
}

// makeNodeTask makes the task that a step asks for, and lets it wait for its
// time or its turn.
func (m *Machine) makeNodeTask(r *run, s workflow.Step) {
	base, _ := r.progress.Graph().Ordinals(s.Node)
	call := command.Call{}
	of := r.calls[s.Node]
	if of.options != nil {
		call = *of.options
	}
	call.ID = r.id.Plus(base + s.Index + 1)
	taken := call.UniqueKey != "" && m.unique[keyName(r.namespace, call.UniqueKey)] != nil
	if taken {
		call.UniqueKey = ""
	}
	t := m.makeTask(&call, m.specOf(of.spec.key, &of.spec.Spec, of.spec.module))
	t.flags |= flagRun
	m.enter(t)
	if taken {
		m.spend()
		m.end(t, queue.Failure, &queue.Outcome{Error: &queue.Error{Type: string(command.CodeDuplicate),
			Message: fmt.Sprintf("an unfinished task has unique_key %q", of.options.UniqueKey)}}, "")
		return
	}
	m.start(t)
}

// nodeEnded keeps how a node ended without a task. Those that wait for it have
// been told, and will be looked at.
func (m *Machine) nodeEnded(r *run, s workflow.Step) {
	g := r.progress.Graph()
	m.charge(g.Downs(s.Node))
	if g.Kind(s.Node) != workflow.Task {
		m.sink.Put(NodeKey(m.shard, r.id, s.Node), ints(int64(s.State), int64(s.Cause)))
		return
	}
	base, _ := g.Ordinals(s.Node)
	of := r.calls[s.Node]
	v := queue.View{ID: r.id.Plus(base + 1), Run: r.id, Spec: of.spec.Spec, State: s.State, CreatedAt: r.created, ReadyAt: r.created, FinishedAt: m.now}
	if s.State == queue.UpstreamFailed {
		v.Cause = r.id.Plus(s.Cause + 1)
	}
	v.Error = NotRun(s.State, v.Cause)
	m.sink.Put(FinishedKey(m.shard, v.ID), (&record{View: v}).append(nil, false))
	mv := Move{ID: v.ID, Namespace: r.namespace, Queue: v.Spec.Queue, Task: of.spec.Module + "." + of.spec.Task, To: s.State, InRun: true}
	if v.Error != nil {
		mv.Error = v.Error.Type
	}
	m.effects.Moves = append(m.effects.Moves, mv)
}

// NotRun is the error of a task that ended so without having run, where it has
// one; cause is the task that made it fail.
func NotRun(state queue.State, cause queue.ID) *queue.Error {
	switch state { //nolint:exhaustive // the others have no error
	case queue.UpstreamFailed:
		return &queue.Error{Type: queue.ErrDependency, Message: fmt.Sprintf("did not run, since task %s failed", cause)}
	case queue.Revoked:
		return &queue.Error{Type: queue.ErrRevoked, Message: "the run was cancelled before it ran"}
	}
	return nil
}

// runOf is the unfinished run that a task belongs to, or nil.
func (m *Machine) runOf(t *task) *run {
	if t.flags&flagRun == 0 {
		return nil
	}
	return m.runs[t.id.Run()]
}

// runTaskEnded tells a run of one of its tasks.
func (m *Machine) runTaskEnded(r *run, t *task, state queue.State) {
	s, ok := r.progress.Ended(t.id.Ordinal()-1, state)
	if !ok {
		return
	}
	if g := r.progress.Graph(); g.Kind(s.Node) == workflow.Map {
		m.nodeEnded(r, s)
	} else {
		m.charge(g.Downs(s.Node))
	}
	m.wakeRun(r)
}

// finish ends a run of which nothing is left.
func (r *run) finish(m *Machine) bool {
	if !r.progress.Done() {
		return true
	}
	if r.due == 0 {
		r.due = max(satAdd(m.now, r.ttl), r.keep)
		slices.SortFunc(r.holds, func(a, b *hold) int { return a.id.Compare(b.id) })
		m.charge(len(r.holds))
	}
	for len(r.holds) > 0 && m.budget > 0 {
		h := r.holds[0]
		r.holds = r.holds[1:]
		m.spend()
		m.rehold(h, r.due)
	}
	for len(r.holds) == 0 && r.kept < len(r.blobs) && m.budget > 0 {
		r.holdOwn(m)
	}
	if len(r.holds) > 0 || r.kept < len(r.blobs) {
		r.later(m)
		return true
	}
	m.endRun(r)
	return true
}

// endRun makes a run final: nothing of it stays in memory.
func (m *Machine) endRun(r *run) {
	v := r.view()
	v.FinishedAt, v.RemovedAt = m.now, r.due
	state, cause := r.progress.Outcome()
	v.State = map[queue.State]workflow.RunState{queue.Success: workflow.Success, queue.Failure: workflow.Failed, queue.Revoked: workflow.Cancelled}[state]
	var failed *queue.Error
	if cause != workflow.NoNode {
		v.Cause = r.id.Plus(cause + 1)
		failed = &queue.Error{Type: queue.ErrDependency}
	}
	m.sink.Put(EndedRunKey(m.shard, r.id), appendRun(nil, &v, uint32(len(r.parts))))
	m.sink.ExpireRun(m.shard, r.due, r.id, v.Tasks)
	m.runMoved(r, state, failed)
	m.forgetRun(r)
	m.runHasEnded(r)
}

func (m *Machine) cancelRun(r *run) {
	if !r.progress.Cancelled() && r.due == 0 {
		r.progress.Cancel()
		m.dirty.run(r)
		m.wakeRun(r)
	}
}

// steerRun changes the course of a run.
func (m *Machine) steerRun(c *command.SteerRun) command.Result {
	r := m.runs[c.ID]
	if r == nil || r.namespace != c.Namespace || r.progress == nil {
		return *refuse(command.CodeNotFound, "no unfinished run %s", c.ID)
	}
	switch c.Do {
	case command.SteerCancel:
		m.cancelRun(r)
	case command.SteerPause:
		r.paused = true
	case command.SteerResume:
		r.paused = false
		m.wakeRun(r)
	}
	m.dirty.run(r)
	return command.Result{}
}
