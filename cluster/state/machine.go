package state

import (
	"fmt"
	"sync"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
	"github.com/windrow-dev/windrow/workflow"
)

// Version is the newest machine version this code can carry out. A new
// behaviour of Apply raises it and asks m.version before it is used.
const Version = 1

// maxTransitions bounds the work of one Apply.
const maxTransitions = 2000

// entryBudget is maxTransitions but in tests.
var entryBudget = maxTransitions

// Machine is one shard's state. Apply, Cut and Load belong to one goroutine;
// the read views may be called from any.
type Machine struct {
	mu    sync.RWMutex
	shard uint16
	sink  Sink

	now     int64  // T of the last entry
	index   uint64 // of the entry in hand
	ord     uint32 // of the next fence in this entry
	seq     uint64 // of the last accepted task
	jobs    uint64 // of the last job
	more    bool   // the last entry's budget was spent
	version uint32

	tasks      map[queue.ID]*task
	specs      map[string]*spec
	unique     map[string]*task
	debounced  map[string]*task // that a newer call with the key replaces
	throttles  throttles
	queues     map[queueName]*taskList
	dead       map[queue.ID]*task
	sessions   map[queue.Fence]*session
	workers    map[string]*session
	stages     map[queue.ID]*stage
	runs       map[queue.ID]*run
	awaiting   map[queue.ID][]*task // by the run that they wait for
	deciding   map[queue.ID]*task
	schedules  map[workflow.ScheduleName]*schedule
	buffered   map[queue.ID]*schedule // by the run that their next one waits for
	asked      map[queue.ID]*schedule // by the run that says when it is due
	planBytes  int                    // that the schedules take
	hooks      map[string][]*hook     // by namespace, sorted by name
	outboxSize uint64
	blobs      map[string]int
	holds      heap.Heap[*hold]
	idle       heap.Heap[*taskList] // queues that nothing names

	ready   *match.Index
	limits  *limit.Table
	catalog *catalog.Catalog
	timers  timers
	idem    idempotency
	work    work
	dirty   dirty
	budget  int
	effects *Effects
}

// New makes an empty machine of a shard that keeps its records in sink.
func New(shard uint16, sink Sink) *Machine {
	m := &Machine{
		shard: shard, sink: sink, version: 1,
		tasks: map[queue.ID]*task{}, specs: map[string]*spec{}, unique: map[string]*task{}, debounced: map[string]*task{},
		queues: map[queueName]*taskList{}, dead: map[queue.ID]*task{},
		sessions: map[queue.Fence]*session{}, workers: map[string]*session{},
		stages: map[queue.ID]*stage{}, runs: map[queue.ID]*run{}, awaiting: map[queue.ID][]*task{}, deciding: map[queue.ID]*task{},
		schedules: map[workflow.ScheduleName]*schedule{}, buffered: map[queue.ID]*schedule{}, asked: map[queue.ID]*schedule{},
		hooks: map[string][]*hook{}, outboxSize: maxOutbox, blobs: map[string]int{},
		limits: limit.NewTable(), catalog: catalog.New(),
	}
	m.ready = match.NewIndex(m)
	m.timers = newTimers()
	m.holds = newHolds()
	m.idle = newIdle()
	m.idem = newIdempotency()
	m.throttles = newThrottles()
	m.dirty = newDirty()
	m.work = newWork()
	return m
}

// Applied is what one log entry came to.
type Applied struct {
	Results []command.Result // one a command
	Effects Effects
}

// Apply carries out one log entry. An entry that cannot be decoded panics with
// its index: going on would diverge from the other replicas.
func (m *Machine) Apply(index uint64, entry []byte) Applied {
	batch, err := command.DecodeBatch(entry)
	if err != nil {
		panic(fmt.Sprintf("log entry %d: %v", index, err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Applied{Results: make([]command.Result, 0, len(batch.Commands))}
	m.begin(index, batch.T, &out.Effects)
	for _, c := range batch.Commands {
		out.Results = append(out.Results, m.do(c))
	}
	m.settle()
	m.effects = nil
	return out
}

func (m *Machine) begin(index uint64, t int64, e *Effects) {
	m.index, m.ord, m.budget, m.effects = index, 0, entryBudget, e
	if t > m.now {
		m.now = t
		m.dirty.machine = true
	}
}

// settle does, after an entry's commands, what they made possible: timers that
// are due, work left over, pairing.
func (m *Machine) settle() {
	m.runTimers()
	m.runWork()
	m.pair()
	m.tellHooks()
	m.more = m.budget <= 0 || m.ready.WakesDue()
}

func (m *Machine) do(c command.Command) command.Result {
	switch c := c.(type) {
	case *command.Submit:
		return m.submit(c)
	case *command.Stage:
		return m.stage(c)
	case *command.SubmitStaged:
		return m.submitStaged(c)
	case *command.Continue:
		return command.Result{}
	case *command.OpenSession:
		return m.openSession(c)
	case *command.EndSession:
		return m.endSession(c)
	case *command.HoldSession:
		return m.holdSession(c)
	case *command.SetLimit:
		return m.setLimit(c)
	case *command.Complete:
		return m.complete(c)
	case *command.HandBack:
		return m.handBack(c)
	case *command.RevokeMany:
		return m.revokeMany(c)
	case *command.Revoke:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.revoke(c) })
	case *command.PutDocument:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.putDocument(c) })
	case *command.DeleteDocument:
		return m.deleteDocument(c)
	case *command.Purge:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.purge(c) })
	case *command.SetVersion:
		return m.setVersion(c)
	case *command.SteerRun:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.steerRun(c) })
	case *command.Decide:
		return m.decide(c)
	case *command.Fire:
		return m.fire(c)
	case *command.AskTick:
		return m.askTick(c)
	case *command.SetTick:
		return m.setTick(c)
	case *command.SteerSchedule:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.steerSchedule(c) })
	case *command.Delivered:
		return m.deliveredHook(c)
	case *command.PingWebhook:
		return m.once(c.Namespace, c.Idem, func() command.Result { return m.pingHook(c) })
	}
	panic(fmt.Sprintf("log entry %d: verb %d has no handler", m.index, c.Verb()))
}

func (m *Machine) setVersion(c *command.SetVersion) command.Result {
	if c.Version > Version {
		panic(fmt.Sprintf("log entry %d: the cluster runs machine version %d, this node knows %d: upgrade it", m.index, c.Version, Version))
	}
	if c.Version > m.version {
		m.version = c.Version
		m.dirty.machine = true
	}
	return command.Result{Version: m.version}
}

// fence gives the next fence of this entry.
func (m *Machine) fence() queue.Fence {
	f := queue.Fence{Index: m.index, Ord: m.ord}
	m.ord++
	return f
}

// Now is the machine's time.
func (m *Machine) Now() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.now
}

// Due is when the machine next wants an entry: Pending work wants one at once
// (due is 0), otherwise the first timer; ok is false when nothing waits.
func (m *Machine) Due() (due int64, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.work.pending() || m.more {
		return 0, true
	}
	return m.timers.next()
}
