// Package catalog keeps documents by kind, namespace, name and version: one
// put, one delete. What a document means is others' matter; only the
// attributes that the state machine acts on are looked at here.
package catalog

import (
	"cmp"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
)

// Key names a document in all its versions.
type Key struct{ Kind, Namespace, Name string }

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Name, o.Name))
}

// Entry is a document's versions, oldest first, and the number of its last
// one, which a deleted version keeps from being given again.
type Entry struct {
	Key
	Versions []*command.Document
	Last     uint32
}

// Newest is the highest version, or nil.
func (e *Entry) Newest() *command.Document {
	if e == nil || len(e.Versions) == 0 {
		return nil
	}
	return e.Versions[len(e.Versions)-1]
}

// Version returns one version, 0 being the newest, or nil.
func (e *Entry) Version(v uint32) *command.Document {
	if v == 0 {
		return e.Newest()
	}
	if e == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(e.Versions, v, func(d *command.Document, v uint32) int { return cmp.Compare(d.Version, v) })
	if !ok {
		return nil
	}
	return e.Versions[i]
}

// Catalog is all documents.
type Catalog struct {
	byKey  map[Key]*Entry
	sorted []*Entry
}

// New makes an empty catalog.
func New() *Catalog { return &Catalog{byKey: map[Key]*Entry{}} }

// Get returns a document's entry, or nil.
func (c *Catalog) Get(k Key) *Entry { return c.byKey[k] }

// versioned kinds keep their old versions; the others are replaced.
func versioned(kind string) bool { return kind == command.KindModule }

// Put stores a document and says which version it became and whether that is
// new: a versioned document with the newest one's digest stays as it is.
// Superseded versions that the caller must delete from the store come back.
func (c *Catalog) Put(p *command.PutDocument, now int64) (doc *command.Document, created bool, gone []*command.Document) {
	k := Key{p.Kind, p.Namespace, p.Name}
	e := c.need(k)
	newest := e.Newest()
	if newest != nil && versioned(p.Kind) && newest.Digest == p.Digest {
		return newest, false, nil
	}
	doc = &command.Document{
		Kind: p.Kind, Namespace: p.Namespace, Name: p.Name, Version: e.Last + 1, Digest: p.Digest,
		Body: slices.Clone(p.Body), Attributes: p.Attributes, CreatedAt: now,
	}
	doc.Attributes.Plan, doc.Attributes.Ask = slices.Clone(doc.Attributes.Plan), slices.Clone(doc.Attributes.Ask)
	if !versioned(p.Kind) {
		gone = e.Versions
		e.Versions = nil
	}
	e.Last = doc.Version
	e.Versions = append(e.Versions, doc)
	return doc, newest == nil || versioned(p.Kind), gone
}

// Load puts a stored document back, at start.
func (c *Catalog) Load(d *command.Document) {
	e := c.need(Key{d.Kind, d.Namespace, d.Name})
	e.Versions = append(e.Versions, d)
	e.Last = max(e.Last, d.Version)
	slices.SortFunc(e.Versions, func(a, b *command.Document) int { return cmp.Compare(a.Version, b.Version) })
}

// LoadLast restores the number of a document's last version, at start.
func (c *Catalog) LoadLast(k Key, last uint32) {
	e := c.need(k)
	e.Last = max(e.Last, last)
}

// Delete removes one version, or with 0 all, and returns what went.
func (c *Catalog) Delete(k Key, version uint32) (gone []*command.Document) {
	e := c.byKey[k]
	if e == nil {
		return nil
	}
	e.Versions = slices.DeleteFunc(e.Versions, func(d *command.Document) bool {
		hit := version == 0 || d.Version == version
		if hit {
			gone = append(gone, d)
		}
		return hit
	})
	return gone
}

// List returns the newest version of each document of a kind and namespace
// whose name follows after, in the order of names.
func (c *Catalog) List(kind, namespace, after string, limit int) []*command.Document {
	from, found := slices.BinarySearchFunc(c.sorted, Key{kind, namespace, after}, func(e *Entry, k Key) int { return e.compare(k) })
	if found {
		from++
	}
	var out []*command.Document
	for _, e := range c.sorted[from:] {
		if e.Kind != kind || e.Namespace != namespace || len(out) == limit {
			break
		}
		if d := e.Newest(); d != nil {
			out = append(out, d)
		}
	}
	return out
}

func (c *Catalog) need(k Key) *Entry {
	e := c.byKey[k]
	if e == nil {
		e = &Entry{Key: k}
		c.byKey[k] = e
		at, _ := slices.BinarySearchFunc(c.sorted, k, func(e *Entry, k Key) int { return e.compare(k) })
		c.sorted = slices.Insert(c.sorted, at, e)
	}
	return e
}
