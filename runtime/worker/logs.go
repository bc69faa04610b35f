package worker

import (
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// Logs hears what attempts log while they run, for those who follow. Its
// methods do not block.
type Logs interface {
	// Log adds to the log of an attempt; b may be kept.
	Log(id queue.ID, attempt uint32, b []byte)
	// Progress is the newest report of an attempt, one JSON text; b may be kept.
	Progress(id queue.ID, attempt uint32, b []byte)
	// Ended says that nothing more comes.
	Ended(id queue.ID, attempt uint32)
}

// listen gathers what an attempt logs: it becomes a blob where it is longer
// than the tail that an outcome carries.
func (w *Worker) listen(j *job, a *host.Attempt) {
	a.MaxLog, a.MaxOutput = w.cfg.MaxLog, w.cfg.MaxResult
	a.OnLog = func(b []byte) {
		j.log = append(j.log, b...)
		if w.cfg.Logs != nil {
			w.cfg.Logs.Log(j.id, uint32(a.Number), b)
		}
	}
	j.number = uint32(a.Number)
	a.OnProgress = func(b []byte) { w.progressed(j, j.number, b) }
}

// hush tells followers that a job's attempt has ended.
func (w *Worker) hush(j *job) {
	if w.cfg.Logs != nil && len(j.log)+len(j.progress) > 0 {
		w.cfg.Logs.Ended(j.id, j.number)
	}
}

// longLog reports whether a job's log does not fit into its outcome.
func (j *job) longLog() bool { return len(j.log) > len(j.outcome.Log) }
