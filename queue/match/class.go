package match

import (
	"slices"

	"github.com/windrow-dev/windrow/queue/heap"
)

// Class is the sessions that serve the same queues. It keeps the open lines
// among them in the order in which they are served: by namespace, then by the
// rank of what stands at the head.
type Class struct {
	Queues   []string // sorted; empty: all
	sessions heap.Heap[*Session]
	turns    heap.Heap[*turn]
	byNS     map[*Namespace]*turn
	entries  map[*Line]*lineEntry
}

// turn is a namespace's open lines in one class.
type turn struct {
	ns    *Namespace
	lines heap.Heap[*lineEntry]
	pos   int32
}

// lineEntry is a line's place in one class; pos is -1 while it is not open.
type lineEntry struct {
	line  *Line
	class *Class
	pos   int32
}

func newClass(queues []string) *Class {
	c := &Class{Queues: queues, byNS: map[*Namespace]*turn{}, entries: map[*Line]*lineEntry{}}
	c.sessions = heap.New(sessionBefore, func(s *Session) *int32 { return &s.pos })
	c.turns = heap.New(turnBefore, func(t *turn) *int32 { return &t.pos })
	return c
}

// sessionBefore puts the most free session first, ties by id.
func sessionBefore(a, b *Session) bool {
	if fa, fb := a.free(), b.free(); fa != fb {
		return fa > fb
	}
	return a.ID.Compare(b.ID) < 0
}

func turnBefore(a, b *turn) bool {
	if a.ns.Tag != b.ns.Tag {
		return a.ns.Tag < b.ns.Tag
	}
	return a.ns.Name < b.ns.Name
}

func (c *Class) serves(queue string) bool {
	if len(c.Queues) == 0 {
		return true
	}
	_, ok := slices.BinarySearch(c.Queues, queue)
	return ok
}

// attach makes the class know a line that it serves.
func (c *Class) attach(l *Line) {
	e := &lineEntry{line: l, class: c, pos: -1}
	c.entries[l] = e
	l.entries = append(l.entries, e)
}

// update puts the line where it belongs after its head or openness changed.
func (e *lineEntry) update(open bool) {
	c, ns := e.class, e.line.Namespace
	t := c.byNS[ns]
	switch {
	case open && e.pos < 0:
		if t == nil {
			t = &turn{ns: ns, pos: -1}
			t.lines = heap.New(lineBefore, func(e *lineEntry) *int32 { return &e.pos })
			c.byNS[ns] = t
		}
		t.lines.Push(e)
		if t.pos < 0 {
			c.turns.Push(t)
		}
	case open:
		t.lines.Fix(e)
	case e.pos >= 0:
		t.lines.Remove(e)
		if t.lines.Len() == 0 {
			c.turns.Remove(t)
			delete(c.byNS, ns)
		}
	}
}

// best is the open line whose turn it is, or nil.
func (c *Class) best() *Line {
	if c.turns.Len() == 0 {
		return nil
	}
	return c.turns.Top().lines.Top().line
}

// session is the one that takes the item, or nil.
func (c *Class) session(i *Item) *Session {
	if c.sessions.Len() == 0 {
		return nil
	}
	if !i.limits() {
		if s := c.sessions.Top(); s.free() > 0 {
			return s
		}
		return nil
	}
	var found *Session
	for _, s := range c.sessions.Items() { // order: the most slots, ties by id
		if s.slots() > 0 && (found == nil || s.slots() > found.slots() ||
			s.slots() == found.slots() && s.ID.Compare(found.ID) < 0) {
			found = s
		}
	}
	return found
}
