package worker

import (
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// A worker that cannot begin what it is given, for want of a module, an input
// or a place to compile, is the one with the most free slots: it would be given
// everything. So what it cannot begin it hands back, and asks for less (see
// credit). Only a task that came to it again and again fails.
const (
	// mostTrials is how often a task is handed back at least, and trialTime for
	// how long, before its error counts.
	mostTrials = 5
	trialTime  = 5 * time.Second
	// trialKept is how long a task that went elsewhere is remembered.
	trialKept = 10 * time.Minute
	// warnEvery is the shortest time between two warnings of it.
	warnEvery = 10 * time.Second
)

// fault is why a job cannot be given to the host. A passing one may not be met
// elsewhere, or later.
type fault struct {
	err     *queue.Error
	passing bool
	back    bool // it is to be handed back, by no fault of this worker
}

// trials remembers what this worker could not begin. The worker's mutex guards
// it.
type trials struct {
	of     map[queue.ID]*trial
	warned time.Time
	quiet  int // faults since the last warning
}

type trial struct {
	n           int
	first, last time.Time
}

// again counts another vain try of a task, and reports whether it is to be
// tried further.
func (s *trials) again(id queue.ID, now time.Time) bool {
	x := s.of[id]
	if x == nil {
		s.sweep(now)
		x = &trial{first: now}
		s.of[id] = x
	}
	x.n++
	x.last = now
	if x.n > mostTrials && now.Sub(x.first) >= trialTime {
		delete(s.of, id)
		return false
	}
	return true
}

// sweep forgets tasks that have not come back. Faults are rare, for each makes
// the worker ask for less; so few are remembered.
func (s *trials) sweep(now time.Time) {
	for id, x := range s.of {
		if now.Sub(x.last) > trialKept {
			delete(s.of, id)
		}
	}
}

// warn reports whether to warn now, and of how many faults there was no
// warning.
func (s *trials) warn(now time.Time) (quiet int, due bool) {
	if now.Sub(s.warned) < warnEvery {
		s.quiet++
		return 0, false
	}
	quiet = s.quiet
	s.warned, s.quiet = now, 0
	return quiet, true
}

// refuse answers for a job that could not be prepared.
func (w *Worker) refuse(j *job, f *fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case j.phase != preparing:
		return
	case f.back, j.dropped, w.draining: // it goes back whatever it lacks
	case f.passing:
		w.unable(j, f.err)
	default:
		j.fail(f.err)
	}
	j.tenure.answer(j)
	signal(w.work)
}

// unable hands a job back that could not begin here, or fails it where that
// has been in vain for long. The caller holds the lock, and answers.
func (w *Worker) unable(j *job, e *queue.Error) {
	now := time.Now()
	w.credit.unable(now)
	further := w.trials.again(j.id, now)
	if quiet, due := w.trials.warn(now); due {
		w.log.Warn("cannot begin what this worker is given", "task_id", j.id.String(), "error", e.Message,
			"handed_back", further, "more_of_them", quiet)
	}
	if !further {
		j.fail(e)
	}
}

// fail makes an error of the worker's the job's outcome.
func (j *job) fail(e *queue.Error) {
	now := time.Now().UnixNano()
	j.outcome = &queue.Outcome{Error: e, Started: now, Finished: now}
}
