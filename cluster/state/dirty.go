package state

import (
	"cmp"
	"slices"

	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// dirty notes what must be written at the next cut. A record that changes ten
// times between two cuts is written once.
type dirty struct {
	machine    bool
	tasks      []*task
	sessions   map[*session]bool
	runs       map[*run]bool
	schedules  map[*schedule]bool
	hooks      map[*hook]bool
	lines      map[*match.Line]bool
	flows      map[*match.Flow]bool
	namespaces map[*match.Namespace]bool
	limiters   map[*limit.Limiter]bool
	deletes    [][]byte
	droppedF   []*match.Flow
	droppedL   []*limit.Limiter
	droppedQ   [][]byte // keys of lines and namespaces
}

func newDirty() dirty {
	return dirty{
		sessions: map[*session]bool{}, runs: map[*run]bool{}, schedules: map[*schedule]bool{}, hooks: map[*hook]bool{}, lines: map[*match.Line]bool{}, flows: map[*match.Flow]bool{},
		namespaces: map[*match.Namespace]bool{}, limiters: map[*limit.Limiter]bool{},
	}
}

func (d *dirty) task(t *task) {
	if t.flags&flagDirty == 0 {
		t.flags |= flagDirty
		d.tasks = append(d.tasks, t)
	}
}

func (d *dirty) run(r *run) { d.runs[r] = true }

func (d *dirty) dropLimiter(l *limit.Limiter) {
	delete(d.limiters, l)
	d.droppedL = append(d.droppedL, l)
}

// ItemChanged implements match.Changes; the task that embeds the item is
// marked by whoever moves it.
func (m *Machine) ItemChanged(i *match.Item) {
	m.dirty.task(taskOf(i))
}

func taskOf(i *match.Item) *task {
	return i.Owner.(*task) //nolint:forcetypeassert // the index holds nothing else
}

// FlowChanged implements match.Changes.
func (m *Machine) FlowChanged(f *match.Flow) { m.dirty.flows[f] = true }

// FlowDropped implements match.Changes.
func (m *Machine) FlowDropped(f *match.Flow) {
	delete(m.dirty.flows, f)
	m.dirty.droppedF = append(m.dirty.droppedF, f)
}

// LineChanged implements match.Changes.
func (m *Machine) LineChanged(l *match.Line) { m.dirty.lines[l] = true }

// LineDropped implements match.Changes.
func (m *Machine) LineDropped(l *match.Line) {
	delete(m.dirty.lines, l)
	m.dirty.droppedQ = append(m.dirty.droppedQ, lineKey(m.shard, l.Namespace.Name, l.Name))
}

// NamespaceDropped implements match.Changes.
func (m *Machine) NamespaceDropped(n *match.Namespace) {
	delete(m.dirty.namespaces, n)
	m.dirty.droppedQ = append(m.dirty.droppedQ, lineKey(m.shard, n.Name, ""))
}

// NamespaceChanged implements match.Changes.
func (m *Machine) NamespaceChanged(n *match.Namespace) { m.dirty.namespaces[n] = true }

// LimiterChanged implements match.Changes.
func (m *Machine) LimiterChanged(l *limit.Limiter) { m.dirty.limiters[l] = true }

// Cut writes everything that has changed since the last cut to the sink, in an
// order that does not depend on maps. It belongs to the applying goroutine.
func (m *Machine) Cut() {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := &m.dirty
	for _, t := range d.tasks {
		t.flags &^= flagDirty
		if m.tasks[t.id] == t {
			m.sink.Put(LiveKey(m.shard, t.id), m.liveRecord(t))
		}
	}
	clear(d.tasks)
	d.tasks = d.tasks[:0]
	m.cutFairness()
	for _, s := range sortedKeys(d.sessions, func(a, b *session) int { return a.id.Compare(b.id) }) {
		m.sink.Put(sessionKey(m.shard, s.id), s.record())
	}
	clear(d.sessions)
	for _, r := range sortedKeys(d.runs, func(a, b *run) int { return a.id.Compare(b.id) }) {
		m.sink.Put(idKey(m.shard, kindRun, r.id), r.record())
	}
	clear(d.runs)
	for _, k := range d.deletes {
		m.sink.Delete(k)
	}
	d.deletes = d.deletes[:0]
	for _, s := range sortedKeys(d.schedules, compareSchedules) { // one may have come back under its name
		m.sink.Put(scheduleKey(m.shard, s.name), s.record())
	}
	clear(d.schedules)
	for _, h := range sortedKeys(d.hooks, compareHooks) {
		m.sink.Put(hookKey(m.shard, h.namespace, h.name), h.record())
	}
	clear(d.hooks)
	if d.machine {
		m.sink.Put(Prefix(m.shard, kindMachine), m.record())
		d.machine = false
	}
}

// cutFairness deletes what was dropped before it writes what has changed: a
// flow, a line or a limiter may have come back under its name.
func (m *Machine) cutFairness() {
	d := &m.dirty
	for _, l := range d.droppedL {
		m.sink.Delete(limiterKey(m.shard, l.Name))
	}
	d.droppedL = d.droppedL[:0]
	for _, f := range d.droppedF {
		m.sink.Delete(flowKey(m.shard, f))
	}
	d.droppedF = d.droppedF[:0]
	for _, k := range d.droppedQ {
		m.sink.Delete(k)
	}
	d.droppedQ = nil
	for _, f := range sortedKeys(d.flows, compareFlows) {
		m.sink.Put(flowKey(m.shard, f), ints(f.Tag))
	}
	for _, l := range sortedKeys(d.lines, compareLines) {
		q := m.queueList(l.Namespace.Name, l.Name)
		p := &q.purge
		m.sink.Put(lineKey(m.shard, l.Namespace.Name, l.Name), ints(l.Virtual, l.RateNext(), int64(p.to), int64(p.done), int64(p.order), q.idleAt))
	}
	for _, n := range sortedKeys(d.namespaces, func(a, b *match.Namespace) int { return cmp.Compare(a.Name, b.Name) }) {
		m.sink.Put(lineKey(m.shard, n.Name, ""), ints(n.Tag))
		d.machine = true
	}
	for _, l := range sortedKeys(d.limiters, func(a, b *limit.Limiter) int { return compareNames(a.Name, b.Name) }) {
		m.sink.Put(limiterKey(m.shard, l.Name), ints(int64(l.Limit), int64(l.Rate.N), l.Rate.Per, l.Next))
	}
	clear(d.flows)
	clear(d.lines)
	clear(d.namespaces)
	clear(d.limiters)
}

func sortedKeys[K comparable](set map[K]bool, compare func(a, b K) int) []K {
	keys := make([]K, 0, len(set))
	for k := range set { // order: sorted below
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

func compareLines(a, b *match.Line) int {
	return cmp.Or(cmp.Compare(a.Namespace.Name, b.Namespace.Name), cmp.Compare(a.Name, b.Name))
}

func compareFlows(a, b *match.Flow) int {
	return cmp.Or(compareLines(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
}

func compareNames(a, b limit.Name) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareHooks(a, b *hook) int {
	return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
}
