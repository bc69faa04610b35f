package state

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/catalog"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

const (
	// maxSchedules bounds the schedules of the cluster, maxPlans what their
	// definitions take together: all of it is in memory.
	maxSchedules = 10_000
	maxPlans     = 128 << 20
	// maxFault is how much is kept of why a run could not begin.
	maxFault = 1024
)

// schedule is where a schedule stands: what its document says is the user's.
type schedule struct {
	name     workflow.ScheduleName
	doc      *command.Document
	paused   bool
	next     int64 // expected, 0 for none
	seen     int64 // the last tick that was dealt with
	last     queue.ID
	buffered *waitingFire // while the run last goes on
	wants    bool         // to be told when it is due
	asked    queue.ID     // the run that will tell
	fired    uint64
	skipped  uint64
	missed   uint64
	failed   uint64
	fault    string
}

// waitingFire is a run that will begin once the one before it has ended.
type waitingFire struct {
	tick int64
	run  queue.ID
	meta []byte
}

func compareSchedules(a, b *schedule) int {
	return cmp.Or(cmp.Compare(a.name.Namespace, b.name.Namespace), cmp.Compare(a.name.Name, b.name.Name))
}

// scheduleRoom is what a schedule's document takes.
func scheduleRoom(d *command.Document) int {
	if d == nil {
		return 0
	}
	return len(d.Body) + len(d.Attributes.Plan) + len(d.Attributes.Ask)
}

// admitSchedule looks that a schedule can be put as the document says.
func (m *Machine) admitSchedule(c *command.PutDocument, newest *command.Document) *command.Result {
	refused := m.admitPlan(c.Attributes.Plan)
	if refused == nil && len(c.Attributes.Ask) > 0 {
		refused = m.admitPlan(c.Attributes.Ask)
	}
	if refused == nil && c.Attributes.Overlap > command.OverlapCancel {
		refused = refuse(command.CodeConflict, "overlap %d is unknown", c.Attributes.Overlap)
	}
	if refused != nil {
		return refused
	}
	s := m.schedules[workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}]
	if s == nil && len(m.schedules) >= maxSchedules || m.planBytes-scheduleRoom(newest)+len(c.Body)+len(c.Attributes.Plan)+len(c.Attributes.Ask) > maxPlans {
		return refuse(command.CodeScheduleRoom, "there is no room for schedule %q: the cluster has %d schedules at the most, of %d MiB together", c.Name, maxSchedules, maxPlans>>20)
	}
	if s != nil && c.Attributes.Next != 0 && c.Attributes.Next <= s.seen {
		return refuse(command.CodeConflict, "a tick of schedule %q was dealt with meanwhile; put it again", c.Name)
	}
	return nil
}

// admitPlan looks that a run can be made of a plan now.
func (m *Machine) admitPlan(raw []byte) *command.Result {
	plan, err := command.DecodePlan(raw)
	var graph workflow.Builder
	for i := 0; i < len(plan.Part.Nodes) && err == nil; i++ {
		err = graph.Add(&plan.Part.Nodes[i].Node)
	}
	if err != nil {
		return refuse(command.CodeConflict, "the schedule's plan cannot be used: %v", err)
	}
	for i := range plan.Part.Specs {
		s := &plan.Part.Specs[i]
		if _, refused := m.moduleOf(s); refused != nil {
			return refused
		}
		if refused := m.checkPool(s); refused != nil {
			return refused
		}
	}
	return nil
}

// heedSchedule lets a schedule go by its new document. Pause and counters stay.
func (m *Machine) heedSchedule(d *command.Document) {
	name := workflow.ScheduleName{Namespace: d.Namespace, Name: d.Name}
	s := m.schedules[name]
	if s == nil {
		s = &schedule{name: name}
		m.schedules[name] = s
	}
	m.planBytes += scheduleRoom(d) - scheduleRoom(s.doc)
	s.doc, s.next, s.fault = d, d.Attributes.Next, ""
	if s.buffered != nil && d.Attributes.Overlap != command.OverlapBuffer {
		m.passOver(s)
	}
	m.unask(s)
	s.wants = len(d.Attributes.Ask) > 0
	m.scheduleChanged(s)
}

