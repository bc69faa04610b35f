package state

import (
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/match"
)

// session is a worker's open session: its credit and what it holds.
type session struct {
	match.Session
	id          queue.Fence
	worker      string
	incarnation uint64
	queues      []string // sorted
	labels      []string
	seq         uint64 // of the last SetLimit
	opened      int64
	running     uint32 // credit as the worker asked for it
	prefetch    uint32
	head, tail  *task // what is assigned, in the order of assignment
	ending      *ending
}

// ending frees what an ended session held, in steps.
type ending struct {
	s     *session
	begun map[queue.Fence]bool
	order uint64
}

func (e *ending) place() uint64 { return e.order }

// openSession begins a session and ends the worker's older ones at once.
func (m *Machine) openSession(c *command.OpenSession) command.Result {
	if old := m.workers[c.Worker]; old != nil {
		m.close(old, c.Begun)
	}
	queues := slices.Clone(c.Queues)
	slices.Sort(queues)
	s := &session{id: m.fence(), worker: c.Worker, incarnation: c.Incarnation,
		queues: slices.Compact(queues), labels: c.Labels, opened: m.now}
	s.ID = s.id
	m.sessions[s.id] = s
	m.workers[s.worker] = s
	m.ready.Open(&s.Session, s.queues, m.now)
	m.dirty.sessions[s] = true
	m.effects.Opened = append(m.effects.Opened, s.id)
	return command.Result{Session: s.id}
}

func (m *Machine) endSession(c *command.EndSession) command.Result {
	s := m.sessions[c.Session]
	if s == nil || s.ending != nil {
		return *refuse(command.CodeSession, "session %s has ended", c.Session)
	}
	m.close(s, c.Begun)
	return command.Result{}
}

// close takes a session out of the matching at once; what it held is freed by
// work.
func (m *Machine) close(s *session, begun []queue.Fence) {
	if s.ending != nil {
		return
	}
	m.ready.Close(&s.Session)
	if m.workers[s.worker] == s {
		delete(m.workers, s.worker)
	}
	s.ending = &ending{s: s, begun: map[queue.Fence]bool{}, order: m.nextJob()}
	for _, f := range begun {
		s.ending.begun[f] = true
	}
	m.dirty.sessions[s] = true
	m.effects.Closed = append(m.effects.Closed, s.id)
	m.work.add(s.ending)
}

// step implements job.
func (e *ending) step(m *Machine) bool {
	for e.s.head != nil && m.budget > 0 {
		m.spend()
		t := e.s.head
		m.lose(t, e.begun[t.asg.fence])
	}
	if e.s.head != nil {
		return false
	}
	delete(m.sessions, e.s.id)
	delete(m.dirty.sessions, e.s)
	m.dirty.deletes = append(m.dirty.deletes, sessionKey(m.shard, e.s.id))
	return true
}

// lose frees an assignment whose worker is lost. What is not known to have
// begun goes back at no cost, unless it may run once at the most.
func (m *Machine) lose(t *task, begun bool) {
	worker := t.asg.session.worker
	m.unassign(t)
	lost := &queue.Error{Type: queue.ErrWorkerLost, Message: "the worker's session ended during the attempt"}
	switch {
	case t.flags&flagRevoked != 0:
		m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, worker)
	case t.spec.AckEarly:
		m.end(t, queue.Failure, &queue.Outcome{Error: lost}, worker)
	case begun:
		t.delivery++
		// Attempts that ended were delivered, too; the difference is right though
		// the count wraps, as it may where a task is deferred again and again.
		if t.delivery-uint16(t.ended()) >= t.spec.MaxDeliveries {
			t.more().worker = worker
			m.bury(t, lost)
			return
		}
		m.again(t)
	default:
		m.again(t)
	}
}

// again puts a task back to its old place.
func (m *Machine) again(t *task) {
	t.list.move(t, func() { t.state = queue.Pending })
	m.moved(t, queue.Pending, nil)
	m.makeReady(t)
}

