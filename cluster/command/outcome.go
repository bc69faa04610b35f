package command

import "github.com/windrow-dev/windrow/queue"

const (
	outcomeOK = 1 << iota
	outcomeBlob
	outcomeLogBlob
	outcomeProgress
	outcomeChildren
	outcomeDefer
)

// AppendOutcome writes an outcome as commands do.
func AppendOutcome(dst []byte, o *queue.Outcome) []byte {
	w := &Writer{b: dst}
	writeOutcome(w, o)
	return w.b
}

// DecodeOutcome reads what AppendOutcome wrote and returns what follows it.
func DecodeOutcome(b []byte) (queue.Outcome, []byte, error) {
	r := &Reader{b: b}
	var o queue.Outcome
	readOutcome(r, &o)
	return o, r.b, r.Err("outcome")
}

func writeOutcome(w *Writer, o *queue.Outcome) {
	var flags byte
	if o.OK || o.Error == nil {
		flags |= outcomeOK
	}
	if o.Blob != "" {
		flags |= outcomeBlob
	}
	if o.LogBlob != "" {
		flags |= outcomeLogBlob
	}
	if len(o.Progress) > 0 {
		flags |= outcomeProgress
	}
	if len(o.Children) > 0 {
		flags |= outcomeChildren
	}
	if o.Defer != nil {
		flags |= outcomeDefer
	}
	w.Byte(flags)
	w.Bytes(o.Result)
	if flags&outcomeBlob != 0 {
		w.String(o.Blob)
	}
	w.Int(o.Usage.WallNanos)
	w.Int(o.Usage.CPUNanos)
	w.Int(o.Usage.MemoryBytes)
	w.Int(o.Started)
	w.Int(o.Finished)
	w.Bytes(o.Log)
	w.Int(o.LogLen)
	if flags&outcomeLogBlob != 0 {
		w.String(o.LogBlob)
	}
	if flags&outcomeProgress != 0 {
		w.Bytes(o.Progress)
	}
	if flags&outcomeChildren != 0 {
		w.Uint(uint64(len(o.Children)))
		for i := range o.Children {
			w.ID(o.Children[i].ID)
			w.Bytes(o.Children[i].Canvas)
		}
	}
	if o.Defer != nil {
		writeDeferral(w, o.Defer)
	}
	if flags&outcomeOK == 0 {
		WriteError(w, o.Error)
	}
}

func readOutcome(r *Reader, o *queue.Outcome) {
	flags := r.Byte()
	o.OK = flags&outcomeOK != 0
	o.Result = r.Bytes()
	if flags&outcomeBlob != 0 {
		o.Blob = r.String()
	}
	o.Usage = queue.Usage{WallNanos: r.Int(), CPUNanos: r.Int(), MemoryBytes: r.Int()}
	o.Started, o.Finished = r.Int(), r.Int()
	o.Log, o.LogLen = r.Bytes(), r.Int()
	if flags&outcomeLogBlob != 0 {
		o.LogBlob = r.String()
	}
	if flags&outcomeProgress != 0 {
		o.Progress = r.Bytes()
	}
	if flags&outcomeChildren != 0 {
		o.Children = make([]queue.Child, r.Count(17))
		for i := range o.Children {
			o.Children[i] = queue.Child{ID: r.ID(), Canvas: r.Bytes()}
		}
	}
	if flags&outcomeDefer != 0 {
		o.Defer = readDeferral(r)
	}
	if !o.OK {
		o.Error = ReadError(r)
	}
}

func writeDeferral(w *Writer, d *queue.Deferral) {
	w.Bytes(d.State)
	w.IDs(d.Wait)
	w.Int(d.After)
	w.Bool(d.Replace)
}

func readDeferral(r *Reader) *queue.Deferral {
	return &queue.Deferral{State: r.Bytes(), Wait: r.IDs(), After: r.Int(), Replace: r.Bool()}
}

// The guest's own word on a retry.
const (
	retryUnsaid = iota
	retryYes
	retryNo
)

// WriteError writes why an attempt failed.
func WriteError(w *Writer, e *queue.Error) {
	w.String(e.Type)
	w.String(e.Message)
	w.String(e.Trace)
	w.Int(int64(e.ExitCode))
	w.Int(e.After)
	switch {
	case e.Retry == nil:
		w.Byte(retryUnsaid)
	case *e.Retry:
		w.Byte(retryYes)
	default:
		w.Byte(retryNo)
	}
}

// ReadError is the inverse of WriteError.
func ReadError(r *Reader) *queue.Error {
	e := &queue.Error{Type: r.String(), Message: r.String(), Trace: r.String()}
	e.ExitCode, e.After = int32(r.Int()), r.Int()
	if said := r.Byte(); said != retryUnsaid {
		retry := said == retryYes
		e.Retry = &retry
	}
	return e
}
