// Package match decides who runs what next. It holds the ready tasks in their
// lines, those that wait for a limit in that limit's list, and the workers'
// sessions with their credit, and pairs the best ready task with a free slot.
//
// It is plain data without a clock, a log or a goroutine: the state machine
// calls it inside Apply and stores what it says has changed. Choices depend on
// that stored data alone, never on the history that led to it.
package match

import (
	"github.com/windrow-dev/windrow/queue/heap"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/queue/limit"
)

// Changes is told what must be stored anew.
type Changes interface {
	ItemChanged(*Item)
	FlowChanged(*Flow)
	FlowDropped(*Flow)
	LineChanged(*Line)
	LineDropped(*Line)
	NamespaceChanged(*Namespace)
	NamespaceDropped(*Namespace)
	LimiterChanged(*limit.Limiter)
}

// Index is the whole of it.
type Index struct {
	// Virtual is the tag of the namespace served last.
	Virtual    int64
	namespaces map[string]*Namespace
	classes    []*Class // sorted by their queues
	parked     map[*limit.Limiter]*heap.Heap[*Item]
	due        []*limit.Limiter // to be looked at by WakeDue, sorted by name
	changes    Changes
}

// NewIndex makes an empty index that tells c what changes.
func NewIndex(c Changes) *Index {
	return &Index{namespaces: map[string]*Namespace{}, parked: map[*limit.Limiter]*heap.Heap[*Item]{}, changes: c}
}

// Namespace returns a namespace, made where there is none.
func (x *Index) Namespace(name string) *Namespace {
	ns := x.namespaces[name]
	if ns == nil {
		ns = &Namespace{Name: name, lines: map[string]*Line{}}
		x.namespaces[name] = ns
	}
	return ns
}

// Line returns a queue's line, made where there is none.
func (x *Index) Line(namespace, queue string) *Line {
	ns := x.Namespace(namespace)
	l := ns.lines[queue]
	if l == nil {
		l = newLine(ns, queue)
		ns.lines[queue] = l
		for _, c := range x.classes {
			if c.serves(queue) {
				c.attach(l)
			}
		}
	}
	return l
}

// Lines is how many lines a namespace has.
func (x *Index) Lines(namespace string) int {
	if ns := x.namespaces[namespace]; ns != nil {
		return len(ns.lines)
	}
	return 0
}

// Drop forgets a line that no task names, and its namespace with the last one.
// Nobody waits in it, so that no turn is owed or owing.
func (x *Index) Drop(l *Line) {
	for _, e := range l.entries {
		delete(e.class.entries, l)
	}
	for _, f := range l.flows { // order: each is dropped on its own
		x.changes.FlowDropped(f)
	}
	ns := l.Namespace
	delete(ns.lines, l.Name)
	x.changes.LineDropped(l)
	if len(ns.lines) == 0 {
		delete(x.namespaces, ns.Name)
		x.changes.NamespaceDropped(ns)
	}
}

// Push makes an item ready. Its Line, Rank, Seq and Claim are set.
func (x *Index) Push(i *Item, flow *Flow, now int64) {
	i.Where, i.By, i.flow = Ready, 0, flow
	x.changes.ItemChanged(i)
	x.enter(i, now)
}

// Park puts an item into its limiter's list, at start.
func (x *Index) Park(i *Item, flow *Flow) {
	i.flow = flow
	x.park(i, i.Claim.Of(i.By))
}

// Restore puts an item where its stored fields say it was, at start.
func (x *Index) Restore(i *Item, flow *Flow, now int64) {
	if i.From != 0 {
		l := i.Claim.Of(i.From)
		l.Woken += i.Claim.Slots(l)
	}
	switch i.Where {
	case Parked:
		x.Park(i, flow)
		x.Wake(i.Claim.Of(i.By))
	case Ready:
		i.flow = flow
		x.enter(i, now)
	case Out:
	}
}

func (x *Index) enter(i *Item, now int64) {
	f, l := i.flow, i.Line
	f.items.Push(i)
	switch {
	case f.items.Len() == 1:
		l.active.Push(f)
	case f.items.Top() == i:
		l.active.Fix(f)
	default:
		return
	}
	x.refresh(l, now)
}

