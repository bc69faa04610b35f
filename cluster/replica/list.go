package replica

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// visits bounds how many records one page looks at, so that a filter that
// nothing matches costs a bounded time; the cursor goes on behind them.
const visits = 20_000

// fewTasks is how many live tasks are listed from memory alone. Their records
// lie among the tombstones of all that ended lately, which are slow to pass.
const fewTasks = 5000

// Tasks lists tasks, newest first. next is where the list goes on, zero at its
// end; a page may be short while it is set.
func (r *Replica) Tasks(ctx context.Context, f queue.Filter) (items []queue.View, next queue.ID, err error) {
	err = r.steady(func() (err error) { items, next, err = r.tasks(ctx, f); return err })
	return items, next, err
}

func (r *Replica) tasks(ctx context.Context, f queue.Filter) (items []queue.View, next queue.ID, err error) {
	l := lister{r: r, f: f, found: map[queue.ID]queue.View{}, now: r.Machine().Now()}
	// Live before finished: what ends in between is then seen as live and
	// looked up once more.
	live, all := r.Machine().Few(fewTasks)
	if !all {
		live = r.Machine().Unwritten()
	}
	for _, v := range live {
		if l.inRange(v.ID) {
			l.take(v)
		}
	}
	if !all {
		if err := l.scan(ctx, state.LiveKey); err != nil {
			return nil, next, err
		}
	}
	if err := l.scan(ctx, state.FinishedKey); err != nil {
		return nil, next, err
	}
	return l.page()
}

// lister gathers one page from memory and from both kinds of records.
type lister struct {
	r     *Replica
	f     queue.Filter
	now   int64
	found map[queue.ID]queue.View
	// floor is the lowest id down to which every source was read.
	floor queue.ID
}

// inRange reports whether the cursor leaves the id in.
func (l *lister) inRange(id queue.ID) bool {
	return l.f.Before.IsZero() || id.Compare(l.f.Before) < 0
}

func (l *lister) scan(ctx context.Context, key func(uint16, queue.ID) []byte) error {
	zero := key(l.r.opt.Shard, queue.ID{})
	prefix := zero[:len(zero)-len(queue.ID{})]
	var from []byte
	if !l.f.Before.IsZero() {
		from = key(l.r.opt.Shard, l.f.Before)
	}
	seen, hits := 0, 0
	var last queue.ID
	cut := false
	err := l.r.Store().Scan(prefix, from, true, func(k, v []byte) bool {
		var id queue.ID
		copy(id[:], k[len(prefix):])
		if !l.inRange(id) {
			return true
		}
		last = id
		seen++
		if l.consider(id, v) {
			hits++
		}
		cut = hits > l.f.Limit || seen >= visits || ctx.Err() != nil
		return !cut
	})
	if cut && last.Compare(l.floor) > 0 {
		l.floor = last
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// consider takes a stored record in, as memory has it where it is alive.
func (l *lister) consider(id queue.ID, raw []byte) bool {
	if _, known := l.found[id]; known {
		return true
	}
	v, _, err := state.DecodeTask(raw)
	if err != nil {
		return false
	}
	if !v.State.Final() || v.Dead && v.RemovedAt == 0 {
		fresh, _, ok, err := l.r.find(id)
		if !ok || err != nil {
			return false
		}
		v = fresh
	}
	return l.take(v)
}

func (l *lister) take(v queue.View) bool {
	if !l.matches(&v) {
		return false
	}
	l.found[v.ID] = v
	return true
}

func (l *lister) matches(v *queue.View) bool {
	f := &l.f
	if v.Spec.Namespace != f.Namespace || f.Queue != "" && v.Spec.Queue != f.Queue || f.Worker != "" && v.Worker != f.Worker {
		return false
	}
	if f.Task != "" {
		name := v.Spec.Module + "." + v.Spec.Task
		if name != f.Task && (!strings.HasSuffix(f.Task, ".") || !strings.HasPrefix(name, f.Task)) {
			return false
		}
	}
	if f.Since != 0 && v.CreatedAt < f.Since || f.Until != 0 && v.CreatedAt >= f.Until {
		return false
	}
	if v.RemovedAt != 0 && v.RemovedAt <= l.now {
		return false
	}
	if len(f.States) > 0 && !slices.Contains(f.States, v.State) {
		return false
	}
	return len(f.Labels) == 0 || l.labelled(v.ID)
}

// labelled reports whether a task has all the labels that are asked for.
func (l *lister) labelled(id queue.ID) bool {
	raw, err := l.r.labels(id)
	if err != nil || raw == nil {
		return false
	}
	var labels map[string]string
	if json.Unmarshal(raw, &labels) != nil {
		return false
	}
	for name, value := range l.f.Labels {
		if has, ok := labels[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// page gives what all sources agree on down to the floor, cut to the limit.
func (l *lister) page() (items []queue.View, next queue.ID, err error) {
	for id, v := range l.found {
		if id.Compare(l.floor) >= 0 {
			items = append(items, v)
		}
	}
	slices.SortFunc(items, func(a, b queue.View) int { return b.ID.Compare(a.ID) })
	if len(items) > l.f.Limit {
		items = items[:l.f.Limit]
		return items, items[len(items)-1].ID, nil
	}
	return items, l.floor, nil
}
