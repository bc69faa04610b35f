package state

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
)

// Scan calls fn for each stored record with a key prefix, in key order. Keys
// and values are fn's only during the call.
type Scan func(prefix []byte, fn func(key, value []byte) error) error

// Load fills an empty machine from its stored records. Afterwards it decides
// as the machine that wrote them would have gone on deciding.
func (m *Machine) Load(scan Scan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tasks []*task
	sessions := map[queue.Fence][]*task{}
	steps := []struct {
		kind byte
		load func(key, value []byte) error
	}{
		{kindMachine, func(_, v []byte) error { return m.loadMachine(v) }},
		{kindDocument, m.loadDocument},
		{kindLimiter, m.loadLimiter},
		{kindStage, func(_, v []byte) error { return m.loadStage(v) }},
		{kindSession, func(_, v []byte) error { return m.loadSession(v) }},
		{kindQueue, m.loadLine},
		{kindFlow, m.loadFlow},
		{kindRun, func(_, v []byte) error { _, err := m.loadRun(v, scan); return err }},
		{kindLive, func(_, v []byte) error {
			t, err := m.loadTask(v, sessions)
			tasks = append(tasks, t)
			return err
		}},
		{kindIdem, m.idem.load},
		{kindBlob, m.loadHold},
		{kindSchedule, m.loadSchedule},
		{kindThrottle, m.loadThrottle},
		{kindHook, m.loadHook},
	}
	for _, s := range steps {
		if err := scan(Prefix(m.shard, s.kind), s.load); err != nil {
			return fmt.Errorf("load records of kind %q: %w", s.kind, err)
		}
	}
	return m.settleLoad(tasks, sessions, scan)
}

// settleLoad ties the loaded records together, in the order in which the
// machine that wrote them had met them.
func (m *Machine) settleLoad(tasks []*task, held map[queue.Fence][]*task, scan Scan) error {
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, t := range tasks {
		m.born(t)
		m.loadDeferral(t)
		if t.flags&flagDead != 0 {
			m.dead[t.id] = t
		}
		if t.timerPos == 0 { // it had a timer
			due := t.due
			t.timerPos = -1
			m.wait(t, due)
		}
		if t.extra != nil && t.extra.stage != nil {
			t.extra.stage.tasks = append(t.extra.stage.tasks, t)
		}
	}
	m.loadHeld(held)
	for _, t := range tasks {
		m.ready.Restore(&t.Item, m.flowOf(t), m.now)
		if t.Where != 0 && t.By == limit.Rate {
			m.rateWaits(t.Claim.Rate)
		}
	}
	m.ready.Settle()
	m.loadIdle()
	m.loadRates()
	if err := m.loadRuns(tasks, scan); err != nil {
		return fmt.Errorf("load runs: %w", err)
	}
	m.loadJobs()
	for _, list := range [][]idemDue{m.idem.day, m.idem.brief} {
		slices.SortFunc(list, compareIdem)
	}
	for _, t := range tasks {
		t.flags &^= flagDirty
	}
	m.dirty = newDirty()
	m.more = len(tasks) > 0
	return nil
}

// loadHeld gives the sessions what they hold, in the order of assignment.
func (m *Machine) loadHeld(held map[queue.Fence][]*task) {
	for _, s := range m.sessionsInOrder() {
		list := held[s.id]
		slices.SortFunc(list, func(a, b *task) int { return a.asg.fence.Compare(b.asg.fence) })
		for _, t := range list {
			t.asg.session, t.asg.prev = s, s.tail
			if s.tail == nil {
				s.head = t
			} else {
				s.tail.asg.next = t
			}
			s.tail = t
			s.Outstanding++
			if t.Claim != nil {
				t.Claim.Restore()
			}
		}
		if s.ending == nil {
			m.ready.Open(&s.Session, s.queues, m.now)
		}
	}
}

// loadRates sets the timers of the queues that have a rate of their own.
func (m *Machine) loadRates() {
	for _, q := range m.queueNames() {
		if l := m.ready.Line(q.namespace, q.name); l.RateLimited() && l.RateNext() > m.now {
			m.addRate(rateTimer{line: l})
		}
	}
}

func (m *Machine) loadJobs() {
	for _, s := range m.sessionsInOrder() {
		if s.ending != nil {
			m.work.add(s.ending)
		}
	}
	for _, g := range m.stages { // order: sorted below
		if g.accepted || g.dropped {
			m.work.add(g)
		} else {
			m.timers.stage(g)
		}
	}
	for _, l := range m.queues { // order: sorted below
		if l.purge.to > 0 {
			l.purge.load()
			m.work.add(&l.purge)
		}
	}
	slices.SortFunc(m.work.jobs, func(a, b job) int { return cmp.Compare(a.place(), b.place()) })
}

func (m *Machine) record() []byte {
	return ints(m.now, int64(m.seq), int64(m.jobs), int64(m.version), m.ready.Virtual)
}

