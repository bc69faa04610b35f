package state

import (
	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// bury dead-letters a task: it has ended, but stays in memory for replay until
// its queue's time for that is over.
func (m *Machine) bury(t *task, e *queue.Error) {
	m.ready.Remove(&t.Item, m.now)
	m.unwait(t)
	m.moved(t, queue.Failure, e)
	m.forgetUnique(t)
	lapses := satAdd(m.now, m.deadTTL(t.list))
	x := t.more()
	x.lastError, x.finished, x.removedAt = e, m.now, max(lapses, satAdd(m.now, t.spec.ResultTTL))
	t.list.move(t, func() {
		t.state = queue.Failure
		t.flags |= flagDead
	})
	m.dead[t.id] = t
	m.wait(t, lapses)
	if r := m.runOf(t); r != nil {
		r.keep = max(r.keep, satAdd(x.removedAt, deadGrace))
		m.dirty.run(r)
		m.runTaskEnded(r, t, queue.Failure)
	}
}

func (m *Machine) deadTTL(l *taskList) int64 {
	d := m.catalog.Get(catalog.Key{Kind: command.KindQueue, Namespace: l.namespace, Name: l.name}).Newest()
	if d == nil || d.Attributes.DeadTTL == 0 {
		return queue.DefaultDeadTTL
	}
	return d.Attributes.DeadTTL
}

// deadGrace is how much longer than its dead letters a run is kept: they lapse
// one by one, and leave a record that is to go with it.
const deadGrace = int64(3600e9)

// retire lets a dead-lettered task go the way of the other ended ones: it can
// be replayed no more, and its record stays until the given time. That of a
// run's task stays as long as the run.
func (m *Machine) retire(t *task, removed int64) {
	m.unwait(t)
	m.sink.Delete(LiveKey(m.shard, t.id))
	v := t.view()
	if t.flags&flagRun != 0 {
		m.retireOfRun(t, v)
		return
	}
	v.RemovedAt = removed
	r := record{View: v}
	m.sink.Put(FinishedKey(m.shard, t.id), r.append(nil, false))
	m.sink.Expire(m.shard, removed, t.id, t.ended()+1)
	m.holdBlobs(t, removed)
	m.gone(t)
}

// retireOfRun is retire's part for a run's task. Its record tells what the run
// has come to, and must not go before it; a run that has ended is kept until
// its dead letters have lapsed.
func (m *Machine) retireOfRun(t *task, v queue.View) {
	kept := satAdd(t.extra.removedAt, deadGrace)
	v.RemovedAt = 0
	if r := m.runOf(t); r != nil || m.now < kept {
		m.sink.Put(FinishedKey(m.shard, t.id), (&record{View: v}).append(nil, false))
		if r != nil {
			r.hold(m, t)
		} else {
			m.holdBlobs(t, kept)
		}
	}
	m.gone(t)
}
