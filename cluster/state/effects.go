package state

import (
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// Effects is what others may want to know of one entry's outcome, equal on
// every replica. Only the leader acts on it.
type Effects struct {
	Assigned []Assigned
	Kills    []Kill
	Opened   []queue.Fence
	Closed   []queue.Fence
	Moves    []Move
	Blobs    []string // that nothing referred to before
	Decide   bool     // a task waits for a decision
	Hooks    bool     // a webhook has something to deliver, or stands otherwise than before
	// Schedules are those that stand otherwise than before, or are gone.
	Schedules []workflow.ScheduleName
}

// Assigned is a new assignment, to be pushed to the session's worker.
type Assigned struct {
	Session  queue.Fence
	Fence    queue.Fence
	ID       queue.ID
	Spec     *queue.Spec // shared; not to be changed
	Digest   string      // of the module
	Attempt  uint32      // 1 for the first
	Delivery uint32
	// PayloadOf is the task whose stored payload is the input.
	PayloadOf queue.ID
}

// Kill asks a worker to drop an assignment that has not begun, and with
// Terminate also one that runs.
type Kill struct {
	Session   queue.Fence
	Fence     queue.Fence
	ID        queue.ID
	Terminate bool
}

// Move is one committed transition of a task.
type Move struct {
	ID        queue.ID
	Namespace string
	Queue     string
	Task      string // MODULE.TASK
	Shadow    string // the name that people see in its place, where it has one
	To        queue.State
	Attempt   uint32
	Error     string // type
	InRun     bool   // the task belongs to the run ID.Run()
	Run       bool   // it is the run itself; Task is its kind
	// Schedule says that it is a schedule's, and Task its name; ID is the run, if
	// one has to do with it.
	Schedule ScheduleEvent
}

func (m *Machine) moved(t *task, to queue.State, err *queue.Error) {
	m.movedAt(t, to, err, t.attempts())
}

func (m *Machine) movedAt(t *task, to queue.State, err *queue.Error, attempt uint32) {
	mv := Move{ID: t.id, Namespace: t.spec.Namespace, Queue: t.spec.Queue, Task: t.spec.name, To: to, Attempt: attempt, InRun: t.flags&flagRun != 0}
	if t.extra != nil {
		mv.Shadow = t.extra.shadow
	}
	if err != nil {
		mv.Error = err.Type
	}
	m.effects.Moves = append(m.effects.Moves, mv)
}

func (m *Machine) assigned(t *task) Assigned {
	a := Assigned{
		Session: t.asg.session.id, Fence: t.asg.fence, ID: t.id, Spec: &t.spec.Spec,
		Attempt: t.ended() + 1, Delivery: uint32(t.delivery) + 1, PayloadOf: t.id,
	}
	if t.spec.module != nil {
		a.Digest = t.spec.module.Digest
	}
	return a
}

// ScheduleEvent is what has become of a schedule's tick.
type ScheduleEvent uint8

// The events of schedules.
const (
	EventFired   ScheduleEvent = iota + 1 // a run began
	EventSkipped                          // overlap passed it over
	EventMissed                           // nobody was there
	EventFailed                           // its run could not begin
)

var scheduleEvents = [...]string{"", "fired", "skipped", "missed", "failed"}

// String gives the name that users see.
func (e ScheduleEvent) String() string {
	return scheduleEvents[min(int(e), len(scheduleEvents)-1)]
}

// told tells of a schedule's tick.
func (m *Machine) told(s *schedule, e ScheduleEvent, run queue.ID, fault string) {
	m.effects.Moves = append(m.effects.Moves, Move{ID: run, Namespace: s.name.Namespace, Task: s.name.Name, Error: fault, Schedule: e})
}
