package state

import (
	"slices"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// Task is an unfinished or dead-lettered task; others are in the store.
func (m *Machine) Task(id queue.ID) (queue.View, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.tasks[id]
	if t == nil || t.hidden() {
		return queue.View{}, false
	}
	v := t.view()
	v.WaitsFor = m.waitsFor(t)
	return v, true
}

// hidden tasks belong to a batch that has not been accepted.
func (t *task) hidden() bool {
	return t.flags&flagStaged != 0 && !t.extra.stage.accepted
}

// Alive reports whether the machine still has the task.
func (m *Machine) Alive(id queue.ID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	t := m.tasks[id]
	return t != nil && t.flags&flagDead == 0
}

func (m *Machine) waitsFor(t *task) string {
	switch {
	case t.asg != nil || t.flags&flagDead != 0:
		return ""
	case t.state == queue.Deferred && (len(t.extra.deferral.wait) > 0 || t.extra.deferral.decide):
		return "runs"
	case t.Where == match.Out:
		return "time"
	case t.Where == match.Parked && t.By == limit.Key:
		return "concurrency_key " + t.extra.key
	case t.Where == match.Parked && t.By == limit.Pool:
		return "pool " + t.spec.Pool
	case t.Where == match.Parked:
		return "rate_limit"
	case t.Line.Paused:
		return "paused queue"
	}
	return "slot"
}

// Queues lists the queues of a namespace by name.
func (m *Machine) Queues(namespace string) []queue.QueueView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []queue.QueueView
	for _, n := range m.queueNames() {
		if n.namespace == namespace {
			out = append(out, m.queueView(m.queues[n]))
		}
	}
	return out
}

// AllQueues lists the queues of all namespaces by namespace and name.
func (m *Machine) AllQueues() []queue.QueueView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []queue.QueueView
	for _, n := range m.queueNames() {
		out = append(out, m.queueView(m.queues[n]))
	}
	return out
}

// Queue is one queue; one that nobody has used yet is empty.
func (m *Machine) Queue(namespace, name string) (queue.QueueView, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	l := m.queues[queueName{namespace, name}]
	if l == nil {
		return queue.QueueView{}, false
	}
	return m.queueView(l), true
}

func (m *Machine) queueView(l *taskList) queue.QueueView {
	v := queue.QueueView{Namespace: l.namespace, Name: l.name, Pending: l.pending, Scheduled: l.scheduled, Running: l.running, Dead: l.dead, DeadTTL: m.deadTTL(l)}
	if d := m.catalog.Get(catalog.Key{Kind: command.KindQueue, Namespace: l.namespace, Name: l.name}).Newest(); d != nil {
		v.Paused, v.Rate = d.Attributes.Paused, queue.Rate{N: d.Attributes.RateN, Per: d.Attributes.RatePer}
	}
	seen := 0
	for t := l.head; t != nil && seen < 1000; t = t.next {
		if t.asg == nil && t.Where != match.Out {
			v.OldestReadyAt = t.ready
			break
		}
		seen++
	}
	return v
}

// Dead lists a queue's dead-lettered tasks, newest first, before a task that
// may be zero.
func (m *Machine) Dead(namespace, name string, before queue.ID, limit int) []queue.View {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var list []*task
	for _, t := range m.dead { // order: sorted below
		if t.spec.Namespace == namespace && t.spec.Queue == name && (before.IsZero() || t.id.Compare(before) < 0) {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *task) int { return b.id.Compare(a.id) })
	var out []queue.View
	for _, t := range list[:min(limit, len(list))] {
		out = append(out, t.view())
	}
	return out
}

// Workers lists the open sessions by worker.
func (m *Machine) Workers() []queue.WorkerView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []queue.WorkerView
	for _, s := range m.sessionsInOrder() {
		if s.ending == nil {
			out = append(out, queue.WorkerView{Session: s.id, Worker: s.worker, Incarnation: s.incarnation, Queues: s.queues,
				Labels: s.labels, Running: s.Running, Prefetch: s.Prefetch, Outstanding: s.Outstanding, Held: s.Held, OpenedAt: s.opened,
				Asked: s.running, Limit: m.workerSettings(s.worker).Slots, Drained: m.workerSettings(s.worker).Paused})
		}
	}
	return out
}