// dropSchedule forgets a schedule whose document is gone. Its runs go on.
func (m *Machine) dropSchedule(name workflow.ScheduleName) {
	s := m.schedules[name]
	if s == nil {
		return
	}
	m.planBytes -= scheduleRoom(s.doc)
	m.unbuffer(s)
	m.unask(s)
	delete(m.schedules, name)
	delete(m.dirty.schedules, s)
	m.dirty.deletes = append(m.dirty.deletes, scheduleKey(m.shard, name))
	m.effects.Schedules = append(m.effects.Schedules, name)
}

func (m *Machine) scheduleChanged(s *schedule) {
	m.dirty.schedules[s] = true
	m.effects.Schedules = append(m.effects.Schedules, s.name)
}

// fire deals with a tick of a schedule, or begins a run of it by hand.
func (m *Machine) fire(c *command.Fire) command.Result {
	if r, done := m.answered(c.Namespace, c.Idem); done {
		return r
	}
	s := m.schedules[workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}]
	switch {
	case s == nil:
		return *refuse(command.CodeNotFound, "no schedule %q in namespace %q", c.Name, c.Namespace)
	case c.Manual:
		return m.fireByHand(s, c)
	case s.doc.Version != c.Version || s.paused || s.next == 0 || s.next != c.Expected:
		return *refuse(command.CodeConflict, "schedule %q does not wait for this tick", c.Name)
	case c.Next != 0 && c.Next <= s.next || c.Tick != 0 && (c.Tick < s.next || c.Next != 0 && c.Next <= c.Tick):
		return *refuse(command.CodeConflict, "the ticks of schedule %q come out of order", c.Name)
	}
	m.scheduleChanged(s)
	s.seen, s.next = max(c.Expected, c.Tick), c.Next
	s.wants = c.Next == 0 && len(s.doc.Attributes.Ask) > 0
	s.missed += uint64(c.Missed)
	if c.Missed > 0 {
		m.told(s, EventMissed, queue.ID{}, "")
	}
	if c.Tick == 0 {
		return command.Result{}
	}
	return m.tick(s, c)
}

// tick begins the run of a tick, or does what overlap says.
func (m *Machine) tick(s *schedule, c *command.Fire) command.Result {
	alive := m.runs[s.last]
	switch overlap := s.doc.Attributes.Overlap; {
	case alive == nil || overlap == command.OverlapAllow:
	case overlap == command.OverlapCancel:
		m.cancelRun(alive)
	case overlap == command.OverlapBuffer && s.buffered == nil:
		s.buffered = &waitingFire{tick: c.Tick, run: c.Run, meta: slices.Clone(c.Meta)}
		m.buffered[s.last] = s
		return command.Result{}
	default:
		m.skip(s)
		return command.Result{}
	}
	if refused := m.beginTick(s, c.Run, c.Meta); refused != nil {
		m.faulty(s, refused)
		return command.Result{}
	}
	return command.Result{IDs: []queue.ID{c.Run}}
}

// fireByHand begins a run at once. It minds overlap, but waits for nothing.
func (m *Machine) fireByHand(s *schedule, c *command.Fire) command.Result {
	alive := m.runs[s.last]
	switch overlap := s.doc.Attributes.Overlap; {
	case alive == nil || overlap == command.OverlapAllow:
	case overlap == command.OverlapCancel:
		m.cancelRun(alive)
	default:
		r := refuse(command.CodeRunning, "run %s of schedule %q goes on, and its overlap lets no other begin; wait for it or cancel it", s.last, s.name.Name)
		r.IDs = []queue.ID{s.last}
		return *r
	}
	if refused := m.beginTick(s, c.Run, c.Meta); refused != nil {
		return *refused
	}
	m.scheduleChanged(s)
	ids := []queue.ID{c.Run}
	m.remember(c.Namespace, c.Idem, ids)
	return command.Result{IDs: ids}
}

// beginTick makes a run of a schedule's plan.
func (m *Machine) beginTick(s *schedule, id queue.ID, meta []byte) *command.Result {
	plan, err := command.DecodePlan(s.doc.Attributes.Plan)
	if err != nil {
		return refuse(command.CodeConflict, "the plan cannot be read: %v", err)
	}
	plan.ID, plan.Meta = id, meta
	if refused := m.beginPlan(s, &plan); refused != nil {
		return refused
	}
	s.last, s.fault = id, ""
	s.fired++
	m.told(s, EventFired, id, "")
	return nil
}

