package api

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// postTask accepts one call.
func (s *Server) postTask(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	wait, waits, err := waitOf(c)
	if err != nil {
		return err
	}
	// The JSON of an input may have its whole size, with a call around it.
	body, err := s.body(c, s.cfg.Limits.Value+1<<20, callTypes...)
	if err != nil {
		return err
	}
	defer body.free()
	var call wire.Call
	if err := decodeCall(body.bytes, &call); err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	idem, err := idempotencyOf(c, "tasks", call.IdempotencyKey, body.bytes)
	if err != nil {
		return err
	}
	submit := s.submitCall
	if linked(&call) {
		submit = s.submitLinked
	}
	a, err := submit(c, ctx, namespace, &call, idem, &body)
	if err != nil {
		return err
	}
	markReplayed(c, a.replayed)
	if waits && s.caughtUp(ctx, a.index) {
		err := s.sendWaited(c, namespace, a.id, wait)
		if err == nil || a.replayed {
			return err
		}
		s.log.Warn("read a task that was just accepted", "task_id", a.id.String(), "err", err)
	}
	state := queue.Pending
	if a.replayed {
		if v, ok, err := s.node.TaskState(namespace, a.id); err == nil && ok {
			state = v.State
		}
	}
	return send(c, fiber.StatusAccepted, appendSubmitted(a.id, state, a.spec))
}

// accepted is a task that was submitted.
type accepted struct {
	id       queue.ID
	spec     *queue.Spec
	replayed bool
	index    uint64
}

// submitCall makes one task. It frees the call's body as soon as it can.
func (s *Server) submitCall(c *fiber.Ctx, ctx context.Context, namespace string, call *wire.Call, idem *command.Idempotency, body *held) (a accepted, err error) {
	sub := s.newSubmission(namespace)
	if err := sub.add(ctx, call); err != nil {
		return a, err
	}
	body.free()
	r, index, err := s.propose(c, ctx, &command.Submit{Namespace: namespace, Calls: sub.calls, Idem: idem})
	if err != nil {
		return a, err
	}
	a = accepted{id: sub.first, spec: &sub.calls.Specs[0], replayed: r.Replayed, index: index}
	if r.Replayed && len(r.IDs) > 0 {
		a.id = r.IDs[0]
	}
	return a, nil
}

// caughtUp waits until this node has applied what was committed: the leader may
// have answered before. What was committed is done, so a node that cannot catch
// up answers from what it knows, never by an error.
func (s *Server) caughtUp(ctx context.Context, index uint64) bool {
	_, err := s.node.Sync(ctx, index, Stale)
	return err == nil
}

// decodeCall tells an empty body from a broken one.
func decodeCall(body []byte, call *wire.Call) error {
	if len(body) == 0 {
		return refuse(wire.CodeInvalidJSON, `the body is empty; send a call such as {"task": "MODULE.TASK", "args": []}`)
	}
	return wire.DecodeCall(body, call)
}

func appendSubmitted(id queue.ID, state queue.State, spec *queue.Spec) []byte {
	b := make([]byte, 0, 160)
	b = append(b, `{"id":"`...)
	b = append(b, id.String()...)
	b = append(b, `","state":"`...)
	b = append(b, state.String()...)
	b = append(b, `","task":"`...)
	b = append(b, spec.Module...)
	b = append(b, '.')
	b = append(b, spec.Task...)
	b = append(b, `","queue":"`...)
	b = append(b, spec.Queue...)
	return append(b, `"}`...)
}

// getTask shows one task, with ?wait= once it has ended or the time is over.
func (s *Server) getTask(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	id, err := idOf(c)
	if err != nil {
		return err
	}
	wait, waits, err := waitOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	d, err := s.taskNow(c, ctx, namespace, id)
	if err != nil {
		return err
	}
	if waits && !d.State.Final() {
		s.waitFor(namespace, id, wait)
		if d, err = s.taskHere(namespace, id); err != nil {
			return err
		}
		s.tellIndex(c, s.node.Index())
	}
	return s.sendTask(c, fiber.StatusOK, &d)
}

