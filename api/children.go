package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// errInvalidCanvas is how an attempt fails whose canvas cannot be run.
const errInvalidCanvas = "invalid_canvas"

// CompileChild makes a run of a canvas that an attempt at a task asked for, as
// POST /v1/canvas does of its body. Its tasks have the parent's labels, and in it
// ".TASK" is one of the parent's own module, in the same version. What is wrong
// with the canvas is the failed error; fits says whether one command holds it.
func (s *Server) CompileChild(ctx context.Context, parent *queue.View, labels []byte, c *queue.Child) (run command.NewRun, fits bool, failed *queue.Error, err error) {
	g, err := s.child(ctx, parent, labels, c)
	if err == nil {
		if fits = g.cut.small(); fits {
			run, err = g.run(0)
		}
		return run, fits, nil, err
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests || p.Status == http.StatusRequestTimeout {
		return run, false, nil, err
	}
	return run, false, &queue.Error{Type: errInvalidCanvas, Message: p.Detail}, nil
}

func (s *Server) child(ctx context.Context, parent *queue.View, labels []byte, c *queue.Child) (*graph, error) {
	var canvas wire.Canvas
	if err := wire.DecodeCanvas(c.Canvas, &canvas); err != nil {
		return nil, err
	}
	if canvas.Call != nil && canvas.Call.IdempotencyKey != "" {
		return nil, wrong("idempotency_key", "means nothing here: a run that a task asks for begins once, with the acceptance of the attempt")
	}
	ownTasks(&canvas, parent.Spec.Module+".", int(parent.Spec.Version))
	if err := inherit(&canvas, labels); err != nil {
		return nil, err
	}
	g, err := s.newGraph(ctx, parent.Spec.Namespace, &canvas)
	if err != nil {
		return nil, err
	}
	g.id = c.ID
	return g, nil
}

// inherit gives a canvas its parent's labels, beneath its own.
func inherit(c *wire.Canvas, labels []byte) error {
	if len(labels) == 0 {
		return nil
	}
	all := map[string]string{}
	if err := json.Unmarshal(labels, &all); err != nil {
		return fmt.Errorf("read the labels of a task: %w", err)
	}
	own := &c.Labels
	if c.Call != nil {
		own = &c.Call.Labels
	}
	maps.Copy(all, *own)
	if *own = all; len(all) > maxLabels {
		return wrong("labels", fmt.Sprintf("are more than %d with those of the task that asks for it", maxLabels))
	}
	return nil
}

// ownTasks puts a module's name before the tasks that are named without one.
func ownTasks(c *wire.Canvas, prefix string, version int) {
	own := func(call *wire.Call) {
		if name, ok := strings.CutPrefix(call.Task, "."); ok {
			call.Task = prefix + name
			if call.Version == 0 {
				call.Version = version
			}
		}
		ownAll(prefix, version, call.Link, call.LinkError)
	}
	if c.Call != nil {
		own(c.Call)
	}
	for _, m := range [...]*wire.Mapped{c.Map, c.Starmap, c.Chunks} {
		if m != nil {
			own(&m.Task)
		}
	}
	if c.Chord != nil {
		ownAll(prefix, version, c.Chord.Header)
		ownTasks(&c.Chord.Body, prefix, version)
	}
	ownAll(prefix, version, c.Chain, c.Group, c.Link, c.LinkError)
}

func ownAll(prefix string, version int, lists ...[]wire.Canvas) {
	for _, list := range lists {
		for i := range list {
			ownTasks(&list[i], prefix, version)
		}
	}
}
