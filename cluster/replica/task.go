package replica

import (
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
	"github.com/windrow-dev/windrow/queue"
)

// TaskState is a task without what is stored beside its record.
func (r *Replica) TaskState(namespace string, id queue.ID) (v queue.View, ok bool, err error) {
	err = r.steady(func() (err error) { v, _, ok, err = r.find(id); return err })
	if !ok || err != nil || v.Spec.Namespace != namespace {
		return queue.View{}, false, err
	}
	return v, true, nil
}

// Task is a task with its payload, its result and its attempts.
func (r *Replica) Task(namespace string, id queue.ID) (d queue.Detail, ok bool, err error) {
	err = r.steady(func() (err error) { d, ok, err = r.task(namespace, id); return err })
	return d, ok, err
}

func (r *Replica) task(namespace string, id queue.ID) (queue.Detail, bool, error) {
	v, result, ok, err := r.find(id)
	if !ok || err != nil || v.Spec.Namespace != namespace {
		return queue.Detail{}, false, err
	}
	d := queue.Detail{View: v, Result: result}
	if d.Result == nil && v.State == queue.Success {
		if d.Result, err = r.get(state.ResultKey(r.opt.Shard, id)); err != nil {
			return d, false, err
		}
	}
	if !v.Run.IsZero() {
		d.Payload = r.told(id)
		d.Attempts, err = r.attempts(id)
		return d, true, err
	}
	raw, err := r.get(state.InputKey(r.opt.Shard, id))
	if err != nil {
		return d, false, err
	}
	if raw != nil {
		if d.Payload, err = queue.DecodePayload(raw); err != nil {
			return d, false, fmt.Errorf("task %s: %w", id, err)
		}
	}
	d.Attempts, err = r.attempts(id)
	return d, true, err
}

// find looks in memory, then on disk. A task that is neither may be on its way
// from the one to the other: then it looks again once no entry is in hand.
func (r *Replica) find(id queue.ID) (queue.View, []byte, bool, error) {
	if v, result, ok, err := r.look(id); ok || err != nil {
		return v, result, ok, err
	}
	r.gate.RLock()
	defer r.gate.RUnlock()
	return r.look(id)
}

func (r *Replica) look(id queue.ID) (queue.View, []byte, bool, error) {
	if v, ok := r.Machine().Task(id); ok {
		return v, nil, true, nil
	}
	raw, err := r.get(state.FinishedKey(r.opt.Shard, id))
	if raw == nil || err != nil {
		return queue.View{}, nil, false, err
	}
	v, result, err := state.DecodeTask(raw)
	if err != nil {
		return queue.View{}, nil, false, fmt.Errorf("task %s: %w", id, err)
	}
	if v.RemovedAt != 0 && v.RemovedAt <= r.Machine().Now() {
		return queue.View{}, nil, false, nil
	}
	return v, result, true, nil
}

// get is the store's value, or nil where there is none.
func (r *Replica) get(key []byte) ([]byte, error) {
	v, err := r.Store().Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

func (r *Replica) attempts(id queue.ID) ([]queue.Attempt, error) {
	var out []queue.Attempt
	var bad error
	err := r.Store().Scan(state.AttemptKey(r.opt.Shard, id, 0), nil, false, func(_, v []byte) bool {
		var a queue.Attempt
		if a, bad = state.DecodeAttempt(append([]byte(nil), v...)); bad != nil {
			return false
		}
		out = append(out, a)
		return true
	})
	return out, errors.Join(err, bad)
}
