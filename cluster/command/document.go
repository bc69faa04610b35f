package command

// Kinds of documents.
const (
	KindModule   = "module"
	KindQueue    = "queue"
	KindPool     = "pool"
	KindToken    = "token"
	KindSchedule = "schedule"
	KindRoutes   = "routes" // the one document of that name in a namespace
	KindWorker   = "worker" // by the node's id, in no namespace
	KindWebhook  = "webhook"
)

// Document is one stored version of a document as a reader sees it.
type Document struct {
	Kind, Namespace, Name string
	Version               uint32
	Digest                string
	Body                  []byte // JSON
	Attributes            Attributes
	CreatedAt             int64 // T
	// Live counts unfinished tasks that need this version of a module.
	Live uint32
}

// Attributes are the parts of a document that the machine itself acts on;
// everything else is in its body, for readers.
type Attributes struct {
	Tasks   []string // module: the tasks it offers, sorted
	Slots   uint32   // pool; worker: at most so many at once, 0 for what it asks for
	Paused  bool     // queue; worker: it gets nothing new
	RateN   uint32   // queue: at most RateN starts in RatePer
	RatePer int64
	DeadTTL int64 // queue: how long dead letters stay; 0 is the default

	Next    int64   // schedule: the first tick that it waits for, 0 for none
	Overlap Overlap // schedule
	Plan    []byte  // schedule: the run of a tick, a NewRun without its id
	Ask     []byte  // schedule: likewise that of the task that says when it is due, if one does

	Hook HookFilter // webhook; Paused stops it, too
}

func (a *Attributes) write(w *Writer) {
	w.Strings(a.Tasks)
	w.Uint(uint64(a.Slots))
	w.Bool(a.Paused)
	w.Uint(uint64(a.RateN))
	w.Int(a.RatePer)
	w.Int(a.DeadTTL)
	w.Int(a.Next)
	w.Byte(byte(a.Overlap))
	w.Bytes(a.Plan)
	w.Bytes(a.Ask)
	a.Hook.write(w)
}

func (a *Attributes) read(r *Reader) {
	a.Tasks, a.Slots, a.Paused = r.Strings(), r.Uint32(), r.Bool()
	a.RateN, a.RatePer, a.DeadTTL = r.Uint32(), r.Int(), r.Int()
	a.Next, a.Overlap, a.Plan, a.Ask = r.Int(), Overlap(r.Byte()), r.Bytes(), r.Bytes()
	a.Hook.read(r)
}

// Append writes a document as the machine stores it.
func (d *Document) Append(dst []byte) []byte {
	w := &Writer{b: dst}
	w.String(d.Kind)
	w.String(d.Namespace)
	w.String(d.Name)
	w.Uint(uint64(d.Version))
	w.String(d.Digest)
	w.Bytes(d.Body)
	d.Attributes.write(w)
	w.Int(d.CreatedAt)
	return w.b
}

// DecodeDocument is the inverse of Append.
func DecodeDocument(b []byte) (Document, error) {
	r := &Reader{b: b}
	d := Document{Kind: r.String(), Namespace: r.String(), Name: r.String(), Version: r.Uint32(),
		Digest: r.String(), Body: r.Bytes()}
	d.Attributes.read(r)
	d.CreatedAt = r.Int()
	return d, r.Err("document")
}
