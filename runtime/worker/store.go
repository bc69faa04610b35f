package worker

import (
	"context"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

const (
	// storeWithin bounds one try to make a value a blob.
	storeWithin = 30 * time.Second
	// A result that the blobs do not take is offered again after pauses that
	// grow from the first to the last.
	firstOffer = 100 * time.Millisecond
	lastOffer  = 10 * time.Second
)

// store makes blobs of what is too large for an outcome. The result is in
// hand: it is offered for as long as the session lives, and only with it lost.
// Then the task runs again elsewhere, as at least once allows: a result that
// arrives after its session would be refused by its fence.
func (w *Worker) store(j *job) {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	defer j.release()
	stop := context.AfterFunc(j.tenure.live, cancel)
	defer stop()
	if len(j.outcome.Result) > queue.MaxInline && !w.storeResult(ctx, j) {
		w.mu.Lock()
		defer w.mu.Unlock()
		j.phase, j.outcome, j.log = lost, nil, nil
		return
	}
	w.storeLog(ctx, j)
	w.mu.Lock()
	defer w.mu.Unlock()
	j.tenure.answer(j)
	signal(w.work)
}

// storeResult offers a result to the blobs until they have it; false says that
// ctx has ended.
func (w *Worker) storeResult(ctx context.Context, j *job) bool {
	for pause := firstOffer; ; pause = min(2*pause, lastOffer) {
		digest, err := w.put(ctx, j.outcome.Result)
		if err == nil {
			j.outcome.Result, j.outcome.Blob = nil, digest
			j.blobs = append(j.blobs, digest)
			return true
		}
		if ctx.Err() != nil {
			w.log.Error("a large result is lost with its session", "task_id", j.id.String(), "error", err)
			return false
		}
		w.log.Warn("store a large result", "task_id", j.id.String(), "error", err, "again_in", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done(): // the next try says so
			timer.Stop()
		}
	}
}

func (w *Worker) put(ctx context.Context, value []byte) (digest string, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	return w.cfg.Blobs.Put(ctx, value)
}

// storeLog makes a blob of a long log. A log that cannot be kept is not worth
// failing a task for, or keeping it waiting: its tail is there.
func (w *Worker) storeLog(ctx context.Context, j *job) {
	if !j.longLog() {
		return
	}
	digest, err := w.put(ctx, j.log)
	if err != nil {
		w.log.Warn("store a long log", "task_id", j.id.String(), "error", err)
		return
	}
	j.outcome.LogBlob = digest
	j.blobs = append(j.blobs, digest)
}
