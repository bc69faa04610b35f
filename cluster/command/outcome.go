package command

import "github.com/windrow-dev/windrow/queue"

const (
	outcomeOK = 1 << iota
	outcomeRetry
	outcomeNoRetry
	outcomeBlob
)

// AppendOutcome writes an outcome as commands do.
func AppendOutcome(dst []byte, o *queue.Outcome) []byte {
	w := &writer{b: dst}
	writeOutcome(w, o)
	return w.b
}

// DecodeOutcome reads what AppendOutcome wrote and returns what follows it.
func DecodeOutcome(b []byte) (queue.Outcome, []byte, error) {
	r := &reader{b: b}
	var o queue.Outcome
	readOutcome(r, &o)
	return o, r.b, r.err("outcome")
}

func writeOutcome(w *writer, o *queue.Outcome) {
	var flags byte
	if o.OK || o.Error == nil {
		flags |= outcomeOK
	} else if o.Error.Retry != nil {
		if *o.Error.Retry {
			flags |= outcomeRetry
		} else {
			flags |= outcomeNoRetry
		}
	}
	if o.Blob != "" {
		flags |= outcomeBlob
	}
	w.byte(flags)
	w.bytes(o.Result)
	if flags&outcomeBlob != 0 {
		w.string(o.Blob)
	}
	w.int(o.Usage.WallNanos)
	w.int(o.Usage.CPUNanos)
	w.int(o.Usage.MemoryBytes)
	w.int(o.Started)
	w.int(o.Finished)
	w.bytes(o.Log)
	w.int(o.LogLen)
	if flags&outcomeOK == 0 {
		w.string(o.Error.Type)
		w.string(o.Error.Message)
		w.string(o.Error.Trace)
		w.int(int64(o.Error.ExitCode))
		w.int(o.Error.After)
	}
}

func readOutcome(r *reader, o *queue.Outcome) {
	flags := r.byte()
	o.OK = flags&outcomeOK != 0
	o.Result = r.bytes()
	if flags&outcomeBlob != 0 {
		o.Blob = r.string()
	}
	o.Usage = queue.Usage{WallNanos: r.int(), CPUNanos: r.int(), MemoryBytes: r.int()}
	o.Started, o.Finished = r.int(), r.int()
	o.Log, o.LogLen = r.bytes(), r.int()
	if o.OK {
		return
	}
	e := &queue.Error{Type: r.string(), Message: r.string(), Trace: r.string()}
	e.ExitCode, e.After = int32(r.int()), r.int()
	if flags&(outcomeRetry|outcomeNoRetry) != 0 {
		retry := flags&outcomeRetry != 0
		e.Retry = &retry
	}
	o.Error = e
}