func (m *Machine) loadMachine(v []byte) error {
	var seq, jobs, version int64
	if err := readInts(v, &m.now, &seq, &jobs, &version, &m.ready.Virtual); err != nil {
		return err
	}
	m.seq, m.jobs, m.version = uint64(seq), uint64(jobs), uint32(version)
	if m.version > Version {
		return fmt.Errorf("the data was written by machine version %d, this node knows %d: upgrade it", m.version, Version)
	}
	return nil
}

func (m *Machine) loadDocument(key, v []byte) error {
	names, rest, ok := namesOf(key, 3)
	if !ok || len(rest) != 4 {
		return fmt.Errorf("%w: document key", command.ErrDamaged)
	}
	if [4]byte(rest) == [4]byte{} {
		var last int64
		if err := readInts(v, &last); err != nil {
			return err
		}
		m.catalog.LoadLast(catalog.Key{Kind: names[0], Namespace: names[1], Name: names[2]}, uint32(last))
		return nil
	}
	d, err := command.DecodeDocument(slices.Clone(v))
	if err != nil {
		return err
	}
	m.catalog.Load(&d)
	m.ref(documentBlobs(&d))
	m.heed(&d)
	return nil
}

func (m *Machine) loadLimiter(key, v []byte) error {
	names, rest, ok := namesOf(key, 2)
	if !ok || len(rest) != 1 {
		return fmt.Errorf("%w: limiter key", command.ErrDamaged)
	}
	l := m.limits.Need(limit.Name{Kind: limit.Kind(rest[0]), Namespace: names[0], Name: names[1]})
	var size, n int64
	if err := readInts(v, &size, &n, &l.Rate.Per, &l.Next); err != nil {
		return err
	}
	l.Limit, l.Rate.N = uint32(size), uint32(n)
	return nil
}

func (m *Machine) loadLine(key, v []byte) error {
	names, _, ok := namesOf(key, 2)
	if !ok {
		return fmt.Errorf("%w: queue key", command.ErrDamaged)
	}
	if names[1] == "" {
		return readInts(v, &m.ready.Namespace(names[0]).Tag)
	}
	l := m.ready.Line(names[0], names[1])
	q := m.queueList(names[0], names[1])
	var next, to, done, order int64
	if err := readInts(v, &l.Virtual, &next, &to, &done, &order, &q.idleAt); err != nil {
		return err
	}
	l.SetRateNext(next)
	q.purge.to, q.purge.done, q.purge.order = uint64(to), uint64(done), uint64(order)
	return nil
}

func (m *Machine) loadFlow(key, v []byte) error {
	names, _, ok := namesOf(key, 3)
	if !ok {
		return fmt.Errorf("%w: fairness key", command.ErrDamaged)
	}
	var tag int64
	if err := readInts(v, &tag); err != nil {
		return err
	}
	m.ready.Line(names[0], names[1]).LoadFlow(names[2], tag)
	return nil
}

func (m *Machine) loadTask(v []byte, held map[queue.Fence][]*task) (*task, error) {
	r, err := decodeRecord(v)
	if err != nil {
		return nil, err
	}
	e := m.catalog.Get(catalog.Key{Kind: command.KindModule, Namespace: r.Spec.Namespace, Name: r.Spec.Module})
	t := &task{id: r.ID, spec: m.internSpec(&r.Spec, e.Version(r.Spec.Version)), created: r.CreatedAt, ready: r.ReadyAt,
		due: r.due, expires: r.ExpiresAt, timerPos: -1, retries: r.retries, delivery: uint16(r.Delivery),
		state: r.State, flags: r.flags}
	if r.timer {
		t.timerPos = 0
	}
	t.Owner, t.Seq, t.Where, t.By, t.From = t, r.seq, r.where, r.by, r.from
	t.Rank = rankOf(t)
	if r.FairnessKey != "" || r.UniqueKey != "" || r.ConcurrencyKey != "" || len(r.blobs) > 0 || !r.ReplayOf.IsZero() ||
		!r.ReplayedAs.IsZero() || r.Error != nil || r.Worker != "" || !r.stage.IsZero() || r.Resumes > 0 ||
		r.Shadow != "" || r.DebounceKey != "" {
		t.extra = &extra{fairness: r.FairnessKey, unique: r.UniqueKey, key: r.ConcurrencyKey, keyLimit: r.ConcurrencyLimit,
			blobs: r.blobs, replayOf: r.ReplayOf, replayedAs: r.ReplayedAs, lastError: r.Error, worker: r.Worker,
			started: r.StartedAt, finished: r.FinishedAt, removedAt: r.RemovedAt, usage: r.Usage, stage: m.stages[r.stage], deferral: r.deferral, resumes: r.Resumes,
			shadow: r.Shadow, debounce: r.DebounceKey, since: r.since}
	}
	if !r.session.IsZero() {
		t.asg = &assignment{fence: r.Fence}
		held[r.session] = append(held[r.session], t)
	}
	return t, nil
}
