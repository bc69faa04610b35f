package state

import (
	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/workflow"
)

func (m *Machine) putDocument(c *command.PutDocument) command.Result {
	k := catalog.Key{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
	newest := m.catalog.Get(k).Newest()
	if c.IfVersion != 0 && (newest == nil || newest.Version != c.IfVersion) {
		return *refuse(command.CodeConflict, "the newest version is not %d any more; read it again", c.IfVersion)
	}
	if c.Kind == command.KindQueue {
		if refused := m.roomForQueues([]queue.Spec{{Namespace: c.Namespace, Queue: c.Name}}); refused != nil {
			return *refused
		}
	}
	if c.Kind == command.KindSchedule {
		if newest != nil && newest.Digest == c.Digest { // its ticks are not disturbed
			return command.Result{Version: newest.Version}
		}
		if refused := m.admitSchedule(c, newest); refused != nil {
			return *refused
		}
	}
	if c.Kind == command.KindWebhook {
		if refused := m.roomForHook(c.Namespace, c.Name); refused != nil {
			return *refused
		}
	}
	doc, created, gone := m.catalog.Put(c, m.now)
	for _, d := range gone {
		m.sink.Delete(documentKey(m.shard, d))
		m.unref(documentBlobs(d))
	}
	if created || len(gone) > 0 {
		m.sink.Put(documentKey(m.shard, doc), doc.Append(nil))
		m.ref(documentBlobs(doc))
	}
	m.heed(doc)
	switch c.Kind {
	case command.KindSchedule:
		m.heedSchedule(doc)
	case command.KindWebhook:
		m.heedHook(doc)
	}
	return command.Result{Version: doc.Version, Created: created}
}

func documentBlobs(d *command.Document) []string {
	switch d.Kind {
	case command.KindModule:
		return []string{d.Digest}
	case command.KindSchedule:
		plan, _ := command.DecodePlan(d.Attributes.Plan) // they were read before they were put
		ask, _ := command.DecodePlan(d.Attributes.Ask)
		return append(plan.Part.Blobs(), ask.Part.Blobs()...)
	}
	return nil
}

// heed lets a document's attributes take effect.
func (m *Machine) heed(d *command.Document) {
	a := &d.Attributes
	switch d.Kind {
	case command.KindPool:
		l := m.limits.Need(limit.Name{Kind: limit.Pool, Namespace: d.Namespace, Name: d.Name})
		l.Limit = a.Slots
		m.ready.Wake(l)
	case command.KindWorker:
		m.steerWorker(d.Name)
	case command.KindQueue:
		l := m.ready.Line(d.Namespace, d.Name)
		l.Paused = a.Paused
		l.SetRate(queue.Rate{N: a.RateN, Per: a.RatePer})
		m.rouse(m.queueList(d.Namespace, d.Name))
		m.ready.Refresh(l, m.now)
		if l.RateLimited() && l.RateNext() > m.now {
			m.addRate(rateTimer{line: l})
		}
	}
}

func (m *Machine) deleteDocument(c *command.DeleteDocument) command.Result {
	k := catalog.Key{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}
	e := m.catalog.Get(k)
	if e.Version(c.Version) == nil {
		return *refuse(command.CodeNotFound, "no %s %q in namespace %q", c.Kind, c.Name, c.Namespace)
	}
	if refused := m.inUse(e, c.Version); refused != nil {
		return *refused
	}
	last := e.Last
	for _, d := range m.catalog.Delete(k, c.Version) {
		m.sink.Delete(documentKey(m.shard, d))
		m.unref(documentBlobs(d))
	}
	m.sink.Put(lastVersionKey(m.shard, k), ints(int64(last)))
	if c.Kind == command.KindSchedule && e.Newest() == nil {
		m.dropSchedule(workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name})
	}
	if c.Kind == command.KindWebhook && e.Newest() == nil {
		m.dropHook(c.Namespace, c.Name)
	}
	if c.Kind == command.KindQueue {
		m.heed(&command.Document{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name})
		m.rest(m.queueList(c.Namespace, c.Name))
	}
	return command.Result{}
}

// inUse refuses to remove what unfinished tasks need.
func (m *Machine) inUse(e *catalog.Entry, version uint32) *command.Result {
	switch e.Kind {
	case command.KindModule:
		var live uint32
		for _, d := range e.Versions {
			if version == 0 || d.Version == version {
				live += d.Live
			}
		}
		if live > 0 {
			return refuse(command.CodeInUse, "%d unfinished tasks need module %q; let them end or revoke them first", live, e.Name)
		}
	case command.KindPool:
		users := 0
		for _, s := range m.specs { // order: only counts
			if s.Pool == e.Name && s.Namespace == e.Namespace {
				users += s.refs
			}
		}
		for _, r := range m.runs { // order: only counts
			for _, s := range r.specs {
				if s.Pool == e.Name && s.Namespace == e.Namespace {
					users++
				}
			}
		}
		if users > 0 {
			return refuse(command.CodeInUse, "%d unfinished tasks and kinds of tasks in runs need pool %q; let them end or revoke them first", users, e.Name)
		}
	}
	return nil
}
