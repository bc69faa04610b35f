package replica

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
)

// Outgoing is an event of a webhook's outbox, unless it is settled.
func (r *Replica) Outgoing(namespace, name string, seq uint64) (o state.Outgoing, ok bool, err error) {
	key := state.OutboxKey(r.opt.Shard, namespace, name, seq)
	err = r.steady(func() error {
		b, err := r.Store().Get(key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read an event of an outbox: %w", err)
		}
		ok = true
		o, err = state.DecodeOutgoing(b)
		return err
	})
	return o, ok && err == nil, err
}

// Deliveries are the newest attempts to deliver a webhook, newest first.
func (r *Replica) Deliveries(namespace, name string) (list []command.DeliveryAttempt, err error) {
	err = r.steady(func() error {
		list = nil
		for _, key := range state.HookLogKeys(r.opt.Shard, namespace, name) {
			b, err := r.Store().Get(key)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("read attempts to deliver: %w", err)
			}
			a, err := command.DecodeDeliveryAttempt(b)
			if err != nil {
				return err
			}
			list = append(list, a)
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b command.DeliveryAttempt) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Seq, a.Seq), cmp.Compare(b.Attempt, a.Attempt))
	})
	return list, err
}
