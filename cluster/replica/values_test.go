package replica

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// graphRig runs graphs by hand.
type graphRig struct {
	*rig
	kept    shelf
	session queue.Fence
}

func newGraphRig(t *testing.T) *graphRig {
	g := &graphRig{rig: newRig(t), kept: shelf{}}
	g.opt.Values = g.kept
	g.ended(queue.ID{1})
	g.do(&command.OpenSession{Worker: "w"})
	g.session = queue.Fence{Index: g.index}
	g.do(&command.SetLimit{Session: g.session, Seq: 1, Running: 1000})
	return g
}

func (g *graphRig) end(id queue.ID, o queue.Outcome) {
	g.t.Helper()
	v, ok := g.Machine().Task(id)
	if !ok || v.Fence.IsZero() {
		g.t.Fatalf("task %s is %+v", id, v)
	}
	g.do(&command.Complete{Session: g.session, Results: []command.TaskResult{{ID: id, Fence: v.Fence, Outcome: o}}})
}

// begin begins a run of nodes, each of which is a task unless it says otherwise.
func (g *graphRig) begin(nodes ...command.GraphNode) queue.ID {
	g.t.Helper()
	id := queue.ID{5: 7, 6: 0x70, 8: 0x80}
	p := command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}
	for i, n := range nodes {
		n.Name = fmt.Sprint("n", i)
		if n.Call.Payload == nil {
			n.Call.Payload = (&queue.Payload{Args: []byte("[1]")}).Append(nil)
		}
		p.Nodes = append(p.Nodes, n)
	}
	g.do(&command.Submit{Namespace: "default", Runs: []command.NewRun{{ID: id, Kind: "chain", TTL: 1e12, Part: p}}})
	return id
}

func task(from uint32, as workflow.As, ups ...uint32) command.GraphNode {
	return command.GraphNode{Node: workflow.Node{Kind: workflow.Task, From: from, As: as, Ups: ups}}
}

func join(ups ...uint32) command.GraphNode {
	return command.GraphNode{Node: workflow.Node{Kind: workflow.Join, Listed: uint32(len(ups)), From: workflow.NoNode, Ups: ups}}
}

func (g *graphRig) given(id queue.ID) queue.Payload {
	g.t.Helper()
	raw, err := g.Payload(id)
	if err != nil {
		g.t.Fatalf("payload of %s: %v", id, err)
	}
	p, err := queue.DecodePayload(raw)
	if err != nil {
		g.t.Fatal(err)
	}
	return p
}

