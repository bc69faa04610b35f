package command

import "github.com/windrow-dev/windrow/queue"

// Overlap is what becomes of a tick while the run of an earlier one goes on.
type Overlap uint8

// The ways to overlap.
const (
	OverlapAllow  Overlap = iota // both go on
	OverlapSkip                  // the tick is passed over
	OverlapBuffer                // one waits for the end; those behind it are passed over
	OverlapCancel                // the earlier run is cancelled
)

// MaxFires is how many fires a leader brings in one log entry.
const MaxFires = 100

// Fire begins the run of a schedule's tick. One that comes twice, from a leader
// of yesterday or for a version that was replaced, is refused: the ticks of a
// schedule are a chain, and each Fire names the link that it goes on from.
//
// It brings no graph: the schedule's document has it.
type Fire struct {
	Namespace string
	Name      string
	Version   uint32 // of the document
	// Expected is the tick that the schedule waits for, Tick the one that a run
	// begins for: the same, or a later one where those before it were missed.
	// With Tick 0 all of them were.
	Expected, Tick int64
	Next           int64 // expected from then on, 0 for none
	Missed         uint32
	// Manual begins a run for no tick at all.
	Manual bool
	Run    queue.ID
	Meta   []byte // of the run
	Idem   *Idempotency
}

// SteerSchedule pauses a schedule, or lets it go on.
type SteerSchedule struct {
	Namespace string
	Name      string
	Pause     bool
	// Next is the tick that a schedule which goes on waits for; with Keep it is
	// the one that it waited for before, so that the pause's are made up for.
	Next int64
	Keep bool
	Idem *Idempotency
}

// AskTick begins the run of the task that says when a schedule is next due,
// where one does. Its result is brought by SetTick.
type AskTick struct {
	Namespace string
	Name      string
	Version   uint32
	Run       queue.ID
	Meta      []byte // of the run
	Payload   []byte // of its task
}

// SetTick brings what such a run has said: the next tick, 0 for none any more,
// or why it said nothing.
type SetTick struct {
	Namespace string
	Name      string
	Run       queue.ID
	Next      int64
	Fault     string
}

// Verb implements Command.
func (*AskTick) Verb() Verb { return VerbAskTick }

// Verb implements Command.
func (*SetTick) Verb() Verb { return VerbSetTick }

// Verb implements Command.
func (*Fire) Verb() Verb { return VerbFire }

// Verb implements Command.
func (*SteerSchedule) Verb() Verb { return VerbSteerSchedule }

func (c *Fire) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	w.Uint(uint64(c.Version))
	w.Int(c.Expected)
	w.Int(c.Tick)
	w.Int(c.Next)
	w.Uint(uint64(c.Missed))
	w.Bool(c.Manual)
	w.ID(c.Run)
	w.Bytes(c.Meta)
	c.Idem.write(w)
}

func (c *Fire) read(r *Reader) {
	c.Namespace, c.Name, c.Version = r.String(), r.String(), r.Uint32()
	c.Expected, c.Tick, c.Next, c.Missed = r.Int(), r.Int(), r.Int(), r.Uint32()
	c.Manual, c.Run, c.Meta = r.Bool(), r.ID(), r.Bytes()
	c.Idem = readLastIdem(r)
}

func (c *SteerSchedule) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	w.Bool(c.Pause)
	w.Int(c.Next)
	w.Bool(c.Keep)
	c.Idem.write(w)
}

func (c *SteerSchedule) read(r *Reader) {
	c.Namespace, c.Name = r.String(), r.String()
	c.Pause, c.Next, c.Keep = r.Bool(), r.Int(), r.Bool()
	c.Idem = readLastIdem(r)
}

func (c *AskTick) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	w.Uint(uint64(c.Version))
	w.ID(c.Run)
	w.Bytes(c.Meta)
	w.Bytes(c.Payload)
}

func (c *AskTick) read(r *Reader) {
	c.Namespace, c.Name, c.Version = r.String(), r.String(), r.Uint32()
	c.Run, c.Meta, c.Payload = r.ID(), r.Bytes(), r.Bytes()
}

func (c *SetTick) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Name)
	w.ID(c.Run)
	w.Int(c.Next)
	w.String(c.Fault)
}

func (c *SetTick) read(r *Reader) {
	c.Namespace, c.Name, c.Run, c.Next, c.Fault = r.String(), r.String(), r.ID(), r.Int(), r.String()
}

// Append writes a run as a plan: what a schedule's document keeps.
func (x *NewRun) Append(dst []byte) []byte {
	w := &Writer{b: dst}
	x.write(w)
	return w.b
}

// DecodePlan is the inverse of Append; it aliases b.
func DecodePlan(b []byte) (NewRun, error) {
	r := &Reader{b: b}
	var x NewRun
	x.read(r)
	if r.More() {
		r.Fail()
	}
	return x, r.Err("plan")
}

// Blobs are what the calls of a part refer to.
func (p *GraphPart) Blobs() []string {
	var all []string
	for i := range p.Nodes {
		all = append(all, p.Nodes[i].Call.Blobs...)
	}
	return all
}
