package command

import "github.com/windrow-dev/windrow/queue"

// Call is one task to be made.
type Call struct {
	ID   queue.ID
	Spec uint32 // index into the command's Specs
	// Countdown is a delay from T, ETA an absolute time; the later one holds.
	Countdown, ETA int64
	// ExpiresIn is a time from T, ExpiresAt an absolute one; 0 is none.
	ExpiresIn, ExpiresAt int64
	FairnessKey          string
	UniqueKey            string
	ConcurrencyKey       string
	ConcurrencyLimit     uint32
	// Shadow is the name that people see in place of the task's.
	Shadow string
	// Debounce lets the call replace the one with its key that still waits.
	Debounce Debounce
	// Throttle refuses the call where another with its key was taken lately.
	Throttle Throttle
	// Replays names the dead-lettered task that this call runs anew, or zero.
	Replays queue.ID
	// Blobs are the digests that the payload refers to.
	Blobs []string
	// Payload is queue.Payload's bytes, opaque to the machine.
	Payload []byte
}

// Debounce holds a call back for Wait nanoseconds, in which a newer one with the
// key takes its place and waits anew; at most MaxWait after the first of them, if
// that is not 0. No key is none.
type Debounce struct {
	Key           string
	Wait, MaxWait int64
}

// Throttle takes at most one call with its key in Every nanoseconds. No key is
// none.
type Throttle struct {
	Key   string
	Every int64
}

// Calls is a list of calls with their distinct specs written once.
type Calls struct {
	Specs []queue.Spec
	List  []Call
}

// Idempotency makes a repeated request answer as the first did.
type Idempotency struct {
	Route string
	Key   string
	// Body is a hash of the request, so that another body under the same key
	// is refused.
	Body [16]byte
	// Brief is a key that need not be known for a day: a client's own, for its
	// retries.
	Brief bool
}

// Submit makes tasks, all or none. It has at most MaxSubmit calls and about
// MaxCommand bytes; what is more travels as Stage and SubmitStaged.
type Submit struct {
	Namespace string
	Calls     Calls
	Idem      *Idempotency
	Runs      []NewRun
}

// Bounds of one command, so that one log entry stays short.
const (
	MaxSubmit  = 500
	MaxCommand = 256 << 10
)

// Stage brings a part of a large batch. It becomes visible, all at once, by
// SubmitStaged; a stage that nobody submits is dropped after StageTTL.
type Stage struct {
	Namespace string
	Stage     queue.ID
	Part      uint32 // 0, 1, 2 …; a repeated part changes nothing
	Calls     Calls
	// Idem, in part 0, has a batch that is sent again answered at once, and
	// takes the place of one that was left half sent.
	Idem *Idempotency
	// Run, where it is not nil, is the next part of a run, which is all that the
	// stage brings.
	Run *NewRun
}

// StageTTL is how long a stage waits for its SubmitStaged, nanoseconds.
const StageTTL = int64(60e9)

// SubmitStaged accepts a stage of so many parts.
type SubmitStaged struct {
	Namespace string
	Stage     queue.ID
	Parts     uint32
	Idem      *Idempotency
}

// Continue carries on work that one Apply had to leave, and by its batch's T
// brings the machine's time forward to a timer that is due.
type Continue struct{}

// Verb implements Command.
func (*Submit) Verb() Verb { return VerbSubmit }

// Verb implements Command.
func (*Stage) Verb() Verb { return VerbStage }

// Verb implements Command.
func (*SubmitStaged) Verb() Verb { return VerbSubmitStaged }

// Verb implements Command.
func (*Continue) Verb() Verb { return VerbContinue }

func (c *Submit) write(w *Writer) {
	w.String(c.Namespace)
	c.Calls.write(w)
	c.Idem.write(w)
	if len(c.Runs) > 0 {
		writeRuns(w, c.Runs)
	}
}

func writeRuns(w *Writer, runs []NewRun) {
	w.Uint(uint64(len(runs)))
	for i := range runs {
		runs[i].write(w)
	}
}

func readRuns(r *Reader) []NewRun {
	n := r.Count(minRun)
	if n == 0 {
		return nil
	}
	runs := make([]NewRun, n)
	for i := range runs {
		runs[i].read(r)
	}
	return runs
}

func (c *Submit) read(r *Reader) {
	c.Namespace = r.String()
	c.Calls.read(r)
	c.Idem = readIdem(r)
	if r.More() {
		c.Runs = readRuns(r)
	}
}

// minRun is the shortest encoding of a run.
const minRun = 16 + 6

func (c *Stage) write(w *Writer) {
	w.String(c.Namespace)
	w.ID(c.Stage)
	w.Uint(uint64(c.Part))
	c.Calls.write(w)
	c.Idem.write(w)
	if c.Run != nil {
		c.Run.write(w)
	}
}

func (c *Stage) read(r *Reader) {
	c.Namespace, c.Stage, c.Part = r.String(), r.ID(), r.Uint32()
	c.Calls.read(r)
	c.Idem = readLastIdem(r)
	if r.More() {
		c.Run = &NewRun{}
		c.Run.read(r)
	}
}

func (c *SubmitStaged) write(w *Writer) {
	w.String(c.Namespace)
	w.ID(c.Stage)
	w.Uint(uint64(c.Parts))
	c.Idem.write(w)
}

