package state

import (
	"encoding/binary"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// keptAttempts bounds the history of a task that is deferred again and again.
const keptAttempts = 100

// inlineResult is the longest result, in bytes, kept in the task's own record
// rather than under a key of its own.
const inlineResult = 1024

// complete takes the outcomes of assignments. One whose fence is not the
// task's present one is refused and changes nothing.
func (m *Machine) complete(c *command.Complete) command.Result {
	var out command.Result
	for i := range c.Results {
		r := &c.Results[i]
		t := m.tasks[r.ID]
		if t == nil || t.asg == nil || t.asg.fence != r.Fence {
			out.Refused = append(out.Refused, uint32(i))
			continue
		}
		m.spend()
		m.outcome(t, r)
	}
	return out
}

// outcome ends a task or has it tried again.
func (m *Machine) outcome(t *task, r *command.TaskResult) {
	o, worker := &r.Outcome, t.asg.session.worker
	if !o.OK && o.Error == nil {
		o.Error = &queue.Error{Type: queue.ErrCrashed}
	}
	t.delivery++
	m.unassign(t)
	if !o.OK || o.LogLen > 0 || len(o.Progress) > 0 {
		m.keepAttempt(t, worker, o)
	}
	m.blobsOf(t, r.Blobs)
	if o.OK && t.flags&flagRevoked != 0 && (len(r.Runs) > 0 || o.Defer != nil) {
		*o = inVain(o, revokedError()) // what it asks for is not to begin, so it is not done
	}
	if o.OK && o.Defer != nil {
		if e := m.tooMany(o.Defer); e != nil {
			*o = inVain(o, e)
		}
	}
	if o.OK && len(r.Runs) > 0 {
		if e := m.tooDeep(t); e != nil {
			*o = inVain(o, e)
		}
	}
	if o.OK && len(r.Runs) > 0 {
		if refused := m.beginChildren(t, r.Runs); refused != nil {
			*o = inVain(o, &queue.Error{Type: string(refused.Code), Message: "a child was refused: " + refused.Detail})
		}
	}
	switch {
	case o.OK && o.Defer != nil:
		m.deferTask(t, o, worker)
	case o.OK:
		m.end(t, queue.Success, o, worker)
	case o.Error.Type == queue.ErrRevoked || t.flags&flagRevoked != 0:
		m.end(t, queue.Revoked, o, worker)
	case t.spec.Retry.Wants(o.Error, t.retries):
		m.retry(t, o, worker)
	default:
		m.end(t, queue.Failure, o, worker)
	}
}

// inVain is the outcome of an attempt that cannot have what it asks for.
func inVain(o *queue.Outcome, e *queue.Error) queue.Outcome {
	return queue.Outcome{Error: e, Usage: o.Usage, LogLen: o.LogLen, Started: o.Started, Finished: o.Finished}
}

// retry lets a task wait for its next attempt.
func (m *Machine) retry(t *task, o *queue.Outcome, worker string) {
	random := m.random(t)
	t.retries++
	delay := o.Error.After
	if delay <= 0 {
		delay = t.spec.Retry.Delay(t.retries, random)
	}
	x := t.more()
	x.lastError, x.worker, x.started = cloneError(o.Error), worker, o.Started
	t.list.move(t, func() {
		t.state = queue.Retrying
		t.ready = satAdd(m.now, delay)
	})
	m.moved(t, queue.Retrying, o.Error)
	m.schedule(t)
}

// random is a word drawn from what every replica knows.
func (m *Machine) random(t *task) uint64 {
	x := m.index ^ binary.BigEndian.Uint64(t.id[8:]) ^ uint64(t.retries)<<32
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// end makes a task final: its record and result go to the store, and nothing
// of it stays in memory.
func (m *Machine) end(t *task, state queue.State, o *queue.Outcome, worker string) {
	m.ready.Remove(&t.Item, m.now)
	m.unwait(t)
	v := t.view()
	v.State = state
	v.FinishedAt = m.now
	r := m.runOf(t)
	if r == nil {
		v.RemovedAt = satAdd(m.now, t.spec.ResultTTL)
	}
	v.Error, v.Usage, v.LogLen = o.Error, o.Usage, o.LogLen
	if o.Started != 0 {
		v.StartedAt = o.Started
		v.Attempt = t.ended()
		if t.state != queue.Deferred { // one that is replaced has had its last
			v.Attempt++
		}
	}
	if worker != "" {
		v.Worker = worker
	}
	m.movedAt(t, state, o.Error, v.Attempt)
	rec := record{View: v}
	if o.OK && !t.spec.IgnoreResult {
		rec.ResultBlob = o.Blob
		if len(o.Result) <= inlineResult {
			rec.result = o.Result
		} else {
			m.sink.Put(ResultKey(m.shard, t.id), o.Result)
		}
	}
	if t.resumes() > 0 {
		m.sink.Delete(ResumeKey(m.shard, t.id))
	}
	m.sink.Delete(LiveKey(m.shard, t.id))
	m.sink.Put(FinishedKey(m.shard, t.id), rec.append(make([]byte, 0, 192+len(rec.result)), false))
	if r != nil { // what a run has made stays as long as the run
		r.hold(m, t)
		m.gone(t)
		m.runTaskEnded(r, t, state)
		return
	}
	m.sink.Expire(m.shard, v.RemovedAt, t.id, t.ended()+1)
	m.holdBlobs(t, v.RemovedAt)
	m.gone(t)
}

// expire ends a task that did not begin in time.
func (m *Machine) expire(t *task) {
	m.end(t, queue.Revoked, &queue.Outcome{Error: &queue.Error{Type: queue.ErrExpired, Message: "not started before its expires"}}, "")
}

func (m *Machine) keepAttempt(t *task, worker string, o *queue.Outcome) {
	a := queue.Attempt{Number: t.ended() + 1, Worker: worker, StartedAt: o.Started, FinishedAt: o.Finished,
		Error: o.Error, Usage: o.Usage, LogLen: o.LogLen, LogTail: o.Log, LogBlob: o.LogBlob, Progress: o.Progress}
	m.sink.Put(AttemptKey(m.shard, t.id, a.Number), attemptRecord(&a))
	if t.resumes() > 0 && a.Number > keptAttempts {
		m.sink.Delete(AttemptKey(m.shard, t.id, a.Number-keptAttempts))
	}
}

// handBack returns assignments that have not begun.
func (m *Machine) handBack(c *command.HandBack) command.Result {
	var out command.Result
	for i, h := range c.Items {
		t := m.tasks[h.ID]
		if t == nil || t.asg == nil || t.asg.fence != h.Fence {
			out.Refused = append(out.Refused, uint32(i))
			continue
		}
		m.spend()
		m.unassign(t)
		if t.flags&flagRevoked != 0 {
			m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
			continue
		}
		m.again(t)
	}
	return out
}

func revokedError() *queue.Error {
	return &queue.Error{Type: queue.ErrRevoked, Message: "revoked"}
}

// cloneError copies what came out of a log entry's memory.
func cloneError(e *queue.Error) *queue.Error {
	c := *e
	return &c
}
