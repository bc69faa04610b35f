package command

import "github.com/windrow-dev/windrow/queue"

// Decide brings what Apply cannot see: the end of a task that another run's
// result replaces. One that comes twice, or too late, is refused.
type Decide struct {
	ID      queue.ID
	Resumes uint32 // of the task, when it was read
	Outcome queue.Outcome
	Blobs   []string // that a large result refers to
}

// Verb implements Command.
func (*Decide) Verb() Verb { return VerbDecide }

func (c *Decide) write(w *Writer) {
	w.ID(c.ID)
	w.Uint(uint64(c.Resumes))
	writeOutcome(w, &c.Outcome)
	w.Strings(c.Blobs)
}

func (c *Decide) read(r *Reader) {
	c.ID, c.Resumes = r.ID(), r.Uint32()
	readOutcome(r, &c.Outcome)
	c.Blobs = r.Strings()
}