func (m *Machine) holdSession(c *command.HoldSession) command.Result {
	s := m.sessions[c.Session]
	if s == nil || s.ending != nil {
		return *refuse(command.CodeSession, "session %s has ended", c.Session)
	}
	if s.Held != c.Hold {
		s.Held = c.Hold
		m.ready.Update(&s.Session)
		m.dirty.sessions[s] = true
	}
	return command.Result{}
}

func (m *Machine) setLimit(c *command.SetLimit) command.Result {
	s := m.sessions[c.Session]
	if s == nil || s.ending != nil {
		return *refuse(command.CodeSession, "session %s has ended", c.Session)
	}
	if c.Seq > s.seq {
		s.seq, s.running, s.prefetch = c.Seq, c.Running, c.Prefetch
		m.grant(s)
		m.ready.Update(&s.Session)
		m.dirty.sessions[s] = true
	}
	return command.Result{}
}

// assign ties a task to a session that the index has chosen.
func (m *Machine) assign(t *task, s *session) {
	m.unwait(t)
	t.list.move(t, func() {
		t.asg = &assignment{session: s, fence: m.fence(), prev: s.tail}
		t.state = queue.Received
	})
	if s.tail == nil {
		s.head = t
	} else {
		s.tail.asg.next = t
	}
	s.tail = t
	m.dirty.task(t)
	m.effects.Assigned = append(m.effects.Assigned, m.assigned(t))
	m.moved(t, queue.Received, nil)
}

// unassign takes a task from its session and gives back what it held.
func (m *Machine) unassign(t *task) {
	a := t.asg
	s := a.session
	if a.prev == nil {
		s.head = a.next
	} else {
		a.prev.asg.next = a.next
	}
	if a.next == nil {
		s.tail = a.prev
	} else {
		a.next.asg.prev = a.prev
	}
	t.list.move(t, func() { t.asg = nil })
	s.Outstanding--
	m.ready.Update(&s.Session)
	if t.Claim != nil {
		m.ready.GiveBack(t.Claim)
	}
	m.dirty.task(t)
}

// pair hands out what can be handed out, within the budget.
func (m *Machine) pair() {
	for m.budget > 0 {
		m.budget -= m.ready.WakeDue(m.now, m.budget)
		p := m.ready.Pair(m.now)
		if p.Item == nil {
			return
		}
		m.spend()
		t := taskOf(p.Item)
		if l := p.Item.Claim; l != nil && l.Rate != nil && m.ready.Waiting(l.Rate) > 0 {
			m.rateWaits(l.Rate)
		}
		if p.Parked {
			continue
		}
		if t.Line.RateLimited() {
			m.addRate(rateTimer{line: t.Line})
		}
		m.assign(t, m.sessions[p.Session.ID])
	}
}

func (s *session) record() []byte {
	w := command.NewWriter(nil)
	w.Fence(s.id)
	w.String(s.worker)
	w.Uint(s.incarnation)
	w.Strings(s.queues)
	w.Strings(s.labels)
	w.Uint(s.seq)
	w.Uint(uint64(s.running))
	w.Uint(uint64(s.prefetch))
	w.Bool(s.Held)
	w.Int(s.opened)
	w.Bool(s.ending != nil)
	if s.ending != nil {
		w.Uint(s.ending.order)
		w.Fences(sortedKeys(s.ending.begun, queue.Fence.Compare))
	}
	return w.Done()
}

func (m *Machine) loadSession(b []byte) error {
	r := command.NewReader(b)
	s := &session{id: r.Fence(), worker: r.String(), incarnation: r.Uint(), queues: r.Strings(), labels: r.Strings(), seq: r.Uint()}
	s.ID = s.id
	s.running, s.prefetch, s.Held, s.opened = r.Uint32(), r.Uint32(), r.Bool(), r.Int()
	m.grant(s)
	if r.Bool() {
		s.ending = &ending{s: s, begun: map[queue.Fence]bool{}, order: r.Uint()}
		for _, f := range r.Fences() {
			s.ending.begun[f] = true
		}
	}
	if err := r.Err("session"); err != nil {
		return err
	}
	m.sessions[s.id] = s
	if s.ending == nil {
		m.workers[s.worker] = s
	}
	return nil
}
