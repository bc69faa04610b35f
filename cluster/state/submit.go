package state

import (
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// submit makes tasks, all or none.
func (m *Machine) submit(c *command.Submit) command.Result {
	if r, done := m.answered(c.Namespace, c.Idem); done {
		return r
	}
	docs, refused := m.resolve(&c.Calls)
	if refused == nil {
		refused = m.admit(c.Namespace, &c.Calls)
	}
	for i := range c.Runs {
		if refused == nil {
			refused = m.admitRun(&c.Runs[i], true)
		}
	}
	if refused != nil {
		return *refused
	}
	runs, refused := m.newRuns(c.Namespace, c.Runs)
	if refused != nil {
		return *refused
	}
	for i := range c.Calls.List {
		call := &c.Calls.List[i]
		t := m.newTask(call, m.internSpec(&c.Calls.Specs[call.Spec], docs[call.Spec]))
		m.pace(t, call)
		m.start(t)
	}
	for _, r := range runs {
		m.beginRun(r)
	}
	m.remember(c.Namespace, c.Idem, idsOf(c))
	return command.Result{}
}

// newRuns takes the graphs of the runs that a command brings, all or none.
func (m *Machine) newRuns(namespace string, list []command.NewRun) ([]*run, *command.Result) {
	var runs []*run
	for i := range list {
		r := m.newRun(namespace, &list[i])
		runs = append(runs, r)
		if refused := m.extend(r, &list[i].Part); refused != nil {
			for _, r := range runs {
				m.dropRun(r)
			}
			return nil, refused
		}
	}
	return runs, nil
}

// resolve pins the modules' versions and looks that everything named exists.
func (m *Machine) resolve(calls *command.Calls) ([]*command.Document, *command.Result) {
	if refused := m.roomForQueues(calls.Specs); refused != nil {
		return nil, refused
	}
	docs := make([]*command.Document, len(calls.Specs))
	for i := range calls.Specs {
		s := &calls.Specs[i]
		doc, refused := m.moduleOf(s)
		if refused == nil {
			refused = m.checkPool(s)
		}
		if refused != nil {
			return nil, refused
		}
		s.Version = doc.Version
		docs[i] = doc
	}
	return docs, nil
}

func (m *Machine) moduleOf(s *queue.Spec) (*command.Document, *command.Result) {
	e := m.catalog.Get(catalog.Key{Kind: command.KindModule, Namespace: s.Namespace, Name: s.Module})
	doc := e.Version(s.Version)
	if doc == nil {
		what := fmt.Sprintf("module %q", s.Module)
		if s.Version > 0 && e.Newest() != nil {
			what = fmt.Sprintf("version %d of module %q", s.Version, s.Module)
		}
		return nil, refuse(command.CodeModuleNotFound, "%s is not in namespace %q; upload it with PUT /v1/modules/%s", what, s.Namespace, s.Module)
	}
	if slices.Contains(doc.Attributes.Tasks, s.Task) {
		return doc, nil
	}
	return nil, refuse(command.CodeTaskNotFound, "module %q version %d has no task %q; it has %q", s.Module, doc.Version, s.Task, doc.Attributes.Tasks)
}

func (m *Machine) checkPool(s *queue.Spec) *command.Result {
	if s.Pool == "" {
		return nil
	}
	doc := m.catalog.Get(catalog.Key{Kind: command.KindPool, Namespace: s.Namespace, Name: s.Pool}).Newest()
	if doc == nil {
		return refuse(command.CodePoolNotFound, "pool %q is not in namespace %q; make it with PUT /v1/pools/%s", s.Pool, s.Namespace, s.Pool)
	}
	if s.PoolSlots > doc.Attributes.Slots {
		return refuse(command.CodePoolTooSmall, "pool_slots %d is more than pool %q has (%d), so the task could never run", s.PoolSlots, s.Pool, doc.Attributes.Slots)
	}
	return nil
}

// admit looks for what one call alone can be refused for.
func (m *Machine) admit(namespace string, calls *command.Calls) *command.Result {
	if refused := m.admitThrottled(namespace, calls); refused != nil {
		return refused
	}
	var seen map[string]bool
	ids, replays := map[queue.ID]bool{}, map[queue.ID]bool{}
	for i := range calls.List {
		call := &calls.List[i]
		if m.tasks[call.ID] != nil || ids[call.ID] {
			return &command.Result{Code: command.CodeExists, IDs: []queue.ID{call.ID}, Detail: "a task with this id exists"}
		}
		ids[call.ID] = true
		if !call.Replays.IsZero() {
			if m.dead[call.Replays] == nil || replays[call.Replays] {
				return refuse(command.CodeConflict, "task %s is not dead-lettered, or has been replayed already", call.Replays)
			}
			replays[call.Replays] = true
		}
		if call.UniqueKey == "" {
			continue
		}
		name := keyName(namespace, call.UniqueKey)
		if t := m.unique[name]; t != nil {
			return &command.Result{Code: command.CodeDuplicate, IDs: []queue.ID{t.id},
				Detail: fmt.Sprintf("unfinished task %s has unique_key %q; wait for it or revoke it", t.id, call.UniqueKey)}
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		if seen[name] {
			return refuse(command.CodeDuplicate, "unique_key %q stands twice in this batch", call.UniqueKey)
		}
		seen[name] = true
	}
	return nil
}

// newTask makes a task of a call and stores its payload.
func (m *Machine) newTask(call *command.Call, s *spec) *task {
	t := m.makeTask(call, s)
	m.sink.Put(InputKey(m.shard, t.id), call.Payload)
	m.enter(t)
	return t
}

// makeTask makes a task that nothing refers to yet.
func (m *Machine) makeTask(call *command.Call, s *spec) *task {
	m.seq++
	m.dirty.machine = true
	t := &task{id: call.ID, spec: s, created: m.now, ready: m.now, state: queue.Pending, timerPos: -1}
	t.Owner, t.Seq = t, m.seq
	t.ready = max(m.now, call.ETA, satAdd(m.now, call.Countdown))
	switch {
	case call.ExpiresAt != 0:
		t.expires = call.ExpiresAt
	case call.ExpiresIn != 0:
		t.expires = satAdd(m.now, call.ExpiresIn)
	}
	if call.FairnessKey != "" || call.UniqueKey != "" || call.ConcurrencyKey != "" || len(call.Blobs) > 0 || !call.Replays.IsZero() || call.Shadow != "" {
		t.extra = &extra{fairness: call.FairnessKey, unique: call.UniqueKey, key: call.ConcurrencyKey,
			keyLimit: max(call.ConcurrencyLimit, 1), blobs: call.Blobs, replayOf: call.Replays, shadow: call.Shadow}
	}
	return t
}

// enter makes a new task one of the machine's.
func (m *Machine) enter(t *task) {
	m.born(t)
	m.dirty.task(t)
	m.newest(t)
}

// newest lets the newest call's value of a concurrency limit or a rate hold.
func (m *Machine) newest(t *task) {
	if t.Claim == nil {
		return
	}
	if k := t.Claim.Key; k != nil && k.Limit != t.extra.keyLimit {
		k.Limit = t.extra.keyLimit
		m.LimiterChanged(k)
		m.ready.Wake(k)
	}
	if r := t.Claim.Rate; r != nil && r.Rate != t.spec.Rate {
		r.Rate = t.spec.Rate
		m.LimiterChanged(r)
		m.rateWaits(r)
	}
}

// replay ties a new task to the dead-lettered one that it runs anew, and
// reports whether that one is still there: another batch may have been quicker.
func (m *Machine) replay(t *task) bool {
	if t.extra == nil || t.extra.replayOf.IsZero() {
		return true
	}
	d := m.dead[t.extra.replayOf]
	if d == nil {
		return false
	}
	d.more().replayedAs = t.id
	m.retire(d, satAdd(m.now, d.spec.ResultTTL))
	return true
}

// start lets a task wait for its time or for its turn.
func (m *Machine) start(t *task) {
	m.spend()
	m.moved(t, queue.Pending, nil)
	if t.flags&flagRevoked != 0 || !m.replay(t) { // while its stage waited
		m.end(t, queue.Revoked, &queue.Outcome{Error: revokedError()}, "")
		return
	}
	if t.ready > m.now {
		m.schedule(t)
		return
	}
	m.makeReady(t)
}

// makeReady puts a task into its line; an expiry is watched meanwhile.
func (m *Machine) makeReady(t *task) {
	m.settleDebounce(t)
	if t.expires != 0 && t.expires <= m.now {
		m.expire(t)
		return
	}
	if t.expires != 0 {
		m.wait(t, t.expires)
	}
	t.Rank = rankOf(t)
	m.ready.Push(&t.Item, m.flowOf(t), m.now)
	m.dirty.task(t)
}

// rankOf is a task's place among those of its fairness key.
func rankOf(t *task) int64 { return match.RankOf(t.ready, t.spec.Priority) }

func (m *Machine) spend() { m.budget-- }

// charge takes off the budget what n small things cost, each a look or a count.
func (m *Machine) charge(n int) { m.budget -= n / smallThings }

// smallThings are worth a transition.
const smallThings = 64

// needRate returns a rate limiter by name.
func (m *Machine) needRate(n limit.Name) *limit.Limiter { return m.limits.Need(n) }

func refuse(code command.Code, format string, args ...any) *command.Result {
	return &command.Result{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// idsOf are the tasks and the runs that a command makes.
func idsOf(c *command.Submit) []queue.ID {
	ids := make([]queue.ID, 0, len(c.Calls.List)+len(c.Runs))
	for i := range c.Calls.List {
		ids = append(ids, c.Calls.List[i].ID)
	}
	for i := range c.Runs {
		ids = append(ids, c.Runs[i].ID)
	}
	return ids
}

// satAdd adds without overflow; times never pass the largest int64.
func satAdd(a, b int64) int64 {
	if b > 0 && a > (1<<63-1)-b {
		return 1<<63 - 1
	}
	return a + b
}