// refresh tells the classes of a line that its head or openness may differ.
func (x *Index) refresh(l *Line, now int64) {
	open := l.open(now)
	for _, e := range l.entries {
		e.update(open)
	}
}

// leave takes an item out of its line.
func (x *Index) leave(i *Item, now int64) {
	f, l := i.flow, i.Line
	wasHead := l.active.Len() > 0 && l.head() == i
	first := f.items.Top() == i
	f.items.Remove(i)
	switch {
	case f.items.Len() == 0:
		l.active.Remove(f)
	case first:
		l.active.Fix(f)
	}
	if wasHead || f.items.Len() == 0 {
		x.refresh(l, now)
	}
}

// Remove takes an item out, wherever it is.
func (x *Index) Remove(i *Item, now int64) {
	switch i.Where {
	case Out:
		return
	case Ready:
		x.leave(i, now)
	case Parked:
		x.unpark(i, i.Claim.Of(i.By))
	}
	i.Where, i.By = Out, 0
	x.changes.ItemChanged(i)
	x.answer(i)
}

// answer settles a call back from a limiter; the next may be called.
func (x *Index) answer(i *Item) {
	if i.From == 0 {
		return
	}
	l := i.Claim.Of(i.From)
	i.From = 0
	l.Woken -= i.Claim.Slots(l)
	x.Wake(l)
}

func (x *Index) park(i *Item, l *limit.Limiter) {
	h := x.parked[l]
	if h == nil {
		made := newItemHeap()
		h = &made
		x.parked[l] = h
	}
	i.Where, i.By = Parked, l.Kind
	h.Push(i)
	x.changes.ItemChanged(i)
}

func (x *Index) unpark(i *Item, l *limit.Limiter) {
	h := x.parked[l]
	h.Remove(i)
	if h.Len() == 0 {
		delete(x.parked, l)
	}
}

// Waiting is how many items wait for a limiter.
func (x *Index) Waiting(l *limit.Limiter) int {
	if h := x.parked[l]; h != nil {
		return h.Len()
	}
	return 0
}

// Wake notes that a limiter may have room for those who wait for it. WakeDue
// calls them back, so that one change wakes no more than an entry may do.
func (x *Index) Wake(l *limit.Limiter) {
	if x.Waiting(l) == 0 {
		return
	}
	if at, found := slices.BinarySearchFunc(x.due, l.Name, func(d *limit.Limiter, n limit.Name) int { return d.Name.Compare(n) }); !found {
		x.due = slices.Insert(x.due, at, l)
	}
}

// WakeDue calls back, in the order of the limiters' names, as many of those who
// wait as could be served now, the best first, and at most so many; each
// returns to its old place. It says how many.
func (x *Index) WakeDue(now int64, most int) (woken int) {
	for len(x.due) > 0 {
		l := x.due[0]
		for h := x.parked[l]; h != nil && h.Len() > 0 && wakes(l, h.Top().Claim.Slots(l), now); woken++ {
			if woken == most {
				return woken
			}
			x.wake(h.Top(), l, now)
		}
		x.due = slices.Delete(x.due, 0, 1)
	}
	return woken
}

// WakesDue reports whether WakeDue has work left.
func (x *Index) WakesDue() bool { return len(x.due) > 0 }

func (x *Index) wake(i *Item, l *limit.Limiter, now int64) {
	x.unpark(i, l)
	l.Woken += i.Claim.Slots(l)
	i.Where, i.By, i.From = Ready, 0, l.Kind
	x.changes.ItemChanged(i)
	x.enter(i, now)
}

// wakes reports whether one more may be called back. Under a rate as many are
// called as could start at once after a lag, and the next when one of them has
// started or gone: never more with the mere passing of time, which a rebuilt
// index would not know.
func wakes(l *limit.Limiter, slots uint32, now int64) bool {
	if l.Kind == limit.Rate {
		return l.Allows(1, now) && l.Woken < l.Burst()
	}
	return l.Allows(l.Woken+slots, now)
}

// GiveBack returns what an ended attempt held.
func (x *Index) GiveBack(c *limit.Claim) {
	c.Give()
	c.Each(func(l *limit.Limiter, _ uint32) { x.Wake(l) })
}

