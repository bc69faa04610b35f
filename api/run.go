package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// runOf writes what lists show of a run.
func runOf(v *workflow.View) wire.Run {
	r := wire.Run{ID: v.ID.String(), Kind: v.Kind, State: v.State.String(), Paused: v.Paused, TaskCount: v.Tasks, Open: v.Open,
		CreatedAt: timeAt(v.CreatedAt), FinishedAt: timeAt(v.FinishedAt), RemovedAt: timeAt(v.RemovedAt)}
	var m runMeta
	if json.Unmarshal(v.Meta, &m) == nil {
		r.Labels, r.Calls, r.Schedule, r.Tick = m.Labels, m.Calls, m.Schedule, m.Tick
	}
	if !v.Cause.IsZero() {
		r.Cause = v.Cause.String()
	}
	if v.Error != nil {
		r.Error = errorOf(v.Error)
	} else if v.State == workflow.Failed && r.Cause != "" {
		r.Error = &wire.Error{Type: queue.ErrDependency, Message: "task " + r.Cause + " has failed"}
	}
	return r
}

func startedOf(v *workflow.View) wire.Started {
	return wire.Started{ID: v.ID.String(), Kind: v.Kind, State: v.State.String(), Paused: v.Paused}
}

func timeAt(t int64) wire.Time {
	if t == 0 {
		return wire.Time{}
	}
	return wire.Time{Time: time.Unix(0, t).UTC()}
}

func errorOf(e *queue.Error) *wire.Error {
	return &wire.Error{Type: e.Type, Message: e.Message, ExitCode: e.ExitCode, Trace: e.Trace}
}

// runTaskOf writes a task of a run, without its result.
func runTaskOf(n *workflow.NodeView) wire.RunTask {
	v := &n.Task
	t := wire.RunTask{TaskID: v.ID.String(), Task: v.Spec.Module + "." + v.Spec.Task, State: v.State.String(), Callback: n.Callback, Attempt: v.Attempt,
		ResultDigest: v.ResultBlob, StartedAt: timeAt(v.StartedAt), FinishedAt: timeAt(v.FinishedAt), Worker: v.Worker}
	if e := errorSeen(v); e != nil {
		t.Error = errorOf(e)
	}
	return t
}

// getRun shows one run, with ?wait= once it has ended or the time is over.
func (s *Server) getRun(c *fiber.Ctx) error {
	namespace, id, err := s.runAsked(c)
	if err != nil {
		return err
	}
	wait, waits, err := waitOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	v, err := s.runNow(c, ctx, namespace, id)
	if err != nil {
		return err
	}
	if waits && !v.State.Final() {
		if v, err = s.runWaited(c, namespace, id, wait); err != nil {
			return err
		}
	}
	return s.sendRun(c, fiber.StatusOK, namespace, &v)
}

func (s *Server) runAsked(c *fiber.Ctx) (namespace string, id queue.ID, err error) {
	if namespace, err = namespaceOf(c); err != nil {
		return "", id, err
	}
	if id, err = queue.ParseID(c.Params("id")); err != nil {
		return "", id, refuse(wire.CodeNotFound, "%q is no run's id; an id is a UUID as POST /v1/canvas gives it", clip(c.Params("id")))
	}
	return namespace, id, nil
}

// runNow reads a run as taskNow reads a task.
func (s *Server) runNow(c *fiber.Ctx, ctx context.Context, namespace string, id queue.ID) (workflow.View, error) {
	v, ok, err := s.node.Run(namespace, id)
	if err != nil {
		return v, err
	}
	usual := Linearizable
	if ok && v.State.Final() && query(c, "consistency") == "" {
		usual = Stale
	}
	if err := s.sync(c, ctx, usual); err != nil {
		return v, err
	}
	return s.runHere(namespace, id)
}

func (s *Server) runHere(namespace string, id queue.ID) (workflow.View, error) {
	v, ok, err := s.node.Run(namespace, id)
	if err == nil && !ok {
		err = refuse(wire.CodeNotFound, "no run %s is in namespace %q; it never was, or the time that its results are kept is over", id, namespace)
	}
	return v, err
}

