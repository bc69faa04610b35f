package worker

import (
	"context"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// guard stops the sandboxes in time when the leader may be about to give the
// session up.
func (w *Worker) guard(ctx context.Context) {
	timer := time.NewTimer(fenceAfter)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.renewed:
		case <-timer.C:
		}
		w.mu.Lock()
		left := time.Until(w.answered.Add(fenceAfter))
		late := left <= 0 && !w.tenure.lost && len(w.tenure.jobs) > 0
		w.mu.Unlock()
		if late {
			w.log.Warn("no leader has answered: stopping all sandboxes", "for", fenceAfter)
			w.killLost()
		}
		if left <= 0 {
			left = fenceAfter
		}
		timer.Reset(left)
	}
}

// killLost gives up whatever has not ended. What had ended is still reported,
// if the session can be resumed.
func (w *Worker) killLost() {
	w.mu.Lock()
	t := w.tenure
	ids := t.lose()
	empty := t.owes() == 0
	w.mu.Unlock()
	for _, id := range ids {
		w.cfg.Host.Kill(id, queue.ErrWorkerLost)
	}
	if empty {
		w.renew(t)
	}
	signal(w.work) // the link, if there is one, has served its purpose
}

// renew has the next attachment open a new session, once a lost one has
// nothing left to report. Its hello still tells what had begun, so that the
// leader knows what the lost session ended in.
func (w *Worker) renew(t *tenure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tenure == t && t.lost && !t.renewed && t.owes() == 0 {
		t.renewed = true
		w.incarnation++
	}
}
