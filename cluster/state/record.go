package state

import (
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
	"github.com/windrow-dev/windrow/queue/match"
)

// record is a task as it is stored: what readers see, and of an unfinished one
// what Apply needs besides.
type record struct {
	queue.View
	// Of unfinished tasks:
	seq      uint64
	retries  uint32
	flags    taskFlags
	where    match.Where
	by, from limit.Kind
	due      int64
	timer    bool
	session  queue.Fence
	blobs    []string
	stage    queue.ID
	deferral *deferral
	since    int64 // of the first call that it takes the place of
	// Of finished ones: a short result travels in the record.
	result []byte
}

const recordFormat = 1

const (
	recDead = 1 << iota
	recKeys
	recReplay
	recAssigned
	recError
	recMachine
	recResult
	recRan
	recRun
	recDefer
	recNamed
)

func (r *record) flagsOf(live bool) (f uint64) {
	if r.Dead {
		f |= recDead
	}
	if r.FairnessKey != "" || r.UniqueKey != "" || r.ConcurrencyKey != "" {
		f |= recKeys
	}
	if !r.ReplayOf.IsZero() || !r.ReplayedAs.IsZero() {
		f |= recReplay
	}
	if !r.Fence.IsZero() {
		f |= recAssigned
	}
	if r.Error != nil {
		f |= recError
	}
	if live {
		f |= recMachine
	}
	if len(r.result) > 0 {
		f |= recResult
	}
	if !r.Run.IsZero() {
		f |= recRun
	}
	if r.Resumes > 0 {
		f |= recDefer
	}
	if r.Shadow != "" || r.DebounceKey != "" {
		f |= recNamed
	}
	if r.StartedAt != 0 || r.FinishedAt != 0 || r.Worker != "" {
		f |= recRan
	}
	return f
}

func (r *record) append(dst []byte, live bool) []byte {
	flags := r.flagsOf(live)
	w := command.NewWriter(dst)
	w.Byte(recordFormat)
	w.Uint(flags)
	w.ID(r.ID)
	w.Byte(byte(r.State))
	command.WriteSpec(w, &r.Spec)
	w.Uint(uint64(r.Attempt))
	w.Uint(uint64(r.Delivery))
	w.Int(r.CreatedAt)
	w.Int(r.ReadyAt)
	w.Int(r.ExpiresAt)
	if flags&recRan != 0 {
		w.Int(r.StartedAt)
		w.Int(r.FinishedAt)
		w.Int(r.RemovedAt)
		w.String(r.Worker)
		w.Int(r.Usage.WallNanos)
		w.Int(r.Usage.CPUNanos)
		w.Int(r.Usage.MemoryBytes)
		w.Int(r.LogLen)
		w.String(r.ResultBlob)
	}
	if flags&recKeys != 0 {
		w.String(r.FairnessKey)
		w.String(r.UniqueKey)
		w.String(r.ConcurrencyKey)
		w.Uint(uint64(r.ConcurrencyLimit))
	}
	if flags&recReplay != 0 {
		w.ID(r.ReplayOf)
		w.ID(r.ReplayedAs)
	}
	if flags&recAssigned != 0 {
		w.Fence(r.Fence)
	}
	if flags&recError != 0 {
		command.WriteError(w, r.Error)
	}
	if flags&recRun != 0 {
		w.ID(r.Cause)
	}
	if flags&recDefer != 0 {
		r.appendDeferral(w)
	}
	if flags&recNamed != 0 {
		w.String(r.Shadow)
		w.String(r.DebounceKey)
		w.Int(r.since)
	}
	if live {
		r.appendMachine(w)
	}
	if flags&recResult != 0 {
		w.Bytes(r.result)
	}
	return w.Done()
}

func (r *record) appendDeferral(w *command.Writer) {
	w.Uint(uint64(r.Resumes))
	w.Bool(r.deferral != nil)
	if d := r.deferral; d != nil {
		w.IDs(d.wait)
		w.Bool(d.replace)
		w.Bool(d.decide)
		w.Int(d.until)
	}
}

func (r *record) readDeferral(rd *command.Reader) {
	r.Resumes = rd.Uint32()
	if rd.Bool() {
		r.deferral = &deferral{wait: rd.IDs(), replace: rd.Bool(), decide: rd.Bool(), until: rd.Int()}
	}
}

func (r *record) appendMachine(w *command.Writer) {
	w.Uint(r.seq)
	w.Uint(uint64(r.retries))
	w.Byte(byte(r.flags))
	w.Byte(byte(r.where))
	w.Byte(byte(r.by))
	w.Byte(byte(r.from))
	w.Bool(r.timer)
	w.Int(r.due)
	w.Fence(r.session)
	w.Strings(r.blobs)
	w.ID(r.stage)
}

