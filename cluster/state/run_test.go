package state

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// runID is the next run's, as the API makes them.
func (g *generator) runID() queue.ID {
	g.runCount++
	return queue.ID{0, 0, 0, 0, 0, 1, 0x70, 1, 0x80, 0, byte(g.runCount >> 8), byte(g.runCount)}
}

// part is some nodes that go on with a graph of so many.
func (g *generator) part(namespace string, before uint32, most int) command.GraphPart {
	calls := g.calls(namespace, most)
	g.ids = g.ids[:len(g.ids)-len(calls.List)]
	p := command.GraphPart{Specs: calls.Specs}
	for i := range calls.List {
		at := before + uint32(i)
		n := command.GraphNode{Call: calls.List[i]}
		n.Call.ID, n.Call.Replays, n.From = queue.ID{}, queue.ID{}, workflow.NoNode
		n.Kind = workflow.Kind(rapid.IntRange(0, 2).Draw(g.t, "kind"))
		n.Rule = workflow.Rule(rapid.IntRange(0, int(workflow.OwnFailed)).Draw(g.t, "rule"))
		n.Callback = g.pick("callback", "no", "no", "yes") == "yes"
		for u := range at {
			if g.pick("edge", "no", "yes") == "yes" {
				n.Ups = append(n.Ups, u)
			}
		}
		switch n.Kind {
		case workflow.Join:
			n.Call = command.Call{}
			n.Whole = g.pick("whole", "no", "yes") == "yes"
		case workflow.Map:
			n.Size = uint32(rapid.IntRange(0, 3).Draw(g.t, "size"))
			p.Items = append(p.Items, command.GraphItems{Node: at, Values: make([][]byte, n.Size)})
		}
		p.Nodes = append(p.Nodes, n)
	}
	return p
}

func (g *generator) newRun(namespace string) command.NewRun {
	c := command.NewRun{ID: g.runID(), Kind: "chain", TTL: rapid.Int64Range(1e9, 60e9).Draw(g.t, "ttl"), Meta: []byte("{}")}
	c.Part = g.part(namespace, 0, 6)
	g.runs = append(g.runs, c.ID)
	for i := range 6 {
		g.ids = append(g.ids, c.ID.Plus(uint32(i+1)))
	}
	return c
}

// runCommand makes a run, in one command or in stages, or steers one.
func (g *generator) runCommand() command.Command {
	switch g.pick("run", "submit", "submit", "stage", "stage", "staged", "steer") {
	case "submit":
		ns := g.namespace()
		return &command.Submit{Namespace: ns, Runs: []command.NewRun{g.newRun(ns)}}
	case "stage":
		c := &command.Stage{Namespace: "default"}
		if s := &g.staged; s.parts > 0 && g.pick("new", "no", "no", "yes") == "no" {
			c.Stage, c.Part = s.stage, s.parts
			c.Run = &command.NewRun{ID: s.run, Part: g.part("default", s.nodes, 3)}
		} else {
			r := g.newRun("default")
			g.staged = stagedRun{stage: g.id(), run: r.ID}
			c.Stage, c.Run = g.staged.stage, &r
		}
		g.staged.parts++
		g.staged.nodes += uint32(len(c.Run.Part.Nodes))
		return c
	case "staged":
		return &command.SubmitStaged{Namespace: "default", Stage: g.staged.stage, Parts: g.staged.parts}
	}
	if len(g.runs) == 0 {
		return &command.Continue{}
	}
	return &command.SteerRun{Namespace: g.namespace(), ID: rapid.SampledFrom(g.runs).Draw(g.t, "run"), Do: command.Steer(rapid.IntRange(1, 3).Draw(g.t, "do"))}
}

// deferral lets an attempt ask for a child, and wait for it or for a time.
func (g *generator) deferral(a Assigned, r *command.TaskResult) {
	d := &queue.Deferral{State: []byte("{}")}
	if g.pick("after", "no", "yes") == "yes" {
		d.After = rapid.Int64Range(1, 5e9).Draw(g.t, "afterns")
	}
	if g.pick("child", "no", "yes", "yes") == "yes" {
		c := g.newRun(a.Spec.Namespace)
		r.Runs = []command.NewRun{c}
		d.Wait = []queue.ID{c.ID}
		d.Replace = d.After == 0 && g.pick("replace", "no", "yes") == "yes"
	}
	if g.pick("waits", "no", "yes", "yes") == "yes" {
		r.Outcome.Defer = d
	}
}

type stagedRun struct {
	stage, run   queue.ID
	parts, nodes uint32
}

// runsOf shows what a machine knows of its runs.
func runsOf(m *Machine, b *strings.Builder) {
	for _, d := range m.Blobs() {
		fmt.Fprintf(b, "blob %s referred to %d times\n", d, m.blobs[d])
	}
	for _, v := range m.Deciding() {
		fmt.Fprintf(b, "deciding %s\n", v.ID)
	}
	for _, r := range m.runsInOrder() {
		for _, t := range m.awaiting[r.id] {
			fmt.Fprintf(b, "awaited by %s, which waits for %d\n", t.id, len(t.extra.deferral.wait))
		}
		fmt.Fprintf(b, "run %s %s parts %d blobs %d holds %d order %d paused %v\n", r.id, r.kind, len(r.parts), len(r.blobs), len(r.holds), r.order, r.paused)
		if r.progress == nil {
			continue
		}
		fmt.Fprintf(b, "  due %d kept %d cancelled %v up to %d revoking %v\n", r.due, r.kept, r.progress.Cancelled(), r.progress.CancelPlace(), r.revoking)
		for n := range uint32(r.graph.Len()) {
			state, made, cause := r.progress.State(n)
			if state == 0 {
				cause = 0
			}
			fmt.Fprintf(b, "  node %d %s made %d cause %d\n", n, state, made, cause)
		}
	}
}