func long(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

// TestListsAreMadeOnce: what many tasks are given alike is put together once, and
// lies in one blob.
func TestListsAreMadeOnce(t *testing.T) {
	g := newGraphRig(t)
	const n = 50
	var ups []uint32
	var nodes []command.GraphNode
	for i := range uint32(2) {
		nodes, ups = append(nodes, task(workflow.NoNode, 0)), append(ups, i)
	}
	nodes = append(nodes, join(ups...))
	for range n {
		nodes = append(nodes, task(2, workflow.AsFirst, 2))
	}
	run := g.begin(nodes...)
	half := long(queue.MaxInline/2 + 100)
	for i := range uint32(2) {
		g.end(run.Plus(i+1), queue.Outcome{OK: true, Result: half})
	}
	blobs := map[string]bool{}
	for i := range uint32(n) {
		p := g.given(run.Plus(i + 3))
		if p.Blob == "" || len(p.Args) > 2 {
			t.Fatalf("task %d is given %.100s", i, p.Args)
		}
		blobs[p.Blob] = true
		var both struct{ Args []json.RawMessage }
		want := fmt.Sprintf("[%s,%s]", half, half)
		if err := json.Unmarshal(g.kept[p.Blob], &both); err != nil || len(both.Args) != 2 || string(both.Args[0]) != want || string(both.Args[1]) != "1" {
			t.Fatalf("task %d: %v, %.100s", i, err, g.kept[p.Blob])
		}
	}
	lists := 0
	for _, v := range g.kept {
		if v[0] == '[' {
			lists++
		}
	}
	if lists != 1 {
		t.Errorf("the list was put together %d times", lists)
	}
	// One that was swept is made anew.
	for d := range g.kept {
		delete(g.kept, d)
	}
	if p := g.given(run.Plus(4)); g.kept[p.Blob] == nil {
		t.Error("a digest was handed on of what is not there")
	}
}

// TestTooLargeLists: what would be longer than a value may be is not put
// together, and that lasts.
func TestTooLargeLists(t *testing.T) {
	g := newGraphRig(t)
	g.opt.MaxValue = 150 << 10
	run := g.begin(task(workflow.NoNode, 0), task(workflow.NoNode, 0), task(workflow.NoNode, 0), join(0, 1, 2), task(3, workflow.AsInput, 3), join(0, 1, 2))
	for i := range uint32(3) {
		g.end(run.Plus(i+1), queue.Outcome{OK: true, Result: long(60 << 10)})
	}
	for range 2 {
		var l *queue.Lasting
		if _, err := g.Payload(run.Plus(4)); !errors.As(err, &l) || l.Err.Type != queue.ErrInputTooLarge {
			t.Fatalf("the payload gives %v", err)
		}
	}
	g.end(run.Plus(4), queue.Outcome{OK: true, Result: []byte("1")})
	got, err := g.RunResult("default", run)
	if err != nil || !got.TooLarge || got.JSON != nil || got.Blob != "" {
		t.Errorf("the result is %.100s, %v", got.JSON, err)
	}
	if len(g.kept) != 0 {
		t.Errorf("%d values were kept", len(g.kept))
	}
}

// TestLinkErrorIsToldLargeArguments: they are in blobs, out of which they come.
func TestLinkErrorIsToldLargeArguments(t *testing.T) {
	large := long(queue.MaxInline + 1)
	for name, p := range map[string]queue.Payload{
		"input": {Input: large},
		"args":  {Args: []byte("[" + string(large) + "]"), Kwargs: []byte(`{"a":2}`)},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGraphRig(t)
			if err := g.moveOut(&p); err != nil || p.Blob == "" {
				t.Fatalf("%+v, %v", p, err)
			}
			broken := task(workflow.NoNode, 0)
			broken.Call.Payload = p.Append(nil)
			told := task(0, workflow.AsFirst, 0)
			told.Rule, told.Error = workflow.OwnFailed, true
			run := g.begin(broken, told)
			g.end(run.Plus(1), queue.Outcome{Error: &queue.Error{Type: "fatal", Message: "no"}})
			q := g.given(run.Plus(2))
			var both struct{ Args []json.RawMessage }
			if err := json.Unmarshal(g.kept[q.Blob], &both); err != nil {
				t.Fatalf("%v: %+v", err, q)
			}
			var got struct{ Args, Kwargs, Input json.RawMessage }
			if err := json.Unmarshal(both.Args[0], &got); err != nil {
				t.Fatal(err)
			}
			switch {
			case name == "input" && (!bytes.Equal(got.Input, large) || string(got.Args) != "[]"),
				name == "args" && (string(got.Args) != "["+string(large)+"]" || string(got.Kwargs) != `{"a":2}` || string(got.Input) != "null"):
				t.Errorf("told of %.80s, %.80s, %.80s", got.Args, got.Kwargs, got.Input)
			}
		})
	}
}

// TestOnlySoMuchIsLoaded: who finds too much in memory is told to come again.
func TestOnlySoMuchIsLoaded(t *testing.T) {
	g := newGraphRig(t)
	g.kept["d"] = long(1000)
	if !g.Replica.loaded.take(mostLoaded - 2999) {
		t.Fatal("the budget is used up")
	}
	if _, _, err := g.load("d"); !errors.Is(err, ErrBusy) {
		t.Errorf("loaded: %v", err)
	}
	g.Replica.loaded.give(1)
	b, free, err := g.load("d")
	if err != nil || len(b) != 1000 {
		t.Fatal(err)
	}
	free()
	if g.Replica.loaded.used != mostLoaded-3000 {
		t.Errorf("%d are in use", g.Replica.loaded.used)
	}
}