func decodeRecord(b []byte) (*record, error) {
	rd := command.NewReader(b)
	if rd.Byte() != recordFormat {
		rd.Fail()
	}
	flags := rd.Uint()
	r := &record{}
	r.Dead = flags&recDead != 0
	r.ID, r.State = rd.ID(), queue.State(rd.Byte())
	command.ReadSpec(rd, &r.Spec)
	r.Attempt, r.Delivery = rd.Uint32(), rd.Uint32()
	r.CreatedAt, r.ReadyAt, r.ExpiresAt = rd.Int(), rd.Int(), rd.Int()
	if flags&recRan != 0 {
		r.StartedAt, r.FinishedAt, r.RemovedAt, r.Worker = rd.Int(), rd.Int(), rd.Int(), rd.String()
		r.Usage = queue.Usage{WallNanos: rd.Int(), CPUNanos: rd.Int(), MemoryBytes: rd.Int()}
		r.LogLen, r.ResultBlob = rd.Int(), rd.String()
	}
	if flags&recKeys != 0 {
		r.FairnessKey, r.UniqueKey, r.ConcurrencyKey, r.ConcurrencyLimit = rd.String(), rd.String(), rd.String(), rd.Uint32()
	}
	if flags&recReplay != 0 {
		r.ReplayOf, r.ReplayedAs = rd.ID(), rd.ID()
	}
	if flags&recAssigned != 0 {
		r.Fence = rd.Fence()
	}
	if flags&recError != 0 {
		r.Error = command.ReadError(rd)
	}
	if flags&recRun != 0 {
		r.Run, r.Cause = r.ID.Run(), rd.ID()
	}
	if flags&recDefer != 0 {
		r.readDeferral(rd)
	}
	if flags&recNamed != 0 {
		r.Shadow, r.DebounceKey, r.since = rd.String(), rd.String(), rd.Int()
	}
	if flags&recMachine != 0 {
		r.readMachine(rd)
	}
	if flags&recResult != 0 {
		r.result = rd.Bytes()
	}
	return r, rd.Err("task record")
}

func (r *record) readMachine(rd *command.Reader) {
	r.seq, r.retries = rd.Uint(), rd.Uint32()
	r.flags, r.where = taskFlags(rd.Byte()), match.Where(rd.Byte())
	r.by, r.from = limit.Kind(rd.Byte()), limit.Kind(rd.Byte())
	r.timer, r.due = rd.Bool(), rd.Int()
	r.session, r.blobs, r.stage = rd.Fence(), rd.Strings(), rd.ID()
}

// DecodeTask reads a stored task, finished or not, and its result where that
// is short enough to be in the record. The result aliases b.
func DecodeTask(b []byte) (queue.View, []byte, error) {
	r, err := decodeRecord(b)
	if err != nil {
		return queue.View{}, nil, err
	}
	return r.View, r.result, nil
}

// view is the task as a reader sees it.
func (t *task) view() queue.View {
	v := queue.View{
		ID: t.id, Spec: t.spec.Spec, State: t.state, Dead: t.flags&flagDead != 0,
		Attempt: t.attempts(), Delivery: uint32(t.delivery),
		CreatedAt: t.created, ReadyAt: t.ready, ExpiresAt: t.expires,
	}
	if t.flags&flagRun != 0 {
		v.Run = t.id.Run()
	}
	if x := t.extra; x != nil {
		v.FairnessKey, v.UniqueKey = x.fairness, x.unique
		v.ConcurrencyKey, v.ConcurrencyLimit = x.key, x.keyLimit
		v.ReplayOf, v.ReplayedAs = x.replayOf, x.replayedAs
		v.Error, v.Worker, v.StartedAt = x.lastError, x.worker, x.started
		v.FinishedAt, v.RemovedAt, v.Usage = x.finished, x.removedAt, x.usage
		v.Resumes = x.resumes
		v.Shadow, v.DebounceKey = x.shadow, x.debounce
	}
	if t.asg != nil {
		v.Fence, v.Worker = t.asg.fence, t.asg.session.worker
	}
	return v
}

func (m *Machine) liveRecord(t *task) []byte {
	r := record{
		View: t.view(), seq: t.Seq, retries: t.retries, flags: t.flags &^ flagDirty,
		where: t.Where, by: t.By, from: t.From, due: t.due, timer: t.timerPos >= 0,
	}
	r.Worker = "" // of the present assignment: the session's, not the task's
	if t.asg != nil {
		r.session = t.asg.session.id
	}
	if t.extra != nil {
		r.Worker = t.extra.worker
		r.blobs, r.deferral, r.since = t.extra.blobs, t.extra.deferral, t.extra.since
		if t.extra.stage != nil {
			r.stage = t.extra.stage.id
		}
	}
	return r.append(make([]byte, 0, 192), true)
}

// attemptRecord is one attempt in the history.
func attemptRecord(a *queue.Attempt) []byte {
	w := command.NewWriter(make([]byte, 0, 64+len(a.LogTail)))
	w.Uint(uint64(a.Number))
	w.String(a.Worker)
	w.Int(a.StartedAt)
	w.Int(a.FinishedAt)
	w.Bool(a.Error != nil)
	if a.Error != nil {
		command.WriteError(w, a.Error)
	}
	w.Int(a.Usage.WallNanos)
	w.Int(a.Usage.CPUNanos)
	w.Int(a.Usage.MemoryBytes)
	w.Int(a.LogLen)
	w.Bytes(a.LogTail)
	w.String(a.LogBlob)
	if len(a.Progress) > 0 {
		w.Bytes(a.Progress)
	}
	return w.Done()
}

// DecodeAttempt reads one stored attempt; its log aliases b.
func DecodeAttempt(b []byte) (queue.Attempt, error) {
	r := command.NewReader(b)
	a := queue.Attempt{Number: r.Uint32(), Worker: r.String(), StartedAt: r.Int(), FinishedAt: r.Int()}
	if r.Bool() {
		a.Error = command.ReadError(r)
	}
	a.Usage = queue.Usage{WallNanos: r.Int(), CPUNanos: r.Int(), MemoryBytes: r.Int()}
	a.LogLen, a.LogTail, a.LogBlob = r.Int(), r.Bytes(), r.String()
	if r.More() {
		a.Progress = r.Bytes()
	}
	return a, r.Err("attempt record")
}

func ints(v ...int64) []byte {
	w := command.NewWriter(nil)
	for _, n := range v {
		w.Int(n)
	}
	return w.Done()
}

func readInts(b []byte, into ...*int64) error {
	r := command.NewReader(b)
	for _, p := range into {
		*p = r.Int()
	}
	return r.Err("numbers")
}