// Refresh re-reads a line after it was paused, resumed or its rate's time came.
func (x *Index) Refresh(l *Line, now int64) { x.refresh(l, now) }

// Pairing is one step of Pair.
type Pairing struct {
	Item    *Item // nil when nothing can be paired
	Session *Session
	// Parked says that the item could not be had: it went to a limiter's list.
	Parked bool
}

// Pair takes the best ready task that some free session serves, takes its
// limits, and returns both; the session's Outstanding is counted up. Classes
// take turns in the order of their queues.
func (x *Index) Pair(now int64) Pairing {
	for _, c := range x.classes {
		l := c.best()
		if l == nil {
			continue
		}
		i := l.head()
		s := c.session(i)
		if s == nil {
			continue
		}
		return x.pair(i, s, now)
	}
	return Pairing{}
}

func (x *Index) pair(i *Item, s *Session, now int64) Pairing {
	if i.Claim != nil {
		from := i.From
		if from != 0 {
			i.From = 0
			l := i.Claim.Of(from)
			l.Woken -= i.Claim.Slots(l)
		}
		if refused := i.Claim.Take(now); refused != nil {
			x.leave(i, now)
			x.park(i, refused)
			if from != 0 {
				x.Wake(i.Claim.Of(from))
			}
			return Pairing{Item: i, Parked: true}
		}
		if i.Claim.Rate != nil {
			x.changes.LimiterChanged(i.Claim.Rate)
		}
	}
	x.dispatch(i, now)
	s.Outstanding++
	s.class.sessions.Fix(s)
	return Pairing{Item: i, Session: s}
}

// dispatch moves the turns on.
func (x *Index) dispatch(i *Item, now int64) {
	f, l, ns := i.flow, i.Line, i.Line.Namespace
	i.Where = Out
	x.changes.ItemChanged(i)
	if l.rate.Rate.N > 0 {
		l.rate.Spend(now)
	}
	f.items.Remove(i)
	l.Virtual = max(f.Tag, l.Virtual)
	f.Tag = l.Virtual + unit
	if f.items.Len() == 0 {
		l.active.Remove(f)
	} else {
		l.active.Fix(f)
	}
	x.changes.FlowChanged(f)
	x.changes.LineChanged(l)
	x.forget(l)
	x.Virtual = max(ns.Tag, x.Virtual)
	ns.Tag = x.Virtual + unit
	x.changes.NamespaceChanged(ns)
	x.refresh(l, now)
	for _, c := range x.classes {
		if t := c.byNS[ns]; t != nil {
			c.turns.Fix(t)
		}
	}
}

// Open adds a session that serves the queues, sorted; none means all.
func (x *Index) Open(s *Session, queues []string, now int64) {
	at, found := slices.BinarySearchFunc(x.classes, queues, func(c *Class, q []string) int {
		return slices.CompareFunc(c.Queues, q, strings.Compare)
	})
	if !found {
		c := newClass(queues)
		x.classes = slices.Insert(x.classes, at, c)
		for _, l := range x.allLines() {
			if c.serves(l.Name) {
				c.attach(l)
				x.refresh(l, now)
			}
		}
	}
	s.class = x.classes[at]
	s.class.sessions.Push(s)
}

// Close removes a session; a class without sessions goes with it.
func (x *Index) Close(s *Session) {
	c := s.class
	c.sessions.Remove(s)
	s.class = nil
	if c.sessions.Len() > 0 {
		return
	}
	x.classes = slices.DeleteFunc(x.classes, func(o *Class) bool { return o == c })
	for l := range c.entries { // order: each line forgets the class on its own
		l.entries = slices.DeleteFunc(l.entries, func(e *lineEntry) bool { return e.class == c })
	}
}

// Update re-reads a session after its credit changed.
func (x *Index) Update(s *Session) {
	if s.class != nil {
		s.class.sessions.Fix(s)
	}
}

func (x *Index) allLines() []*Line {
	var all []*Line
	for _, ns := range x.namespaces { // order: sorted below
		for _, l := range ns.lines { // order: sorted below
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *Line) int {
		if c := strings.Compare(a.Namespace.Name, b.Namespace.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}
