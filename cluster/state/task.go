package state

import (
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// task is an unfinished (or dead-lettered) task: what Apply decides from. It
// is kept small; what only readers want is in the store.
type task struct {
	match.Item
	id       queue.ID
	spec     *spec
	list     *taskList
	prev     *task // neighbours in the queue's list
	next     *task
	asg      *assignment // nil unless received
	extra    *extra      // what few tasks have
	created  int64
	ready    int64 // may run from then on: its ETA or next attempt
	due      int64 // of its timer
	expires  int64 // 0 for never
	timerPos int32
	retries  uint32
	delivery uint16
	state    queue.State
	flags    taskFlags
}

type taskFlags uint8

const (
	flagRevoked   taskFlags = 1 << iota // revoke was asked for while assigned
	flagTerminate                       // and shall stop what runs
	flagDead                            // dead-lettered
	flagStaged                          // part of a stage not yet accepted
	flagDirty                           // to be written at the next cut
	flagScheduled                       // waits for its time, not for its turn
	flagRun                             // belongs to a run, see queue.ID.Run
)

// extra is what few tasks have.
type extra struct {
	fairness   string
	unique     string
	key        string
	keyLimit   uint32
	blobs      []string
	stage      *stage
	replayOf   queue.ID
	replayedAs queue.ID
	lastError  *queue.Error // of the last failed attempt, while it waits
	worker     string       // of the last assignment
	started    int64        // of the last attempt
	removedAt  int64        // of a dead-lettered task
	finished   int64
	usage      queue.Usage
	deferral   *deferral // while it waits without a slot
	resumes    uint32    // how often it was deferred
	shadow     string    // the name that people see
	debounce   string    // while a newer call with the key can replace it
	since      int64     // of the first call that it takes the place of
}

// assignment ties a task to a session.
type assignment struct {
	session    *session
	fence      queue.Fence
	prev, next *task // neighbours in the session's list
}

// spec is an interned queue.Spec with what it leads to.
type spec struct {
	queue.Spec
	key    string // its encoding
	name   string // MODULE.TASK
	refs   int
	line   *match.Line
	flow   *match.Flow  // of the empty fairness key
	claim  *limit.Claim // shared by tasks without a concurrency key; nil: no limits
	module *command.Document
}

func (m *Machine) internSpec(s *queue.Spec, doc *command.Document) *spec {
	return m.specOf(string(command.AppendSpec(nil, s)), s, doc)
}

// specOf is internSpec of a spec whose encoding is known.
func (m *Machine) specOf(enc string, s *queue.Spec, doc *command.Document) *spec {
	if known := m.specs[enc]; known != nil {
		return known
	}
	made := &spec{Spec: *s, key: enc, name: s.Module + "." + s.Task, module: doc}
	made.line = m.ready.Line(s.Namespace, s.Queue)
	made.flow = made.line.Flow("")
	if s.Pool != "" || s.Rate.N > 0 {
		made.claim = &limit.Claim{PoolSlots: s.PoolSlots}
		if s.Pool != "" {
			made.claim.Pool = m.limits.Need(limit.Name{Kind: limit.Pool, Namespace: s.Namespace, Name: s.Pool})
		}
		if s.Rate.N > 0 {
			made.claim.Rate = m.needRate(limit.Name{Kind: limit.Rate, Namespace: s.Namespace, Name: s.Module + "." + s.Task})
		}
	}
	m.specs[enc] = made
	return made
}

func (m *Machine) holdSpec(s *spec) {
	s.refs++
	if s.module != nil {
		s.module.Live++
	}
}

func (m *Machine) releaseSpec(s *spec) {
	s.refs--
	if s.module != nil {
		s.module.Live--
	}
	if s.refs == 0 {
		delete(m.specs, s.key)
	}
}

// claimOf is what the task must take before it runs: the spec's, or one of
// its own where it has a concurrency key.
func (m *Machine) claimOf(t *task) *limit.Claim {
	if t.extra == nil || t.extra.key == "" {
		return t.spec.claim
	}
	key := m.limits.Need(limit.Name{Kind: limit.Key, Namespace: t.spec.Namespace, Name: t.extra.key})
	c := &limit.Claim{Key: key, PoolSlots: t.spec.PoolSlots}
	if t.spec.claim != nil {
		c.Pool, c.Rate = t.spec.claim.Pool, t.spec.claim.Rate
	}
	return c
}

func (m *Machine) flowOf(t *task) *match.Flow {
	if t.extra == nil || t.extra.fairness == "" {
		return t.spec.flow
	}
	return t.spec.line.Flow(t.extra.fairness)
}

func (t *task) more() *extra {
	if t.extra == nil {
		t.extra = &extra{}
	}
	return t.extra
}

// trim lets go of an extra that says nothing any more.
func (t *task) trim() {
	x := t.extra
	if x.fairness == "" && x.unique == "" && x.key == "" && len(x.blobs) == 0 && x.stage == nil &&
		x.replayOf.IsZero() && x.lastError == nil && x.worker == "" && x.resumes == 0 && x.shadow == "" && x.debounce == "" {
		t.extra = nil
	}
}

// attempts is how many attempts have begun so far as the log knows; the one
// that is assigned counts.
func (t *task) attempts() uint32 {
	if t.asg != nil {
		return t.ended() + 1
	}
	return t.ended()
}

// ended counts the attempts that have: all but the last in a retry or a wait.
func (t *task) ended() uint32 { return t.retries + t.resumes() }

// born enters a task into everything that refers to it, at its making and at
// the load of a stored one.
func (m *Machine) born(t *task) {
	m.tasks[t.id] = t
	m.holdSpec(t.spec)
	t.list = m.queueList(t.spec.Namespace, t.spec.Queue)
	m.rouse(t.list)
	t.list.append(t)
	t.Line = t.spec.line
	if t.extra != nil {
		dropped := t.extra.stage != nil && t.extra.stage.dropped
		if t.extra.unique != "" && t.flags&flagDead == 0 && !dropped {
			m.unique[keyName(t.spec.Namespace, t.extra.unique)] = t
		}
		if t.extra.debounce != "" {
			m.debounced[keyName(t.spec.Namespace, t.extra.debounce)] = t
		}
		m.ref(t.extra.blobs)
	}
	t.Claim = m.claimOf(t)
	if t.Claim != nil && t.Claim.Key != nil {
		t.Claim.Key.Refs++
	}
	m.flowOf(t).Hold()
}

// gone is the inverse of born.
func (m *Machine) gone(t *task) {
	delete(m.tasks, t.id)
	delete(m.dead, t.id)
	t.list.remove(t)
	m.forgetUnique(t)
	m.forgetDebounce(t)
	m.forgetAwait(t)
	delete(m.deciding, t.id)
	if t.extra != nil {
		m.unref(t.extra.blobs)
	}
	if t.Claim != nil && t.Claim.Key != nil {
		if k := t.Claim.Key; k.Refs > 1 {
			k.Refs--
		} else {
			m.limits.Forget(k.Name)
			m.dirty.dropLimiter(k)
		}
	}
	m.ready.Release(m.flowOf(t))
	m.releaseSpec(t.spec)
	m.rest(t.list)
}

func (m *Machine) forgetUnique(t *task) {
	if t.extra == nil || t.extra.unique == "" {
		return
	}
	name := keyName(t.spec.Namespace, t.extra.unique)
	if m.unique[name] == t {
		delete(m.unique, name)
	}
}

func keyName(namespace, key string) string { return namespace + "\x00" + key }
