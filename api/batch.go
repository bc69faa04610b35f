package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// postBatch accepts up to 10,000 calls, all or none.
func (s *Server) postBatch(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	body, err := s.body(c, s.cfg.Limits.Batch, batchTypes...)
	if err != nil {
		return err
	}
	defer body.free()
	idem, err := idempotencyOf(c, "tasks/batch", "", body.bytes)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	sub := s.newSubmission(namespace)
	if err := sub.addAll(ctx, body.bytes); err != nil {
		return err
	}
	body.free()
	ids, replayed, err := s.submit(c, ctx, sub, idem)
	if err != nil {
		return err
	}
	markReplayed(c, replayed)
	return send(c, fiber.StatusAccepted, append(appendIDs([]byte(`{"ids":`), ids), '}'))
}

// addAll reads a batch's calls.
func (b *submission) addAll(ctx context.Context, body []byte) error {
	err := wire.EachCall(body, func(call *wire.Call) error {
		if len(b.mixed) == wire.MaxBatch {
			return refuse(wire.CodeTooLarge, "a batch may have %d calls; send the rest in another", wire.MaxBatch)
		}
		if call.IdempotencyKey != "" {
			return wrong("idempotency_key", "is given inside a batch, which is accepted as one; send it as the header "+wire.HeaderIdempotencyKey)
		}
		b.mixed = append(b.mixed, linked(call))
		if linked(call) {
			return b.addLinked(ctx, call)
		}
		return b.add(ctx, call)
	})
	if err == nil && len(b.mixed) == 0 {
		err = refuse(wire.CodeBadRequest, "the batch is empty; send calls, one a line or in a JSON array")
	}
	return err
}

// submit makes the tasks of a submission, all or none, by one command if they
// are few, else as a stage. The ids are those of the first request where an
// idempotency key answered.
func (s *Server) submit(c *fiber.Ctx, ctx context.Context, sub *submission, idem *command.Idempotency) (ids []queue.ID, replayed bool, err error) {
	if len(sub.runs) > 0 {
		return s.submitMixed(c, ctx, sub, idem)
	}
	parts := sub.parts()
	if len(parts) > 1 && sub.paced() {
		return nil, false, wrong("debounce", "and throttle are for batches of up to 500 calls and 256 KiB; send less at a time")
	}
	var last command.Command
	if len(parts) == 1 {
		last = &command.Submit{Namespace: sub.namespace, Calls: parts[0], Idem: idem}
	} else {
		stage := s.ids.next()
		for n, part := range parts {
			// The machine takes parts in order alone, so each waits for the
			// one before it.
			r, _, err := s.propose(c, ctx, &command.Stage{Namespace: sub.namespace, Stage: stage, Part: uint32(n), Calls: part, Idem: first(n, idem)})
			if err != nil {
				return nil, false, err
			}
			if r.Replayed {
				return r.IDs, true, nil
			}
		}
		last = &command.SubmitStaged{Namespace: sub.namespace, Stage: stage, Parts: uint32(len(parts)), Idem: idem}
	}
	r, _, err := s.propose(c, ctx, last)
	if err != nil {
		return nil, false, err
	}
	if r.Replayed {
		return r.IDs, true, nil
	}
	ids = make([]queue.ID, len(sub.calls.List))
	for i := range ids {
		ids[i] = sub.calls.List[i].ID
	}
	return ids, false, nil
}

// first gives the key to a stage's first part, which is answered by it.
func first(part int, idem *command.Idempotency) *command.Idempotency {
	if part > 0 {
		return nil
	}
	return idem
}

// callRoom is what a call takes in a command beside its payload and keys.
const callRoom = 64

func callSize(c *command.Call) int {
	return callRoom + len(c.Payload) + len(c.UniqueKey) + len(c.FairnessKey) + len(c.ConcurrencyKey) + len(c.Shadow) + len(c.Debounce.Key) + len(c.Throttle.Key) + 72*len(c.Blobs)
}

// parts cuts a submission so that each fits one command; each has the specs it
// needs.
func (b *submission) parts() []command.Calls {
	var parts []command.Calls
	list := b.calls.List
	for len(list) > 0 {
		n, size := 0, 0
		for n < len(list) && n < command.MaxSubmit {
			size += callSize(&list[n])
			if n > 0 && size > command.MaxCommand {
				break
			}
			n++
		}
		parts = append(parts, b.part(list[:n:n], n == len(b.calls.List)))
		list = list[n:]
	}
	return parts
}

func (b *submission) part(list []command.Call, whole bool) command.Calls {
	if whole || len(b.calls.Specs) == 1 {
		return command.Calls{Specs: b.calls.Specs, List: list}
	}
	p := command.Calls{List: list}
	at := make(map[uint32]uint32)
	for i := range list {
		n, ok := at[list[i].Spec]
		if !ok {
			n = uint32(len(p.Specs))
			at[list[i].Spec] = n
			p.Specs = append(p.Specs, b.calls.Specs[list[i].Spec])
		}
		list[i].Spec = n
	}
	return p
}

func appendIDs(b []byte, ids []queue.ID) []byte {
	if cap(b)-len(b) < 39*len(ids)+2 {
		b = append(make([]byte, 0, len(b)+39*len(ids)+8), b...)
	}
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, id.String()...)
		b = append(b, '"')
	}
	return append(b, ']')
}