func (c *SubmitStaged) read(r *Reader) {
	c.Namespace, c.Stage, c.Parts = r.String(), r.ID(), r.Uint32()
	c.Idem = readIdem(r)
}

func (*Continue) write(*Writer) {}
func (*Continue) read(*Reader)  {}

func (i *Idempotency) write(w *Writer) {
	w.Bool(i != nil)
	if i != nil {
		w.String(i.Route)
		w.String(i.Key)
		w.b = append(w.b, i.Body[:]...)
		w.Bool(i.Brief)
	}
}

func readIdem(r *Reader) *Idempotency {
	if !r.Bool() {
		return nil
	}
	i := &Idempotency{Route: r.String(), Key: r.String()}
	i.Body, i.Brief = r.ID(), r.Bool()
	return i
}

// readLastIdem reads a key at the end of a body, where older ones have none.
func readLastIdem(r *Reader) *Idempotency {
	if !r.More() {
		return nil
	}
	return readIdem(r)
}

func (c *Calls) write(w *Writer) {
	w.Uint(uint64(len(c.Specs)))
	for i := range c.Specs {
		WriteSpec(w, &c.Specs[i])
	}
	w.Uint(uint64(len(c.List)))
	for i := range c.List {
		c.List[i].write(w)
	}
}

func (c *Calls) read(r *Reader) {
	n := r.Count(minSpec)
	c.Specs = make([]queue.Spec, n)
	for i := range c.Specs {
		ReadSpec(r, &c.Specs[i])
	}
	n = r.Count(minCall)
	c.List = make([]Call, n)
	for i := range c.List {
		c.List[i].read(r)
		if int(c.List[i].Spec) >= len(c.Specs) {
			r.Fail()
			return
		}
	}
}

// minCall is the shortest encoding of a call: id, spec, flags, payload length.
const minCall = 16 + 1 + 1 + 1

const (
	callTimes = 1 << iota
	callKeys
	callReplays
	callBlobs
	callShadow
	callDebounce
	callThrottle
)

func (c *Call) write(w *Writer) {
	w.ID(c.ID)
	c.writeBody(w)
}

// writeBody writes all but the id, which a run's tasks have from the run.
func (c *Call) writeBody(w *Writer) {
	var flags byte
	if c.Countdown|c.ETA|c.ExpiresIn|c.ExpiresAt != 0 {
		flags |= callTimes
	}
	if c.FairnessKey != "" || c.UniqueKey != "" || c.ConcurrencyKey != "" {
		flags |= callKeys
	}
	if !c.Replays.IsZero() {
		flags |= callReplays
	}
	if len(c.Blobs) > 0 {
		flags |= callBlobs
	}
	if c.Shadow != "" {
		flags |= callShadow
	}
	if c.Debounce.Key != "" {
		flags |= callDebounce
	}
	if c.Throttle.Key != "" {
		flags |= callThrottle
	}
	w.Uint(uint64(c.Spec))
	w.Byte(flags)
	if flags&callTimes != 0 {
		w.Int(c.Countdown)
		w.Int(c.ETA)
		w.Int(c.ExpiresIn)
		w.Int(c.ExpiresAt)
	}
	if flags&callKeys != 0 {
		w.String(c.FairnessKey)
		w.String(c.UniqueKey)
		w.String(c.ConcurrencyKey)
		w.Uint(uint64(c.ConcurrencyLimit))
	}
	if flags&callReplays != 0 {
		w.ID(c.Replays)
	}
	if flags&callBlobs != 0 {
		w.Strings(c.Blobs)
	}
	if flags&callShadow != 0 {
		w.String(c.Shadow)
	}
	if flags&callDebounce != 0 {
		w.String(c.Debounce.Key)
		w.Int(c.Debounce.Wait)
		w.Int(c.Debounce.MaxWait)
	}
	if flags&callThrottle != 0 {
		w.String(c.Throttle.Key)
		w.Int(c.Throttle.Every)
	}
	w.Bytes(c.Payload)
}

func (c *Call) read(r *Reader) {
	c.ID = r.ID()
	c.readBody(r)
}

func (c *Call) readBody(r *Reader) {
	c.Spec = r.Uint32()
	flags := r.Byte()
	if flags&callTimes != 0 {
		c.Countdown, c.ETA, c.ExpiresIn, c.ExpiresAt = r.Int(), r.Int(), r.Int(), r.Int()
	}
	if flags&callKeys != 0 {
		c.FairnessKey, c.UniqueKey, c.ConcurrencyKey = r.String(), r.String(), r.String()
		c.ConcurrencyLimit = r.Uint32()
	}
	if flags&callReplays != 0 {
		c.Replays = r.ID()
	}
	if flags&callBlobs != 0 {
		c.Blobs = r.Strings()
	}
	if flags&callShadow != 0 {
		c.Shadow = r.String()
	}
	if flags&callDebounce != 0 {
		c.Debounce = Debounce{Key: r.String(), Wait: r.Int(), MaxWait: r.Int()}
	}
	if flags&callThrottle != 0 {
		c.Throttle = Throttle{Key: r.String(), Every: r.Int()}
	}
	c.Payload = r.Bytes()
}
