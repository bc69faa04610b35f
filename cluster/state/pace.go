package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/queue/heap"
)

// maxThrottles is how many throttle keys are known at a time, in all
// namespaces. Beyond it a call with a new key is refused: to forget one early
// would let two calls through.
const maxThrottles = 1_000_000

// throttle is a key that has let a call through, until it lets the next one.
type throttle struct {
	namespace, key string
	until          int64
	id             queue.ID // of that call
	place          int32
}

// throttles are those whose time is not over.
type throttles struct {
	known map[string]*throttle
	due   heap.Heap[*throttle]
	most  int
}

func newThrottles() throttles {
	return throttles{known: map[string]*throttle{}, most: maxThrottles,
		due: heap.New(throttleBefore, func(h *throttle) *int32 { return &h.place })}
}

func throttleBefore(a, b *throttle) bool {
	return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.key, b.key)) < 0
}

// admitThrottled refuses calls of which one comes too soon after another.
func (m *Machine) admitThrottled(namespace string, calls *command.Calls) *command.Result {
	var seen []string
	for i := range calls.List {
		key := calls.List[i].Throttle.Key
		if key == "" {
			continue
		}
		name := keyName(namespace, key)
		h := m.throttles.known[name]
		switch {
		case h != nil && h.until > m.now:
			return &command.Result{Code: command.CodeThrottled, IDs: []queue.ID{h.id},
				Detail: fmt.Sprintf("task %s was accepted with throttle key %q; the next one can be at %s", h.id, key, time.Unix(0, h.until).UTC().Format(time.RFC3339Nano))}
		case slices.Contains(seen, name):
			return refuse(command.CodeThrottled, "throttle key %q stands twice in this batch", key)
		case h == nil && len(m.throttles.known)+len(seen) >= m.throttles.most:
			return refuse(command.CodeThrottleFull, "%d throttle keys are known and no more can be; use fewer keys, or shorter times", len(m.throttles.known))
		}
		seen = append(seen, name)
	}
	return nil
}

// pace does what a new task's call says of others with its keys: it starts the
// time of its throttle, and takes the place of the one that it debounces.
func (m *Machine) pace(t *task, call *command.Call) {
	if call.Throttle.Key != "" {
		m.throttled(&throttle{namespace: t.spec.Namespace, key: call.Throttle.Key, until: satAdd(m.now, call.Throttle.Every), id: t.id, place: -1})
	}
	d := &call.Debounce
	if d.Key == "" {
		return
	}
	name := keyName(t.spec.Namespace, d.Key)
	since := m.now
	if old := m.debounced[name]; old != nil {
		since = old.extra.since
		m.spend()
		m.end(old, queue.Revoked, &queue.Outcome{Error: &queue.Error{Type: queue.ErrReplaced,
			Message: fmt.Sprintf("task %s, a newer call with debounce key %q, took its place", t.id, d.Key)}}, "")
	}
	due := satAdd(m.now, d.Wait)
	if d.MaxWait > 0 {
		due = min(due, satAdd(since, d.MaxWait))
	}
	t.ready = max(t.ready, due)
	x := t.more()
	x.debounce, x.since = d.Key, since
	m.debounced[name] = t
	m.dirty.task(t)
}

// settleDebounce lets a task go its way once its wait is over: a newer call with
// its key begins anew.
func (m *Machine) settleDebounce(t *task) {
	if t.extra == nil || t.extra.debounce == "" {
		return
	}
	m.forgetDebounce(t)
	t.extra.debounce, t.extra.since = "", 0
	t.trim()
	m.dirty.task(t)
}

func (m *Machine) forgetDebounce(t *task) {
	if t.extra == nil || t.extra.debounce == "" {
		return
	}
	if name := keyName(t.spec.Namespace, t.extra.debounce); m.debounced[name] == t {
		delete(m.debounced, name)
	}
}

func (m *Machine) throttled(h *throttle) {
	m.addThrottle(h)
	w := command.NewWriter(nil)
	w.Int(h.until)
	w.ID(h.id)
	m.sink.Put(namedKey(m.shard, kindThrottle, h.namespace, h.key), w.Done())
}

func (m *Machine) addThrottle(h *throttle) {
	name := keyName(h.namespace, h.key)
	if old := m.throttles.known[name]; old != nil {
		m.throttles.due.Remove(old)
	}
	m.throttles.known[name] = h
	m.throttles.due.Push(h)
}

func (m *Machine) loadThrottle(key, v []byte) error {
	names, rest, ok := namesOf(key, 2)
	if !ok || len(rest) != 0 {
		return fmt.Errorf("%w: throttle key", command.ErrDamaged)
	}
	r := command.NewReader(v)
	h := &throttle{namespace: names[0], key: names[1], until: r.Int(), id: r.ID(), place: -1}
	if err := r.Err("throttle record"); err != nil {
		return err
	}
	m.addThrottle(h)
	return nil
}

// sweepThrottles forgets, within the budget, those whose time is over. It wakes
// nobody: one that is known a little longer harms no one.
func (m *Machine) sweepThrottles() {
	due := &m.throttles.due
	for m.budget > 0 && due.Len() > 0 && due.Top().until <= m.now {
		h := due.Top()
		m.spend()
		due.Remove(h)
		delete(m.throttles.known, keyName(h.namespace, h.key))
		m.sink.Delete(namedKey(m.shard, kindThrottle, h.namespace, h.key))
	}
}