// runWaited is a run that has ended, or as it stands after the time.
func (s *Server) runWaited(c *fiber.Ctx, namespace string, id queue.ID, wait time.Duration) (workflow.View, error) {
	ctx, cancel := context.WithTimeout(s.running, wait)
	defer cancel()
	_ = s.node.WaitRun(ctx, namespace, id) // an error means that the time is over
	v, err := s.runHere(namespace, id)
	s.tellIndex(c, s.node.Index())
	return v, err
}

// sendWaitedRun answers a submission with ?wait=.
func (s *Server) sendWaitedRun(c *fiber.Ctx, namespace string, id queue.ID, wait time.Duration) error {
	v, err := s.runWaited(c, namespace, id, wait)
	if err != nil {
		return err
	}
	status := fiber.StatusAccepted
	if v.State.Final() {
		status = fiber.StatusOK
	}
	return s.sendRun(c, status, namespace, &v)
}

// maxShown bounds the results that an answer shows of a run's tasks.
const maxShown = 4 << 20

// sendRun answers with a run, its result and its tasks if they are few. They
// stand in the order of the graph.
func (s *Server) sendRun(c *fiber.Ctx, status int, namespace string, v *workflow.View) error {
	b, err := json.Marshal(runOf(v))
	if err != nil {
		return err
	}
	b = b[:len(b)-1]
	var result workflow.Result
	if v.State == workflow.Success {
		if result, err = s.node.RunResult(namespace, v.ID); err != nil {
			return err
		}
	}
	if result.TooLarge {
		b = append(b, `,"result_too_large":true`...)
	} else if result.JSON != nil {
		b = append(append(b, `,"result":`...), result.JSON...)
	}
	tasks, whole, err := s.runTasks(namespace, v)
	if err != nil {
		return err
	}
	if whole {
		b = append(append(b, `,"tasks":{`...), tasks...)
		b = append(b, '}')
	} else {
		b = append(b, `,"tasks_truncated":true`...)
	}
	if result.Blob != "" {
		return s.sendLong(c, status, append(b, `,"result":`...), result.Blob)
	}
	return send(c, status, append(b, '}'))
}

// sendLong answers with an object whose last member is a large value. It is not
// in memory, however many ask for it.
func (s *Server) sendLong(c *fiber.Ctx, status int, head []byte, digest string) error {
	ctx, cancel := s.context()
	defer cancel()
	f, size, err := s.node.Open(ctx, digest)
	if err != nil {
		return err
	}
	c.Status(status)
	all := io.MultiReader(bytes.NewReader(head), f, strings.NewReader("}"))
	return stream(c, wire.TypeJSON, all, int64(len(head))+size+1, func() { _ = f.Close() })
}

// runTasks writes all tasks of a run as members of an object, or tells that
// they are too many or too large.
func (s *Server) runTasks(namespace string, v *workflow.View) (b []byte, whole bool, err error) {
	if v.Tasks > wire.MaxRunTasks {
		return nil, false, nil
	}
	nodes, _, err := s.node.RunTasks(namespace, v.ID, 0, wire.MaxRunTasks)
	if err != nil {
		return nil, false, err
	}
	for i := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, nodes[i].Name), ':')
		if b, err = appendRunTask(b, &nodes[i], false); err != nil {
			return nil, false, err
		}
		if len(b) > maxShown {
			return nil, false, nil
		}
	}
	return b, true, nil
}

// appendRunTask writes a task of a run with its result.
func appendRunTask(b []byte, n *workflow.NodeView, named bool) ([]byte, error) {
	t := runTaskOf(n)
	if named {
		t.Node = n.Name
	}
	j, err := json.Marshal(&t)
	if err != nil {
		return nil, err
	}
	b = append(b, j...)
	if n.Task.State == queue.Success && n.Task.ResultBlob == "" {
		b = append(append(b[:len(b)-1], `,"result":`...), or(n.Result, "null")...)
		b = append(b, '}')
	}
	return b, nil
}
