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

func (c *OpenSession) write(w *writer) {
	w.string(c.Worker)
	w.uint(c.Incarnation)
	w.strings(c.Queues)
	w.strings(c.Labels)
	w.fences(c.Begun)
}

func (c *OpenSession) read(r *reader) {
	c.Worker, c.Incarnation = r.string(), r.uint()
	c.Queues, c.Labels = r.strings(), r.strings()
	c.Begun = r.fences()
}

func (c *EndSession) write(w *writer) {
	w.fence(c.Session)
	w.fences(c.Begun)
	w.string(c.Reason)
}

func (c *EndSession) read(r *reader) {
	c.Session, c.Begun, c.Reason = r.fence(), r.fences(), r.string()
}

func (c *HoldSession) write(w *writer) {
	w.fence(c.Session)
	w.bool(c.Hold)
}

func (c *HoldSession) read(r *reader) { c.Session, c.Hold = r.fence(), r.bool() }

func (c *SetLimit) write(w *writer) {
	w.fence(c.Session)
	w.uint(c.Seq)
	w.uint(uint64(c.Running))
	w.uint(uint64(c.Prefetch))
}

func (c *SetLimit) read(r *reader) {
	c.Session, c.Seq, c.Running, c.Prefetch = r.fence(), r.uint(), r.uint32(), r.uint32()
}

func (c *Complete) write(w *writer) {
	w.fence(c.Session)
	w.uint(uint64(len(c.Results)))
	for i := range c.Results {
		t := &c.Results[i]
		w.id(t.ID)
		w.fence(t.Fence)
		writeOutcome(w, &t.Outcome)
		w.strings(t.Blobs)
	}
}

func (c *Complete) read(r *reader) {
	c.Session = r.fence()
	c.Results = make([]TaskResult, r.count(24))
	for i := range c.Results {
		t := &c.Results[i]
		t.ID, t.Fence = r.id(), r.fence()
		readOutcome(r, &t.Outcome)
		t.Blobs = r.strings()
	}
}

func (c *HandBack) write(w *writer) {
	w.fence(c.Session)
	w.uint(uint64(len(c.Items)))
	for _, h := range c.Items {
		w.id(h.ID)
		w.fence(h.Fence)
	}
}

func (c *HandBack) read(r *reader) {
	c.Session = r.fence()
	c.Items = make([]Held, r.count(18))
	for i := range c.Items {
		c.Items[i] = Held{ID: r.id(), Fence: r.fence()}
	}
}

func (w *writer) fences(v []queue.Fence) {
	w.uint(uint64(len(v)))
	for _, f := range v {
		w.fence(f)
	}
}

func (r *reader) fences() []queue.Fence {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	v := make([]queue.Fence, n)
	for i := range v {
		v[i] = r.fence()
	}
	return v
}
