package worker

import (
	"context"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// tenure is a session and what it entrusted to this worker. The worker's mutex
// guards it.
type tenure struct {
	id   queue.Fence
	jobs map[queue.Fence]*job // all that the leader has not been answered for
	out  []*job               // answers that wait for the next report
	// handed counts the jobs that the host has, sending the answers under way, late
	// those that the leader could not take yet.
	handed, sending, late int
	// lost says that the leader may have given the session up: the sandboxes
	// are killed, and only what had ended before is still reported.
	lost bool
	// live ends with the session, when another takes its place.
	live context.Context
	over context.CancelFunc
	// renewed says that the next attachment asks for another session.
	renewed bool
}

func newTenure(id queue.Fence) *tenure {
	t := &tenure{id: id, jobs: map[queue.Fence]*job{}}
	t.live, t.over = context.WithCancel(context.Background())
	return t
}

// owes is how many answers wait or are under way.
func (t *tenure) owes() int { return len(t.out) + t.sending + t.late }

// job is one assignment on its way through the worker.
type job struct {
	tenure    *tenure
	id        queue.ID
	fence     queue.Fence
	phase     phase
	beganAt   int64  // unix nanoseconds; 0 before the host has seen it begin
	told      bool   // that it has begun
	dropped   bool   // hand it back rather than begin it
	submitted bool   // the host has it in truth
	kill      string // why the host shall kill it
	// outcome is what to report; nil means to hand back.
	outcome *queue.Outcome
	blobs   []string
	rest    time.Duration // before the outcome was last reported again
	release func()        // what the outcome's result takes of the host's room
	number  uint32        // of the attempt
	log     []byte        // what it has logged; the host's goroutine writes it until done
	// progress is the attempt's newest report of itself, and untold says that
	// no beat has carried it on this link.
	progress []byte
	untold   bool
}

// stop has a job that the host has killed, by whoever submits it or by the
// caller, to whose list its id is added.
func (j *job) stop(ids []queue.ID, why string) []queue.ID {
	j.kill = why
	if j.submitted {
		ids = append(ids, j.id)
	}
	return ids
}

// phase is where a job stands.
type phase uint8

const (
	preparing phase = iota // its module or input is on its way
	handed                 // the host has it
	storing                // its result is on its way to the blobs
	answering              // its answer waits in out, or is under way
	lost                   // killed; it is not answered for
)

// begun reports whether the attempt has begun, as far as the worker knows.
func (j *job) begun() bool {
	switch j.phase {
	case preparing:
		return false
	case handed:
		return j.beganAt != 0
	case storing:
		return true
	case lost:
		return j.beganAt != 0
	default:
		return j.outcome != nil
	}
}

// held lists all jobs for a hello.
func (t *tenure) held() []Held {
	list := make([]Held, 0, len(t.jobs))
	for _, j := range t.jobs {
		list = append(list, Held{ID: j.id, Fence: j.fence, Begun: j.begun()})
	}
	return list
}

// running lists what a beat tells.
func (t *tenure) running() []Begun {
	var list []Begun
	room := beatProgress
	for _, j := range t.jobs {
		if !j.begun() {
			continue
		}
		j.told = true
		b := Begun{ID: j.id, Fence: j.fence, At: j.beganAt}
		if j.untold && room > 0 {
			b.Progress, j.untold = j.progress, false
			room -= len(b.Progress)
		}
		list = append(list, b)
	}
	return list
}

// untold reports whether something has begun of which no beat has told.
func (t *tenure) untold() bool {
	if t.handed == 0 {
		return false
	}
	for _, j := range t.jobs {
		if j.phase == handed && !j.told && j.begun() {
			return true
		}
	}
	return false
}

// answer lines up a job's answer.
func (t *tenure) answer(j *job) {
	j.phase = answering
	t.out = append(t.out, j)
}
