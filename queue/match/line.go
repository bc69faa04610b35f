package match

import (
	"cmp"
	"github.com/windrow-dev/windrow/queue/heap"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/limit"
)

// unit is what one dispatch adds to a flow's or a namespace's tag.
const unit = int64(1) << 20

// Line is the ready part of one queue: its flows, one for each fairness key,
// take turns by start-time fair queueing.
type Line struct {
	Namespace *Namespace
	Name      string
	Paused    bool
	// Virtual is the tag of the flow served last. A flow that is served counts
	// from there at least, so that idleness earns it one turn and no more.
	Virtual int64
	rate    limit.Limiter
	flows   map[string]*Flow
	active  heap.Heap[*Flow]
	idle    heap.Heap[*Flow] // named by no task, but ahead of the line
	entries []*lineEntry     // its places in the classes that serve it
}

// Flow is the ready tasks of one fairness key in one queue.
type Flow struct {
	Line *Line
	Key  string
	Tag  int64
	// Live counts tasks that name the flow, so that an idle one can go.
	Live  int
	items heap.Heap[*Item]
	pos   int32
}

// Namespace takes turns with the others, as flows do.
type Namespace struct {
	Name  string
	Tag   int64
	lines map[string]*Line
}

func newLine(ns *Namespace, name string) *Line {
	l := &Line{Namespace: ns, Name: name, flows: map[string]*Flow{}}
	l.rate = limit.Limiter{Name: limit.Name{Kind: limit.Rate, Namespace: ns.Name, Name: name}}
	l.active = heap.New(flowBefore, func(f *Flow) *int32 { return &f.pos })
	l.idle = heap.New(idleBefore, func(f *Flow) *int32 { return &f.pos })
	return l
}

// flowBefore is the order of the turns: the tag, then what has waited longest.
func flowBefore(a, b *Flow) bool {
	if a.Tag != b.Tag {
		return a.Tag < b.Tag
	}
	return a.items.Top().Before(b.items.Top())
}

func idleBefore(a, b *Flow) bool {
	if a.Tag != b.Tag {
		return a.Tag < b.Tag
	}
	return a.Key < b.Key
}

// Flow returns the flow of a fairness key, made where there is none.
func (l *Line) Flow(key string) *Flow {
	f := l.flows[key]
	if f == nil {
		f = &Flow{Line: l, Key: key, items: newItemHeap(), pos: -1}
		l.flows[key] = f
	}
	return f
}

// Hold counts a task that names the flow.
func (f *Flow) Hold() {
	if f.Live == 0 && f.pos >= 0 {
		f.Line.idle.Remove(f)
	}
	f.Live++
}

// Release is the inverse of Hold. A flow that no task names any more is
// forgotten once the line has caught up with its tag: sooner, leaving and
// coming back would be a way to jump the queue.
func (x *Index) Release(f *Flow) {
	f.Live--
	if f.Live == 0 && f.Key != "" {
		f.Line.idle.Push(f)
		x.forget(f.Line)
	}
}

func (x *Index) forget(l *Line) {
	for l.idle.Len() > 0 && l.idle.Top().Tag <= l.Virtual {
		f := l.idle.Top()
		l.idle.Remove(f)
		delete(l.flows, f.Key)
		x.changes.FlowDropped(f)
	}
}

// LoadFlow puts a stored flow back, at start; Settle must follow once every
// task has been loaded.
func (l *Line) LoadFlow(key string, tag int64) { l.Flow(key).Tag = tag }

// Settle lists, after a load, the flows that no task names.
func (x *Index) Settle() {
	for _, l := range x.allLines() {
		for _, f := range l.flows { // order: the idle heap has an order of its own
			if f.Live == 0 && f.Key != "" {
				l.idle.Push(f)
			}
		}
	}
}

// SetRate sets the queue's own rate limit.
func (l *Line) SetRate(r queue.Rate) { l.rate.Rate = r }

// RateNext and SetRateNext give and restore the rate's clock.
func (l *Line) RateNext() int64 { return l.rate.Next }

// SetRateNext restores the rate's clock.
func (l *Line) SetRateNext(t int64) { l.rate.Next = t }

// open reports whether anything of the line may be handed out now.
func (l *Line) open(now int64) bool {
	return l.active.Len() > 0 && !l.Paused && l.rate.Allows(1, now)
}

// Head is the task that the line would hand out next.
func (l *Line) head() *Item { return l.active.Top().items.Top() }

func lineBefore(a, b *lineEntry) bool {
	x, y := a.line.head(), b.line.head()
	if x.Rank != y.Rank {
		return x.Rank < y.Rank
	}
	if x.Seq != y.Seq {
		return x.Seq < y.Seq
	}
	return cmp.Less(a.line.Name, b.line.Name)
}

// RateLimited reports whether the queue has a rate limit of its own.
func (l *Line) RateLimited() bool { return l.rate.Rate.N > 0 }
