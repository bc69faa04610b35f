package worker

import (
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// take deals with a push: new assignments go to the host, killed ones are
// dropped.
func (w *Worker) take(t *tenure, p *Push) {
	jobs := w.admit(t, p.Assignments)
	for i, j := range jobs {
		if j == nil {
			continue
		}
		a := &p.Assignments[i]
		made, f, done := w.prepare(w.ctx, a, false)
		if done {
			w.ready(j, made, f)
			continue
		}
		w.slow.Go(func() {
			made, f, _ := w.prepare(w.ctx, a, true)
			w.ready(j, made, f)
		})
	}
	if len(p.Kills) > 0 {
		w.kill(t, p.Kills)
	}
}

// admit makes jobs of assignments. One that the worker has already, and any
// that come to a worker that takes none, are nil.
func (w *Worker) admit(t *tenure, list []Assignment) []*job {
	jobs := make([]*job, len(list))
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tenure != t || t.lost {
		return jobs
	}
	for i := range list {
		a := &list[i]
		if t.jobs[a.Fence] != nil {
			continue
		}
		j := &job{tenure: t, id: a.ID, fence: a.Fence}
		t.jobs[a.Fence] = j
		if w.draining {
			t.answer(j)
			signal(w.work)
			continue
		}
		jobs[i] = j
	}
	return jobs
}

// ready gives a prepared job to the host, or answers for it.
func (w *Worker) ready(j *job, made *host.Attempt, f *fault) {
	if f != nil {
		w.refuse(j, f)
		return
	}
	if w.hand(j) {
		w.submit(j, made)
	}
}

// hand makes a prepared job the host's, if it is still wanted.
func (w *Worker) hand(j *job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if j.phase != preparing {
		return false
	}
	if j.dropped || w.draining {
		j.tenure.answer(j)
		signal(w.work)
		return false
	}
	j.phase = handed
	j.tenure.handed++
	if w.drowsy {
		w.drowsy = false
		signal(w.fresh)
	}
	return true
}

// submit gives a job to the host. A kill may have passed between its becoming
// the host's and this call, and found nothing there.
func (w *Worker) submit(j *job, made *host.Attempt) {
	w.listen(j, made)
	made.OnBegin = func(at time.Time) { w.began(j, at) }
	w.cfg.Host.Submit(made, func(r host.Result) { w.done(j, &r) })
	w.mu.Lock()
	j.submitted = true
	why, dropped := j.kill, j.dropped
	w.mu.Unlock()
	switch {
	case why != "":
		w.cfg.Host.Kill(j.id, why)
	case dropped:
		w.cfg.Host.Drop(j.id)
	}
}

// began hears from the host that a job's attempt runs.
func (w *Worker) began(j *job, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	j.beganAt = at.UnixNano()
	w.able(j)
}

// able notes that a job has begun here. The caller holds the lock.
func (w *Worker) able(j *job) {
	delete(w.trials.of, j.id)
	w.credit.able(j.beganAt)
}

// kill drops what has not begun, and stops what runs where that is asked for.
func (w *Worker) kill(t *tenure, kills []Kill) {
	var stop, drop []queue.ID
	w.mu.Lock()
	for _, k := range kills {
		j := t.jobs[k.Fence]
		switch {
		case j == nil:
		case j.phase == preparing:
			j.dropped = true
		case j.phase == handed && k.Terminate:
			stop = j.stop(stop, queue.ErrRevoked)
		case j.phase == handed:
			j.dropped = true
			if j.submitted {
				drop = append(drop, j.id)
			}
		}
	}
	w.mu.Unlock()
	for _, id := range stop {
		w.cfg.Host.Kill(id, queue.ErrRevoked)
	}
	for _, id := range drop {
		w.cfg.Host.Drop(id)
	}
}

// done hears from the host what became of a job. It does not block.
func (w *Worker) done(j *job, r *host.Result) {
	now := time.Now()
	w.hush(j)
	w.mu.Lock()
	defer w.mu.Unlock()
	t := j.tenure
	if j.phase != handed {
		return // given up; whatever came of it, nobody waits for it
	}
	t.handed--
	if !r.Began && r.Outcome.Error == nil {
		if !w.draining && !j.dropped {
			w.credit.bounced(now, t.handed)
		}
		t.answer(j)
		signal(w.work)
		return
	}
	if r.Elsewhere && !w.draining {
		w.unable(j, r.Outcome.Error)
		t.answer(j)
		signal(w.work)
		return
	}
	if r.Began {
		w.credit.learn(r.Outcome.Usage.WallNanos)
		j.beganAt = r.Outcome.Started
		w.able(j)
	}
	j.lastWord(r)
	j.outcome = &r.Outcome
	if len(r.Outcome.Result) > queue.MaxInline || j.longLog() {
		j.phase, j.release = storing, r.Hold()
		w.slow.Go(func() { w.store(j) })
		return
	}
	t.answer(j)
	signal(w.work)
}
