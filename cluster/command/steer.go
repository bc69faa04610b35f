package command

import "github.com/windrow-dev/windrow/queue"

// Steer is what is done to a run.
type Steer uint8

// The ways to steer a run.
const (
	SteerCancel Steer = iota + 1
	SteerPause        // nothing new begins
	SteerResume
)

// SteerRun changes the course of a run that has not ended.
type SteerRun struct {
	Namespace string
	ID        queue.ID
	Do        Steer
	Idem      *Idempotency
}

// Verb implements Command.
func (*SteerRun) Verb() Verb { return VerbSteerRun }

func (c *SteerRun) write(w *Writer) {
	w.String(c.Namespace)
	w.ID(c.ID)
	w.Byte(byte(c.Do))
	c.Idem.write(w)
}

func (c *SteerRun) read(r *Reader) {
	c.Namespace, c.ID, c.Do = r.String(), r.ID(), Steer(r.Byte())
	c.Idem = readLastIdem(r)
}
