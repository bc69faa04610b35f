package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

// plan is a definition that was checked, with the run that each tick makes.
type plan struct {
	calendar.Definition
	rule    calendar.Schedule
	overlap command.Overlap
	body    []byte
	run     []byte
	ask     []byte // of the task that says when it is due, if one does
}

var overlaps = map[string]command.Overlap{"": command.OverlapAllow, "allow": command.OverlapAllow, "skip": command.OverlapSkip,
	"buffer": command.OverlapBuffer, "cancel": command.OverlapCancel}

// putSchedule makes a schedule, 201, or changes one, 200. What it stands at
// stays, and a definition that is the present one changes nothing.
func (s *Server) putSchedule(c *fiber.Ctx) error {
	namespace, name, err := s.scheduleAsked(c)
	if err != nil {
		return err
	}
	dry, err := flagOf(c, "dry_run")
	if err != nil {
		return err
	}
	body, err := s.body(c, smallLimit, wire.TypeJSON)
	if err != nil {
		return err
	}
	defer body.free()
	if len(body.bytes) == 0 {
		return refuse(wire.CodeInvalidJSON, `the body is empty; send a schedule such as {"every": "15m", "task": "MODULE.TASK"}`)
	}
	var d wire.ScheduleDefinition
	if err := wire.DecodeSchedule(body.bytes, &d); err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	p, err := s.planOf(ctx, namespace, &d)
	if err != nil {
		return err
	}
	if dry {
		return s.sendDry(c, namespace, name, p)
	}
	return s.proposeSchedule(c, ctx, namespace, name, p)
}

// planOf checks a definition, and that what it runs is there.
func (s *Server) planOf(ctx context.Context, namespace string, d *wire.ScheduleDefinition) (*plan, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	p := &plan{body: body, overlap: overlaps[d.Overlap]}
	if d.Next != nil {
		if p.ask, err = s.askOf(ctx, namespace, d); err != nil {
			return nil, err
		}
	} else if err := p.read(); err != nil {
		return nil, err
	}
	field, canvas := "canvas", d.Canvas
	if canvas == nil {
		field, canvas = "", &wire.Canvas{Call: d.Call}
	}
	if canvas.Call != nil && canvas.Call.IdempotencyKey != "" {
		return nil, inside(field, wrong("idempotency_key", "belongs to one request; each tick makes a run of its own, once"))
	}
	if p.run, err = s.tickRun(ctx, namespace, canvas, field); err != nil {
		return nil, err
	}
	if len(p.run)+len(p.ask)+len(p.body) > command.MaxCommand {
		return nil, refuse(wire.CodeTooLarge, "a schedule may have %d KiB; keep what it is given as a blob, or where the task finds it", command.MaxCommand>>10/2)
	}
	return p, nil
}

// tickRun prepares the run that each tick makes.
func (s *Server) tickRun(ctx context.Context, namespace string, canvas *wire.Canvas, field string) ([]byte, error) {
	g, err := s.newGraph(ctx, namespace, canvas)
	if err != nil {
		return nil, inside(field, err)
	}
	if err := s.present(ctx, g, field); err != nil {
		return nil, err
	}
	if !g.cut.small() {
		return nil, refuse(wire.CodeTooLarge, "the run of a tick may have %d tasks and joins, of %d KiB together; have a task start what is more", command.MaxSubmit, command.MaxCommand>>10)
	}
	run, err := g.run(0)
	run.ID = queue.ID{}
	return run.Append(nil), err
}

// askOf prepares the run of the task that says when a schedule is due.
func (s *Server) askOf(ctx context.Context, namespace string, d *wire.ScheduleDefinition) ([]byte, error) {
	for _, f := range []struct {
		name  string
		given bool
	}{{"cron", d.Cron != ""}, {"days", d.Days != ""}, {"every", d.Every != nil}, {"at", d.At != nil}, {"solar", d.Solar != nil}, {"timezone", d.Timezone != ""},
		{"start", d.Start != nil}, {"end", d.End != nil}, {"jitter", d.Jitter != nil}, {"misfire", d.Misfire != ""}, {"misfire_grace", d.MisfireGrace != nil}, {"catchup", d.Catchup}} {
		if f.given {
			return nil, wrong(f.name, "stands beside next, whose task alone says when it is due; leave it out")
		}
	}
	ask := *d.Next
	switch {
	case ask.Args != nil || ask.Kwargs != nil || ask.Input != nil:
		return nil, wire.InField("next", wrong("input", `is what the schedule gives: {"schedule", "last_tick", "now"}; leave args, kwargs and input out`))
	case linked(&ask):
		return nil, wire.InField("next", wrong("link", "and link_error are not for the task that says when it is due"))
	case ask.IdempotencyKey != "":
		return nil, wire.InField("next", wrong("idempotency_key", "belongs to one request; leave it out"))
	case ask.IgnoreResult:
		return nil, wire.InField("next", wrong("ignore_result", "would lose when it is due; leave it out"))
	}
	ask.Input = json.RawMessage(`{"schedule":"s","last_tick":null,"now":"2026-01-01T00:00:00Z"}`) // for the task's schema
	return s.tickRun(ctx, namespace, &wire.Canvas{Call: &ask}, "next")
}

