package state

import (
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// deferral is what a task waits for that holds no slot. What its next instance
// is given is in the store.
type deferral struct {
	wait    []queue.ID // runs that have not ended
	replace bool
	decide  bool  // all have ended, and the result is to be read
	until   int64 // it does not go on before, though all have ended
}

const (
	// maxDepth is how many tasks may make one another, each in a run that the
	// one before asked for.
	maxDepth = 16
	// errTooDeep is the error of an attempt that would make one more.
	errTooDeep = "too_deep"
)

// depthBelow is the depth of the runs that a task asks for.
func (m *Machine) depthBelow(t *task) uint32 {
	if r := m.runOf(t); r != nil {
		return r.depth + 1
	}
	return 1
}

// tooDeep refuses to let tasks make one another without end.
func (m *Machine) tooDeep(t *task) *queue.Error {
	if m.depthBelow(t) <= maxDepth {
		return nil
	}
	return &queue.Error{Type: errTooDeep, Message: fmt.Sprintf("the task was made by a task that was made by a task, and so on, %d deep; it may not spawn in its turn", maxDepth)}
}

// freeResumes is how often a task is deferred and goes on as soon as it wants.
// From then on each pause takes a moment, so that one that polls as fast as it
// can leaves room for others.
var freeResumes = uint32(10)

const (
	pauseUnit    = int64(10e6) // doubled with each resume
	maxDoublings = 10          // 10.24 s
	maxRunPause  = int64(100e6)
)

// leastPause is how long a task waits at least that is deferred for the nth time.
// What it waits for has work of its own where that is a run: there the pause
// stays short.
func leastPause(n uint32, runs bool) int64 {
	if n <= freeResumes {
		return 0
	}
	pause := pauseUnit << min(n-freeResumes, maxDoublings)
	if runs {
		return min(pause, maxRunPause)
	}
	return pause
}

// beginChildren makes the runs that an attempt asked for, all or none.
func (m *Machine) beginChildren(t *task, children []command.NewRun) *command.Result {
	for i := range children {
		for k := range i {
			if children[k].ID == children[i].ID {
				return refuse(command.CodeExists, "two runs have the id %s", children[i].ID)
			}
		}
		if refused := m.admitRun(&children[i], true); refused != nil {
			return refused
		}
	}
	runs, refused := m.newRuns(t.spec.Namespace, children)
	if refused != nil {
		return refused
	}
	for _, r := range runs {
		r.parent, r.depth = t.id, m.depthBelow(t)
		m.budget -= (r.graph.Len() + 3) / 4
		m.beginRun(r)
	}
	return nil
}

// maxAwaiting is how many tasks may wait for one run: all of them go on in the
// Apply in which it ends.
const maxAwaiting = 1000

// tooMany finds a run for which no other task can wait.
func (m *Machine) tooMany(d *queue.Deferral) *queue.Error {
	for _, id := range d.Wait {
		if len(m.awaiting[id]) >= maxAwaiting {
			return &queue.Error{Type: string(command.CodeConflict), Message: fmt.Sprintf("%d tasks wait for run %s already; let one of them wait and spawn the others", maxAwaiting, id)}
		}
	}
	return nil
}

// deferTask lets a task wait without a slot.
func (m *Machine) deferTask(t *task, o *queue.Outcome, worker string) {
	d := &deferral{replace: o.Defer.Replace}
	for _, id := range o.Defer.Wait {
		if r := m.runs[id]; r != nil && r.namespace == t.spec.Namespace && !slices.Contains(d.wait, id) {
			d.wait = append(d.wait, id)
			m.awaiting[id] = append(m.awaiting[id], t)
			if d.replace {
				r.outlast(m, decideTime)
			}
		}
	}
	x := t.more()
	x.deferral, x.worker, x.started = d, worker, o.Started
	x.resumes++
	d.until = satAdd(m.now, leastPause(x.resumes, true))
	w := command.NewWriter(nil)
	w.Bytes(o.Defer.State)
	w.IDs(o.Defer.Wait)
	m.sink.Put(ResumeKey(m.shard, t.id), w.Done())
	t.list.move(t, func() {
		t.state = queue.Deferred
		t.flags |= flagScheduled
	})
	m.dirty.task(t)
	m.moved(t, queue.Deferred, nil)
	pause := leastPause(x.resumes, false)
	switch {
	case o.Defer.After > 0:
		m.wait(t, satAdd(m.now, max(o.Defer.After, pause)))
	case len(d.wait) == 0 && pause > 0 && !d.replace:
		m.wait(t, satAdd(m.now, pause))
	case len(d.wait) == 0:
		m.resume(t)
	}
}

// goOn lets a task go on of whose runs the last has ended.
func (m *Machine) goOn(t *task) {
	if d := t.extra.deferral; m.now < d.until && !d.replace {
		m.wait(t, d.until)
		return
	}
	m.resume(t)
}

// resume lets a deferred task go on, at the first of its events.
func (m *Machine) resume(t *task) {
	d := t.extra.deferral
	m.forgetAwait(t)
	m.unwait(t)
	m.dirty.task(t)
	if d.replace {
		d.decide = true
		m.deciding[t.id] = t
		m.effects.Decide = true
		return
	}
	t.extra.deferral = nil
	t.list.move(t, func() {
		t.state = queue.Pending
		t.flags &^= flagScheduled
	})
	m.moved(t, queue.Pending, nil)
	t.ready = m.now
	m.makeReady(t)
}

// forgetAwait takes a task from those that wait for runs.
func (m *Machine) forgetAwait(t *task) {
	if t.extra == nil || t.extra.deferral == nil {
		return
	}
	for _, id := range t.extra.deferral.wait {
		list := slices.DeleteFunc(m.awaiting[id], func(o *task) bool { return o == t })
		if m.awaiting[id] = list; len(list) == 0 {
			delete(m.awaiting, id)
		}
	}
	t.extra.deferral.wait = nil
}

// runHasEnded tells those who wait for a run.
func (m *Machine) runHasEnded(r *run) {
	m.scheduleGoesOn(r.id)
	list := slices.Clone(m.awaiting[r.id])
	delete(m.awaiting, r.id)
	slices.SortFunc(list, func(a, b *task) int { return int(a.Seq) - int(b.Seq) })
	for _, t := range list {
		d := t.extra.deferral
		d.wait = slices.DeleteFunc(d.wait, func(id queue.ID) bool { return id == r.id })
		m.dirty.task(t)
		if len(d.wait) == 0 {
			m.spend()
			m.goOn(t)
		}
	}
}

// decideTime is how long the result of a run that replaces a task is kept at
// least: a leader must have read it.
const decideTime = int64(3600e9)

// outlast lets a run's records stay at least for so long after its end.
func (r *run) outlast(m *Machine, ttl int64) {
	if r.ttl < ttl {
		r.ttl = ttl
		if r.due != 0 {
			r.due = max(r.due, satAdd(m.now, ttl))
		}
		m.dirty.run(r)
	}
}

// dropDeferral ends a deferred task's wait, and cancels the runs that it waits
// for and has made; others go on, for whoever made them.
func (m *Machine) dropDeferral(t *task) {
	wait := slices.Clone(t.extra.deferral.wait)
	m.forgetAwait(t)
	for _, id := range wait {
		if r := m.runs[id]; r != nil && r.progress != nil && r.parent == t.id {
			m.cancelRun(r)
		}
	}
}

// decide ends a task that a run's result replaces.
func (m *Machine) decide(c *command.Decide) command.Result {
	t := m.deciding[c.ID]
	if t == nil || t.extra.resumes != c.Resumes {
		return *refuse(command.CodeEnded, "task %s waits for no decision", c.ID)
	}
	m.spend()
	m.blobsOf(t, c.Blobs)
	state := queue.Success
	if !c.Outcome.OK {
		state = queue.Failure
	}
	c.Outcome.Started = t.extra.started
	m.end(t, state, &c.Outcome, t.extra.worker)
	return command.Result{}
}

// resumes is how often a task was deferred.
func (t *task) resumes() uint32 {
	if t.extra == nil {
		return 0
	}
	return t.extra.resumes
}

// Deciding lists the tasks that wait for the leader to read the result of the
// run that replaces them, by id.
func (m *Machine) Deciding() []queue.View {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []queue.View
	for _, t := range m.deciding { // order: sorted below
		out = append(out, t.view())
	}
	slices.SortFunc(out, func(a, b queue.View) int { return a.ID.Compare(b.ID) })
	return out
}

// Resumed reports whether a task goes on after a deferral.
func (m *Machine) Resumed(id queue.ID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.tasks[id]
	return t != nil && t.extra != nil && t.extra.resumes > 0
}

// DecodeResume reads what a task's next instance is given, and the runs that it
// waited for; it aliases b.
func DecodeResume(b []byte) (state []byte, wait []queue.ID, err error) {
	r := command.NewReader(b)
	state, wait = r.Bytes(), r.IDs()
	return state, wait, r.Err("resume point")
}

// loadDeferral enters a loaded task into what it waits for.
func (m *Machine) loadDeferral(t *task) {
	if t.extra == nil || t.extra.deferral == nil {
		return
	}
	for _, id := range t.extra.deferral.wait {
		m.awaiting[id] = append(m.awaiting[id], t)
	}
	if t.extra.deferral.decide {
		m.deciding[t.id] = t
	}
}