func (m *Machine) beginPlan(s *schedule, plan *command.NewRun) *command.Result {
	if refused := m.admitRun(plan, true); refused != nil {
		return refused
	}
	runs, refused := m.newRuns(s.name.Namespace, []command.NewRun{*plan})
	if refused != nil {
		return refused
	}
	m.budget -= (len(plan.Part.Nodes) + 3) / 4
	m.beginRun(runs[0])
	return nil
}

// faulty notes why no run began.
func (m *Machine) faulty(s *schedule, refused *command.Result) {
	s.failed++
	s.fault = string(refused.Code) + ": " + refused.Detail
	s.fault = s.fault[:min(len(s.fault), maxFault)]
	m.told(s, EventFailed, queue.ID{}, string(refused.Code))
}

// scheduleGoesOn begins the run that has waited for the end of another.
func (m *Machine) scheduleGoesOn(ended queue.ID) {
	if s := m.asked[ended]; s != nil {
		m.scheduleChanged(s) // the leader reads what it says
	}
	s := m.buffered[ended]
	if s == nil {
		return
	}
	w := s.buffered
	m.unbuffer(s)
	m.scheduleChanged(s)
	if refused := m.beginTick(s, w.run, w.meta); refused != nil {
		m.faulty(s, refused)
	}
}

// passOver gives up what waits for the end of another run.
func (m *Machine) passOver(s *schedule) {
	m.unbuffer(s)
	m.skip(s)
}

func (m *Machine) skip(s *schedule) {
	s.skipped++
	m.told(s, EventSkipped, s.last, "")
}

func (m *Machine) unbuffer(s *schedule) {
	if s.buffered != nil {
		s.buffered = nil
		delete(m.buffered, s.last)
	}
}

// steerSchedule pauses a schedule, with what it had waiting, or lets it go on.
func (m *Machine) steerSchedule(c *command.SteerSchedule) command.Result {
	s := m.schedules[workflow.ScheduleName{Namespace: c.Namespace, Name: c.Name}]
	switch {
	case s == nil:
		return *refuse(command.CodeNotFound, "no schedule %q in namespace %q", c.Name, c.Namespace)
	case c.Pause == s.paused:
		return command.Result{}
	case !c.Pause && !c.Keep && c.Next != 0 && c.Next <= s.seen:
		return *refuse(command.CodeConflict, "a tick of schedule %q was dealt with meanwhile; try again", c.Name)
	}
	s.paused = c.Pause
	if c.Pause && s.buffered != nil {
		m.passOver(s)
	}
	if !c.Pause && !c.Keep {
		s.next = c.Next
	}
	m.scheduleChanged(s)
	return command.Result{}
}

func (s *schedule) record() []byte {
	w := command.NewWriter(nil)
	w.Bool(s.paused)
	w.Int(s.next)
	w.Int(s.seen)
	w.ID(s.last)
	for _, n := range [...]uint64{s.fired, s.skipped, s.missed, s.failed} {
		w.Uint(n)
	}
	w.String(s.fault)
	w.Bool(s.wants)
	w.ID(s.asked)
	w.Bool(s.buffered != nil)
	if s.buffered != nil {
		w.Int(s.buffered.tick)
		w.ID(s.buffered.run)
		w.Bytes(s.buffered.meta)
	}
	return w.Done()
}

// loadSchedule says where a schedule stands whose document is loaded.
func (m *Machine) loadSchedule(key, v []byte) error {
	names, _, ok := namesOf(key, 2)
	if !ok {
		return fmt.Errorf("%w: schedule key", command.ErrDamaged)
	}
	r := command.NewReader(v)
	name := workflow.ScheduleName{Namespace: names[0], Name: names[1]}
	s := &schedule{name: name, paused: r.Bool(), next: r.Int(), seen: r.Int(), last: r.ID(),
		fired: r.Uint(), skipped: r.Uint(), missed: r.Uint(), failed: r.Uint(), fault: r.String(), wants: r.Bool(), asked: r.ID()}
	if !s.asked.IsZero() {
		m.asked[s.asked] = s
	}
	if r.Bool() {
		s.buffered = &waitingFire{tick: r.Int(), run: r.ID(), meta: slices.Clone(r.Bytes())}
		m.buffered[s.last] = s
	}
	s.doc = m.catalog.Get(catalog.Key{Kind: command.KindSchedule, Namespace: name.Namespace, Name: name.Name}).Newest()
	if s.doc == nil {
		r.Fail()
	}
	m.schedules[name] = s
	m.planBytes += scheduleRoom(s.doc)
	return r.Err("schedule")
}
