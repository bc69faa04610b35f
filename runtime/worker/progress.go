package worker

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// Progress is an observation: beats carry it to the leader, which keeps the
// newest of each attempt in memory; only an attempt's last travels with its
// outcome.
const (
	// progressEvery is the shortest time between two beats for progress alone.
	progressEvery = 100 * time.Millisecond
	// beatProgress is about how many bytes of it one beat carries; the rest goes
	// with the next.
	beatProgress = 256 << 10
)

// progressed keeps what an attempt says of itself. What is no JSON is dropped: it
// would spoil the answers that it stands in.
func (w *Worker) progressed(j *job, attempt uint32, b []byte) {
	var compact bytes.Buffer
	if json.Compact(&compact, b) != nil {
		return
	}
	if w.cfg.Logs != nil {
		w.cfg.Logs.Progress(j.id, attempt, compact.Bytes())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	j.progress, j.untold = compact.Bytes(), true
}

// unheard reports whether there is progress of which no beat has told.
func (t *tenure) unheard() bool {
	if t.handed == 0 {
		return false
	}
	for _, j := range t.jobs {
		if j.untold && j.phase == handed && j.begun() {
			return true
		}
	}
	return false
}

// retell has the beats of a new link tell all progress once more: a new leader
// knows none.
func (t *tenure) retell() {
	for _, j := range t.jobs {
		j.untold = j.progress != nil
	}
}

// lastWord puts an attempt's last progress into its outcome, where it is short
// enough to be kept.
func (j *job) lastWord(r *host.Result) {
	if len(j.progress) <= queue.MaxProgress {
		r.Outcome.Progress = j.progress
	}
}
