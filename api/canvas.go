package api

import (
	"bytes"
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// signatureRoom is about what a signature takes in memory on its way.
const signatureRoom = 640

// postCanvas accepts a canvas, which is a run from then on.
func (s *Server) postCanvas(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	wait, waits, err := waitOf(c)
	if err != nil {
		return err
	}
	body, err := s.body(c, s.cfg.Limits.Batch, callTypes...)
	if err != nil {
		return err
	}
	defer body.free()
	if len(body.bytes) == 0 {
		return refuse(wire.CodeInvalidJSON, `the body is empty; send a canvas such as {"chain": [{"task": "MODULE.TASK"}]}`)
	}
	if room := signatures(body.bytes) * signatureRoom; room > smallBody {
		room = min(room, wire.MaxCanvas*signatureRoom)
		if !s.bodies.take(room) {
			return refuse(wire.CodeBusy, "the node holds as many large bodies as it may; try again in a moment")
		}
		defer s.bodies.give(room)
	}
	var canvas wire.Canvas
	if err := wire.DecodeCanvas(body.bytes, &canvas); err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	field := ""
	if canvas.Call != nil {
		field = canvas.Call.IdempotencyKey
	}
	idem, err := idempotencyOf(c, "canvas", field, body.bytes)
	if err != nil {
		return err
	}
	g, err := s.newGraph(ctx, namespace, &canvas)
	if err != nil {
		return err
	}
	id, replayed, index, err := s.submitRun(c, ctx, g, idem)
	if err != nil {
		return err
	}
	markReplayed(c, replayed)
	if waits && s.caughtUp(ctx, index) {
		err := s.sendWaitedRun(c, namespace, id, wait)
		if err == nil || replayed {
			return err
		}
		s.log.Warn("read a run that was just accepted", "run_id", id.String(), "err", err)
	}
	started := wire.Started{ID: id.String(), Kind: g.kind.String(), State: workflow.Running.String()}
	if v, ok, err := s.node.Run(namespace, id); replayed && err == nil && ok {
		started = startedOf(&v)
	}
	return sendJSON(c, fiber.StatusAccepted, &started)
}

// signatures is about how many calls and canvases a body holds.
func signatures(body []byte) (n int64) {
	for _, field := range [...]string{`"task"`, `"chain"`, `"group"`, `"chord"`, `"map"`, `"starmap"`, `"chunks"`} {
		n += int64(bytes.Count(body, []byte(field)))
	}
	return n
}

// submitRun makes a run: by one command if it is small, else as a stage. The id
// is that of the first request where an idempotency key answered.
func (s *Server) submitRun(c *fiber.Ctx, ctx context.Context, g *graph, idem *command.Idempotency) (id queue.ID, replayed bool, index uint64, err error) {
	var last command.Command
	if g.cut.small() {
		run, err := g.run(0)
		if err != nil {
			return id, false, 0, err
		}
		last = &command.Submit{Namespace: g.namespace, Runs: []command.NewRun{run}, Idem: idem}
	} else {
		stage := s.ids.next()
		for n := range g.cut.parts {
			run, err := g.run(n)
			if err != nil {
				return id, false, 0, err
			}
			g.cut.parts[n] = command.GraphPart{}
			r, index, err := s.propose(c, ctx, &command.Stage{Namespace: g.namespace, Stage: stage, Part: uint32(n), Run: &run, Idem: first(n, idem)})
			if err != nil {
				return id, false, 0, err
			}
			if r.Replayed && len(r.IDs) > 0 {
				return r.IDs[0], true, index, nil
			}
		}
		last = &command.SubmitStaged{Namespace: g.namespace, Stage: stage, Parts: uint32(len(g.cut.parts)), Idem: idem}
	}
	r, index, err := s.propose(c, ctx, last)
	if err != nil {
		return id, false, 0, err
	}
	if r.Replayed && len(r.IDs) > 0 {
		return r.IDs[0], true, index, nil
	}
	return g.id, false, index, nil
}

// linked reports whether a call has callbacks, which make a run of it.
func linked(c *wire.Call) bool { return len(c.Link)+len(c.LinkError) > 0 }

// submitLinked makes a run of one call with callbacks, of which the call is the
// first task.
func (s *Server) submitLinked(c *fiber.Ctx, ctx context.Context, namespace string, call *wire.Call, idem *command.Idempotency, _ *held) (a accepted, err error) {
	g, err := s.newGraph(ctx, namespace, &wire.Canvas{Call: call})
	if err != nil {
		return a, err
	}
	run, replayed, index, err := s.submitRun(c, ctx, g, idem)
	return accepted{run.Plus(1), &g.calls.Specs[0], replayed, index}, err
}

// addLinked checks a call of a batch that has callbacks.
func (b *submission) addLinked(ctx context.Context, call *wire.Call) error {
	g, err := b.server.newGraph(ctx, b.namespace, &wire.Canvas{Call: call})
	if err != nil {
		return err
	}
	b.runs = append(b.runs, g)
	return nil
}

// submitMixed makes the tasks and the runs of a batch, which all fit one
// command. The ids are those of the calls in their order.
func (s *Server) submitMixed(c *fiber.Ctx, ctx context.Context, sub *submission, idem *command.Idempotency) (ids []queue.ID, replayed bool, err error) {
	submit := &command.Submit{Namespace: sub.namespace, Calls: sub.calls, Idem: idem}
	count, size := len(sub.calls.List), 0
	for i := range sub.calls.List {
		size += callSize(&sub.calls.List[i])
	}
	made := make([]queue.ID, 0, len(sub.calls.List)+len(sub.runs))
	for i := range sub.calls.List {
		made = append(made, sub.calls.List[i].ID)
	}
	for _, g := range sub.runs {
		run, err := g.run(0)
		if err != nil {
			return nil, false, err
		}
		submit.Runs = append(submit.Runs, run)
		made = append(made, run.ID)
		count, size = count+g.cut.count, size+g.cut.size
		if len(g.cut.parts) > 1 || count > command.MaxSubmit || size > command.MaxCommand {
			return nil, false, refuse(wire.CodeTooLarge, "a batch in which calls have link or link_error may make %d tasks, callbacks included, of %d KiB together; send it in parts", command.MaxSubmit, command.MaxCommand>>10)
		}
	}
	r, _, err := s.propose(c, ctx, submit)
	if err != nil {
		return nil, false, err
	}
	if r.Replayed {
		made = r.IDs
	}
	return sub.inOrder(made), r.Replayed, nil
}

// inOrder brings what a command made, tasks first, into the order of the calls.
// A run is answered by its first task.
func (b *submission) inOrder(made []queue.ID) []queue.ID {
	tasks, runs := made[:min(len(b.calls.List), len(made))], made[min(len(b.calls.List), len(made)):]
	ids := make([]queue.ID, 0, len(made))
	for _, isRun := range b.mixed {
		switch {
		case isRun && len(runs) > 0:
			ids = append(ids, runs[0].Plus(1))
			runs = runs[1:]
		case !isRun && len(tasks) > 0:
			ids = append(ids, tasks[0])
			tasks = tasks[1:]
		}
	}
	return ids
}