// inside is wire.InField where there is a field around.
func inside(field string, err error) error {
	if field == "" {
		return err
	}
	return wire.InField(field, err)
}

// read reads the body as a leader will.
func (p *plan) read() error {
	if err := json.Unmarshal(p.body, &p.Definition); err != nil {
		return calendarFault(err)
	}
	var err error
	if p.rule, err = calendar.Parse(p.Rule); err != nil {
		return calendarFault(err)
	}
	_, _, err = p.Policy()
	return calendarFault(err)
}

func calendarFault(err error) error {
	if f, ok := errors.AsType[*calendar.Error](err); ok {
		return wrong(f.Field, f.Reason)
	}
	return err
}

// present looks that all that a run calls is there now. The machine looks again
// when the schedule is put, and at each tick.
func (s *Server) present(ctx context.Context, g *graph, field string) error {
	at := "task"
	if field != "" {
		at = field
	}
	synced := false
	for i := 0; i < len(g.calls.Specs); i++ {
		spec := &g.calls.Specs[i]
		e := &Error{Code: wire.CodeModuleNotFound, Field: at}
		d, ok := s.node.Document(command.KindModule, g.namespace, spec.Module, spec.Version)
		switch {
		case ok && slices.Contains(d.Attributes.Tasks, spec.Task):
			continue
		case !synced:
			if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
				return err
			}
			synced = true
			i--
			continue
		case ok:
			e.Code = wire.CodeTaskNotFound
			e.Detail = "module " + spec.Module + " has no task " + spec.Task
		case spec.Version != 0:
			e.Detail = "module " + spec.Module + " has no such version; leave version out for the newest"
		default:
			e.Detail = "module " + spec.Module + " is not in namespace " + g.namespace + "; upload it with PUT /v1/modules/" + spec.Module
		}
		return e
	}
	return nil
}

// proposeSchedule puts a schedule; again where a tick came meanwhile.
func (s *Server) proposeSchedule(c *fiber.Ctx, ctx context.Context, namespace, name string, p *plan) error {
	sum := sha256.New()
	sum.Write(p.body)
	sum.Write(p.run)
	sum.Write(p.ask)
	put := &command.PutDocument{Kind: command.KindSchedule, Namespace: namespace, Name: name, Body: p.body, Digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)),
		Attributes: command.Attributes{Overlap: p.overlap, Plan: p.run, Ask: p.ask}}
	for range changeTries {
		v, _ := s.node.Schedule(workflow.ScheduleName{Namespace: namespace, Name: name})
		put.Attributes.Next = p.first(v.LastTick)
		r, index, err := s.node.Propose(ctx, put)
		if err != nil {
			return err
		}
		s.tellIndex(c, index)
		s.caughtUp(ctx, index)
		if r.Code == command.CodeConflict {
			continue
		}
		if err := refused(&r); err != nil {
			return err
		}
		status := fiber.StatusOK
		if r.Created {
			status = fiber.StatusCreated
		}
		return s.sendSchedule(c, status, namespace, name)
	}
	return refuse(wire.CodeConflict, "ticks of schedule %q come faster than it can be changed; pause it first", name)
}

// first is the first tick to wait for, 0 where a task is to say it.
func (p *plan) first(seen int64) int64 {
	if p.ask != nil {
		return 0
	}
	return p.First(p.rule, time.Now().UnixNano(), seen)
}

// sendDry shows what a definition comes to.
func (s *Server) sendDry(c *fiber.Ctx, namespace, name string, p *plan) error {
	v, _ := s.node.Schedule(workflow.ScheduleName{Namespace: namespace, Name: name})
	v.Name, v.Body, v.Version, v.CreatedAt = name, p.body, 0, 0
	v.Next = p.first(v.LastTick)
	out := scheduleOf(&v)
	return sendJSON(c, fiber.StatusOK, &out)
}
