package command

// Kinds of documents.
const (
	KindModule = "module"
	KindQueue  = "queue"
	KindPool   = "pool"
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
	Slots   uint32   // pool
	Paused  bool     // queue
	RateN   uint32   // queue: at most RateN starts in RatePer
	RatePer int64
}

func (a *Attributes) write(w *writer) {
	w.strings(a.Tasks)
	w.uint(uint64(a.Slots))
	w.bool(a.Paused)
	w.uint(uint64(a.RateN))
	w.int(a.RatePer)
}

func (a *Attributes) read(r *reader) {
	a.Tasks, a.Slots, a.Paused = r.strings(), r.uint32(), r.bool()
	a.RateN, a.RatePer = r.uint32(), r.int()
}

// Append writes a document as the machine stores it.
func (d *Document) Append(dst []byte) []byte {
	w := &writer{b: dst}
	w.string(d.Kind)
	w.string(d.Namespace)
	w.string(d.Name)
	w.uint(uint64(d.Version))
	w.string(d.Digest)
	w.bytes(d.Body)
	d.Attributes.write(w)
	w.int(d.CreatedAt)
	return w.b
}

// DecodeDocument is the inverse of Append.
func DecodeDocument(b []byte) (Document, error) {
	r := &reader{b: b}
	d := Document{Kind: r.string(), Namespace: r.string(), Name: r.string(), Version: r.uint32(),
		Digest: r.string(), Body: r.bytes()}
	d.Attributes.read(r)
	d.CreatedAt = r.int()
	return d, r.err("document")
}