// Outstanding lists what a session holds, in the order of assignment, with
// the kills that were asked for.
func (m *Machine) Outstanding(id queue.Fence) ([]Assigned, []Kill) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := m.sessions[id]
	if s == nil || s.ending != nil {
		return nil, nil
	}
	var out []Assigned
	var kills []Kill
	for t := s.head; t != nil; t = t.asg.next {
		out = append(out, m.assigned(t))
		if t.flags&flagRevoked != 0 {
			kills = append(kills, Kill{Session: id, Fence: t.asg.fence, ID: t.id, Terminate: t.flags&flagTerminate != 0})
		}
	}
	return out, kills
}

// Pools lists the pools of a namespace with their use.
func (m *Machine) Pools(namespace string) []queue.PoolView {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []queue.PoolView
	for _, d := range m.catalog.List(command.KindPool, namespace, "", 1<<30) {
		v := queue.PoolView{Namespace: namespace, Name: d.Name, Slots: d.Attributes.Slots}
		if l := m.limits.Get(limit.Name{Kind: limit.Pool, Namespace: namespace, Name: d.Name}); l != nil {
			v.Used, v.Waiting = l.Used, m.ready.Waiting(l)
		}
		out = append(out, v)
	}
	return out
}

// Document is one version of a document, 0 being the newest.
func (m *Machine) Document(kind, namespace, name string, version uint32) (command.Document, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	d := m.catalog.Get(catalog.Key{Kind: kind, Namespace: namespace, Name: name}).Version(version)
	if d == nil {
		return command.Document{}, false
	}
	return *d, true
}

// Versions lists a document's versions, oldest first.
func (m *Machine) Versions(kind, namespace, name string) []command.Document {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e := m.catalog.Get(catalog.Key{Kind: kind, Namespace: namespace, Name: name})
	if e == nil {
		return nil
	}
	return copies(e.Versions)
}

// Documents lists the newest versions of a kind by name, after a name.
func (m *Machine) Documents(kind, namespace, after string, limit int) []command.Document {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return copies(m.catalog.List(kind, namespace, after, limit))
}

func copies(docs []*command.Document) []command.Document {
	out := make([]command.Document, len(docs))
	for i, d := range docs {
		out[i] = *d
	}
	return out
}

func (m *Machine) sessionsInOrder() []*session {
	list := make([]*session, 0, len(m.sessions))
	for _, s := range m.sessions { // order: sorted below
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *session) int { return a.id.Compare(b.id) })
	return list
}

func (m *Machine) queueNames() []queueName {
	list := make([]queueName, 0, len(m.queues))
	for n := range m.queues { // order: sorted below
		list = append(list, n)
	}
	slices.SortFunc(list, queueName.compare)
	return list
}

// Unwritten lists the tasks that no record in the sink tells of as they are:
// those changed since the last cut.
func (m *Machine) Unwritten() []queue.View {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]queue.View, 0, len(m.dirty.tasks))
	for _, t := range m.dirty.tasks {
		if m.tasks[t.id] == t && !t.hidden() {
			v := t.view()
			v.WaitsFor = m.waitsFor(t)
			out = append(out, v)
		}
	}
	return out
}

// Few lists all tasks that are alive or dead-lettered, if they are no more than
// so many: then a list needs no look at their records.
func (m *Machine) Few(most int) ([]queue.View, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.tasks) > most {
		return nil, false
	}
	out := make([]queue.View, 0, len(m.tasks))
	for _, t := range m.tasks { // order: the reader sorts
		if !t.hidden() {
			v := t.view()
			v.WaitsFor = m.waitsFor(t)
			out = append(out, v)
		}
	}
	return out, true
}

// DirtyBytes estimates what Cut would write now.
func (m *Machine) DirtyBytes() int { return len(m.dirty.tasks)*220 + len(m.dirty.runs)*512 }
