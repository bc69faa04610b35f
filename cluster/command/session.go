package command

import "github.com/windrow-dev/windrow/queue"

// OpenSession begins a worker's session, whose id is its place in the log, and
// ends that worker's older ones at once.
type OpenSession struct {
	Worker      string   // stable name of the worker, its node id
	Incarnation uint64   // new at each start of the worker's process
	Queues      []string // empty: all
	Labels      []string // "key=value", sorted
	// Begun lists what is known to have begun under the older sessions.
	Begun []queue.Fence
}

// EndSession frees all that a lost or leaving worker held.
type EndSession struct {
	Session queue.Fence
	Begun   []queue.Fence // what is known to have begun; the rest counts as not begun
	Reason  string
}

// HoldSession stops (or resumes) new assignments to a worker that has fallen
// silent, without touching its limits.
type HoldSession struct {
	Session queue.Fence
	Hold    bool
}

// SetLimit sets a session's credit: how many assignments may be outstanding.
// It is absolute, and a lower Seq than the last one changes nothing, so that
// repeats and leader changes neither lose nor double any.
type SetLimit struct {
	Session  queue.Fence
	Seq      uint64
	Running  uint32
	Prefetch uint32
}

// TaskResult is the completion of one assignment.
type TaskResult struct {
	ID      queue.ID
	Fence   queue.Fence
	Outcome queue.Outcome
	// Blobs are the digests that a large result refers to.
	Blobs []string
	// Runs are the children that the attempt asked for, made of its Outcome's.
	Runs []NewRun
}

// Complete reports assignments that have ended.
type Complete struct {
	Session queue.Fence
	Results []TaskResult
}

// HandBack returns assignments whose attempt has not begun; it costs neither a
// delivery nor a retry.
type HandBack struct {
	Session queue.Fence
	Items   []Held
}

// Held names one assignment.
type Held struct {
	ID    queue.ID
	Fence queue.Fence
}

// Verb implements Command.
func (*OpenSession) Verb() Verb { return VerbOpenSession }

// Verb implements Command.
func (*EndSession) Verb() Verb { return VerbEndSession }

// Verb implements Command.
func (*HoldSession) Verb() Verb { return VerbHoldSession }

// Verb implements Command.
func (*SetLimit) Verb() Verb { return VerbSetLimit }

// Verb implements Command.
func (*Complete) Verb() Verb { return VerbComplete }

// Verb implements Command.
func (*HandBack) Verb() Verb { return VerbHandBack }

func (c *OpenSession) write(w *Writer) {
	w.String(c.Worker)
	w.Uint(c.Incarnation)
	w.Strings(c.Queues)
	w.Strings(c.Labels)
	w.Fences(c.Begun)
}

func (c *OpenSession) read(r *Reader) {
	c.Worker, c.Incarnation = r.String(), r.Uint()
	c.Queues, c.Labels = r.Strings(), r.Strings()
	c.Begun = r.Fences()
}

func (c *EndSession) write(w *Writer) {
	w.Fence(c.Session)
	w.Fences(c.Begun)
	w.String(c.Reason)
}

func (c *EndSession) read(r *Reader) {
	c.Session, c.Begun, c.Reason = r.Fence(), r.Fences(), r.String()
}

func (c *HoldSession) write(w *Writer) {
	w.Fence(c.Session)
	w.Bool(c.Hold)
}

func (c *HoldSession) read(r *Reader) { c.Session, c.Hold = r.Fence(), r.Bool() }

func (c *SetLimit) write(w *Writer) {
	w.Fence(c.Session)
	w.Uint(c.Seq)
	w.Uint(uint64(c.Running))
	w.Uint(uint64(c.Prefetch))
}

func (c *SetLimit) read(r *Reader) {
	c.Session, c.Seq, c.Running, c.Prefetch = r.Fence(), r.Uint(), r.Uint32(), r.Uint32()
}

func (c *Complete) write(w *Writer) {
	w.Fence(c.Session)
	w.Uint(uint64(len(c.Results)))
	for i := range c.Results {
		t := &c.Results[i]
		w.ID(t.ID)
		w.Fence(t.Fence)
		writeOutcome(w, &t.Outcome)
		w.Strings(t.Blobs)
		writeRuns(w, t.Runs)
	}
}

func (c *Complete) read(r *Reader) {
	c.Session = r.Fence()
	c.Results = make([]TaskResult, r.Count(24))
	for i := range c.Results {
		t := &c.Results[i]
		t.ID, t.Fence = r.ID(), r.Fence()
		readOutcome(r, &t.Outcome)
		t.Blobs, t.Runs = r.Strings(), readRuns(r)
	}
}

func (c *HandBack) write(w *Writer) {
	w.Fence(c.Session)
	w.Uint(uint64(len(c.Items)))
	for _, h := range c.Items {
		w.ID(h.ID)
		w.Fence(h.Fence)
	}
}

func (c *HandBack) read(r *Reader) {
	c.Session = r.Fence()
	c.Items = make([]Held, r.Count(18))
	for i := range c.Items {
		c.Items[i] = Held{ID: r.ID(), Fence: r.Fence()}
	}
}

func (w *Writer) IDs(v []queue.ID) {
	w.Uint(uint64(len(v)))
	for _, id := range v {
		w.ID(id)
	}
}

func (r *Reader) IDs() []queue.ID {
	n := r.Count(16)
	if n == 0 {
		return nil
	}
	v := make([]queue.ID, n)
	for i := range v {
		v[i] = r.ID()
	}
	return v
}

func (w *Writer) Fences(v []queue.Fence) {
	w.Uint(uint64(len(v)))
	for _, f := range v {
		w.Fence(f)
	}
}

func (r *Reader) Fences() []queue.Fence {
	n := r.Count(2)
	if n == 0 {
		return nil
	}
	v := make([]queue.Fence, n)
	for i := range v {
		v[i] = r.Fence()
	}
	return v
}
