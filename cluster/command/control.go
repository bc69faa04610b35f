package command

import "github.com/windrow-dev/windrow/queue"

// Revoke ends a task that waits, or with Terminate also one that runs.
type Revoke struct {
	Namespace string
	ID        queue.ID
	Terminate bool
	Idem      *Idempotency
}

// PutDocument stores a document under (kind, namespace, name). A kind that
// keeps versions gets the next one, unless Digest is the newest version's.
type PutDocument struct {
	Kind      string
	Namespace string
	Name      string
	Digest    string // names the content; for modules their sha256
	Body      []byte // JSON, validated before it was proposed
	// IfVersion, when not 0, refuses unless the newest version is this one.
	IfVersion uint32
	// Blobs are the digests that the document refers to.
	Blobs      []string
	Attributes Attributes
	Idem       *Idempotency
}

// DeleteDocument removes a document, or with Version one version of it.
type DeleteDocument struct {
	Kind      string
	Namespace string
	Name      string
	Version   uint32 // 0: all
}

// Purge revokes what waits in a queue now.
type Purge struct {
	Namespace string
	Queue     string
	Idem      *Idempotency
}

// SetVersion raises the machine's version, once every server supports it.
type SetVersion struct{ Version uint32 }

// Verb implements Command.
func (*Revoke) Verb() Verb { return VerbRevoke }

// Verb implements Command.
func (*PutDocument) Verb() Verb { return VerbPutDocument }

// Verb implements Command.
func (*DeleteDocument) Verb() Verb { return VerbDeleteDocument }

// Verb implements Command.
func (*Purge) Verb() Verb { return VerbPurge }

// Verb implements Command.
func (*SetVersion) Verb() Verb { return VerbSetVersion }

func (c *Revoke) write(w *Writer) {
	w.String(c.Namespace)
	w.ID(c.ID)
	w.Bool(c.Terminate)
	c.Idem.write(w)
}

func (c *Revoke) read(r *Reader) {
	c.Namespace, c.ID, c.Terminate = r.String(), r.ID(), r.Bool()
	c.Idem = readLastIdem(r)
}

func (c *PutDocument) write(w *Writer) {
	w.String(c.Kind)
	w.String(c.Namespace)
	w.String(c.Name)
	w.String(c.Digest)
	w.Bytes(c.Body)
	w.Uint(uint64(c.IfVersion))
	w.Strings(c.Blobs)
	c.Attributes.write(w)
	c.Idem.write(w)
}

func (c *PutDocument) read(r *Reader) {
	c.Kind, c.Namespace, c.Name, c.Digest = r.String(), r.String(), r.String(), r.String()
	c.Body, c.IfVersion, c.Blobs = r.Bytes(), r.Uint32(), r.Strings()
	c.Attributes.read(r)
	c.Idem = readLastIdem(r)
}

func (c *DeleteDocument) write(w *Writer) {
	w.String(c.Kind)
	w.String(c.Namespace)
	w.String(c.Name)
	w.Uint(uint64(c.Version))
}

func (c *DeleteDocument) read(r *Reader) {
	c.Kind, c.Namespace, c.Name, c.Version = r.String(), r.String(), r.String(), r.Uint32()
}

func (c *Purge) write(w *Writer) {
	w.String(c.Namespace)
	w.String(c.Queue)
	c.Idem.write(w)
}

func (c *Purge) read(r *Reader) {
	c.Namespace, c.Queue = r.String(), r.String()
	c.Idem = readLastIdem(r)
}

func (c *SetVersion) write(w *Writer) { w.Uint(uint64(c.Version)) }
func (c *SetVersion) read(r *Reader)  { c.Version = r.Uint32() }