// taskNow reads a task. One that has ended never changes, so any node answers
// for it at once; else the state must be as new as the question.
func (s *Server) taskNow(c *fiber.Ctx, ctx context.Context, namespace string, id queue.ID) (queue.Detail, error) {
	v, ok, err := s.node.TaskState(namespace, id)
	if err != nil {
		return queue.Detail{}, err
	}
	usual := Linearizable
	if ok && v.State.Final() && query(c, "consistency") == "" {
		usual = Stale
	}
	if err := s.sync(c, ctx, usual); err != nil {
		return queue.Detail{}, err
	}
	return s.taskHere(namespace, id)
}

// taskHere reads a task from what this node has applied.
func (s *Server) taskHere(namespace string, id queue.ID) (queue.Detail, error) {
	d, ok, err := s.node.Task(namespace, id)
	if err == nil && !ok {
		err = refuse(wire.CodeNotFound, "no task %s is in namespace %q; it never was, or its result_ttl is over", id, namespace)
	}
	return d, err
}

// waitFor returns when a task has ended, after the time, or when the server
// goes down.
func (s *Server) waitFor(namespace string, id queue.ID, wait time.Duration) {
	ctx, cancel := context.WithTimeout(s.running, wait)
	defer cancel()
	// An error means that the time is over; the task is shown as it stands.
	_ = s.node.WaitTask(ctx, namespace, id)
}

// sendWaited answers a submission with ?wait=: 200 if the task has ended, else
// 202.
func (s *Server) sendWaited(c *fiber.Ctx, namespace string, id queue.ID, wait time.Duration) error {
	s.waitFor(namespace, id, wait)
	d, err := s.taskHere(namespace, id)
	if err != nil {
		return err
	}
	s.tellIndex(c, s.node.Index())
	status := fiber.StatusAccepted
	if d.State.Final() {
		status = fiber.StatusOK
	}
	return s.sendTask(c, status, &d)
}

// revokeTask ends a task that waits, with terminate also one that runs.
func (s *Server) revokeTask(c *fiber.Ctx) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	id, err := idOf(c)
	if err != nil {
		return err
	}
	var ask wire.Revoke
	raw, err := s.smallJSON(c, &ask)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	idem, err := idempotencyOf(c, "tasks/"+id.String()+"/revoke", "", raw)
	if err != nil {
		return err
	}
	r, index, err := s.propose(c, ctx, &command.Revoke{Namespace: namespace, ID: id, Terminate: ask.Terminate, Idem: idem})
	if r.Code == command.CodeIdempotency || r.Code == command.CodeIdempotencyFull {
		return err
	}
	if err != nil {
		return s.explainRevoke(c, namespace, id, err)
	}
	s.caughtUp(ctx, index)
	v, ok, err := s.node.TaskState(namespace, id)
	if err != nil || !ok {
		return sendJSON(c, fiber.StatusOK, &wire.Submitted{ID: id.String(), State: queue.Revoked.String()})
	}
	return send(c, fiber.StatusOK, appendSubmitted(id, v.State, &v.Spec))
}

// explainRevoke tells a task that has ended from one that never was. One that
// is revoked already is as the client wants it.
func (s *Server) explainRevoke(c *fiber.Ctx, namespace string, id queue.ID, err error) error {
	v, ok, readErr := s.node.TaskState(namespace, id)
	switch {
	case readErr != nil || !ok || !v.State.Final():
		return err
	case v.State == queue.Revoked:
		return send(c, fiber.StatusOK, appendSubmitted(id, v.State, &v.Spec))
	}
	return refuse(wire.CodeAlreadyEnded, "task %s has ended with %s already; there is nothing to revoke", id, v.State)
}
