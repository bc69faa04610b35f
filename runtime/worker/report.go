package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// Bounds of reports. One is under way at a time, so that what ends meanwhile
// gathers; a second goes out where a full one is ready, or where so little is
// under way that there is nothing to gather.
const (
	reporters   = 2
	fullReport  = 64
	mostReport  = 256
	reportBytes = 256 << 10
	fewHanded   = 16
)

// report sends answers and limits as they come.
func (w *Worker) report(ctx context.Context, l *line, t *tenure) error {
	for {
		jobs, r, flushed := w.gather(t)
		if flushed {
			return errFlushed
		}
		if r == nil {
			select {
			case <-w.work:
				continue
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		a, err := l.Report(ctx, r)
		w.settle(t, jobs, r, &a, err)
		if err != nil {
			return err
		}
	}
}

// errFlushed ends the link of a lost session that has nothing left to report.
var errFlushed = errors.New("the lost session has nothing left to report")

// gather takes what the next report is made of; nil is nothing for now.
func (w *Worker) gather(t *tenure) ([]*job, *Report, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tenure != t {
		return nil, nil, false
	}
	if t.lost && !w.draining && t.owes() == 0 {
		return nil, nil, true
	}
	running, prefetch, changed := w.credit.want()
	changed = changed && !t.lost
	if len(t.out) == 0 && !changed {
		return nil, nil, false
	}
	if t.sending > 0 && len(t.out) < fullReport && t.handed >= fewHanded {
		return nil, nil, false
	}
	r := &Report{}
	if changed {
		w.credit.ask(running, prefetch)
		w.limitSeq++
		r.Limit = Limit{Seq: w.limitSeq, Running: running, Prefetch: prefetch}
	}
	jobs := t.takeOut(r)
	t.sending += len(jobs)
	if len(t.out) > 0 {
		signal(w.work)
	}
	return jobs, r, false
}

// takeOut moves answers into a report, as many as fit.
func (t *tenure) takeOut(r *Report) []*job {
	size, n := 0, 0
	for _, j := range t.out {
		if n > 0 && (n >= mostReport || size >= reportBytes) {
			break
		}
		n++
		if j.outcome == nil {
			r.HandBacks = append(r.HandBacks, HandBack{ID: j.id, Fence: j.fence})
			continue
		}
		size += sizeOf(j.outcome)
		r.Results = append(r.Results, Result{ID: j.id, Fence: j.fence, Outcome: *j.outcome, Blobs: j.blobs})
	}
	jobs := t.out[:n:n]
	t.out = t.out[n:]
	if len(t.out) == 0 {
		t.out = nil
	}
	return jobs
}

// sizeOf is about how long an outcome is in a command, bytes.
func sizeOf(o *queue.Outcome) int {
	n := 256 + len(o.Result) + len(o.Log)
	for i := range o.Children {
		n += 24 + len(o.Children[i].Canvas)
	}
	if o.Defer != nil {
		n += len(o.Defer.State) + 16*len(o.Defer.Wait)
	}
	if e := o.Error; e != nil {
		n += len(e.Type) + len(e.Message) + len(e.Trace)
	}
	return n
}

// settle forgets what is committed, and keeps what may not be for the next
// link.
func (w *Worker) settle(t *tenure, jobs []*job, r *Report, a *Answer, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.sending -= len(jobs)
	if err != nil {
		t.out = append(jobs, t.out...)
		if r.Limit.Seq > 0 {
			w.credit.asked = false
		}
		return
	}
	later := 0
	for _, j := range jobs {
		if j.outcome != nil && slices.Contains(a.Later, j.fence) {
			w.postpone(t, j)
			later++
			continue
		}
		delete(t.jobs, j.fence)
	}
	if later > 0 {
		w.log.Info("the leader cannot take all results yet", "count", later)
	}
	if len(a.Refused) > 0 {
		w.log.Info("somebody else has tasks of ours", "count", len(a.Refused))
	}
	if len(t.out) > 0 || t.lost {
		signal(w.work)
	}
	if w.draining {
		signal(w.quiet)
	}
	w.settled()
}

// postpone reports a result again after a while. The caller holds the lock.
func (w *Worker) postpone(t *tenure, j *job) {
	j.rest = min(max(2*j.rest, firstOffer), lastOffer)
	t.late++
	w.slow.Go(func() {
		timer := time.NewTimer(j.rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-t.live.Done():
		case <-w.ctx.Done():
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		t.late--
		t.out = append(t.out, j)
		signal(w.work)
	})
}

// settled notes when a worker that leaves owes nothing any more.
func (w *Worker) settled() {
	if !w.draining || len(w.tenure.jobs) > 0 {
		return
	}
	select {
	case <-w.empty:
	default:
		close(w.empty)
	}
}
