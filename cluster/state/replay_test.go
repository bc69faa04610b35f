package state

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// generator makes random but plausible commands, from what it has seen of
// their effects.
type generator struct {
	t         *rapid.T
	n         uint32
	sessions  []queue.Fence
	seq       uint64
	held      []Assigned // assignments not known to have ended
	ids       []queue.ID
	stages    []queue.ID
	parts     map[queue.ID]uint32
	dead      func() []queue.ID
	deciding  func() []queue.View
	runs      []queue.ID
	runCount  uint32
	staged    stagedRun
	schedules func() []workflow.ScheduleView
	hooks     func() []command.Outbox
}

func (g *generator) namespace() string { return g.pick("namespace", "default", "default", "other") }

func (g *generator) id() queue.ID {
	g.n++
	return queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}.Plus(g.n)
}

func (g *generator) pick(name string, options ...string) string {
	return rapid.SampledFrom(options).Draw(g.t, name)
}

func (g *generator) calls(namespace string, most int) command.Calls {
	var c command.Calls
	for range rapid.IntRange(1, most).Draw(g.t, "calls") {
		s := queue.DefaultSpec(namespace, "mod", "main")
		s.Queue = g.pick("queue", "default", "a", "b")
		s.Priority = uint8(rapid.IntRange(0, 9).Draw(g.t, "priority"))
		s.MaxDeliveries = uint16(rapid.IntRange(1, 2).Draw(g.t, "deliveries"))
		s.ResultTTL = rapid.Int64Range(1e9, 20e9).Draw(g.t, "resultttl")
		s.AckEarly = g.pick("ack", "late", "late", "early") == "early"
		s.Retry = queue.Retry{Given: true, Max: 2, Backoff: 1e9, FactorMil: 2000, MaxBackoff: 60e9}
		if s.Pool = g.pick("pool", "", "", "p"); s.Pool != "" {
			s.PoolSlots = uint32(rapid.IntRange(1, 2).Draw(g.t, "slots"))
		}
		if g.pick("rate", "no", "no", "yes") == "yes" {
			s.Rate = queue.Rate{N: 2, Per: 1e9}
		}
		call := command.Call{ID: g.id(), Spec: uint32(len(c.Specs)), Payload: []byte{1, 0}}
		if g.pick("blob", "no", "no", "yes") == "yes" {
			call.Blobs = []string{g.pick("digest", "sha256:01", "sha256:02")}
		}
		call.FairnessKey = g.pick("fair", "", "x", "y")
		if g.pick("keyed", "no", "no", "yes") == "yes" {
			call.ConcurrencyKey, call.ConcurrencyLimit = "k", uint32(rapid.IntRange(1, 2).Draw(g.t, "keylimit"))
		}
		if g.pick("later", "no", "no", "yes") == "yes" {
			call.Countdown = rapid.Int64Range(0, 5e9).Draw(g.t, "countdown")
		}
		if g.pick("expires", "no", "no", "yes") == "yes" {
			call.ExpiresIn = rapid.Int64Range(1, 5e9).Draw(g.t, "expiresin")
		}
		if g.pick("unique", "no", "no", "no", "yes") == "yes" {
			call.UniqueKey = g.pick("uniquekey", "u", "v")
		}
		g.pace(&call)
		if dead := g.dead(); len(dead) > 0 && g.pick("replay", "no", "yes") == "yes" {
			call.Replays = rapid.SampledFrom(dead).Draw(g.t, "dead")
		}
		c.Specs = append(c.Specs, s)
		c.List = append(c.List, call)
		g.ids = append(g.ids, call.ID)
	}
	return c
}

func (g *generator) session() queue.Fence {
	if len(g.sessions) == 0 {
		return queue.Fence{}
	}
	return rapid.SampledFrom(g.sessions).Draw(g.t, "session")
}

func (g *generator) command() command.Command {
	switch g.pick("verb", "submit", "submit", "submit", "complete", "complete", "complete", "complete", "open", "limit", "limit",
		"end", "hold", "worker", "handback", "decide", "revoke", "purge", "pool", "queue", "stage", "staged", "continue", "run", "run", "run", "schedule", "schedule", "hook", "hook") {
	case "hook":
		return g.hookCommand()
	case "schedule":
		return g.scheduleCommand()
	case "run":
		return g.runCommand()
	case "submit":
		ns := g.namespace()
		c := &command.Submit{Namespace: ns, Calls: g.calls(ns, 4)}
		if g.pick("idem", "no", "yes") == "yes" {
			c.Idem = &command.Idempotency{Route: "r", Key: g.pick("key", "1", "2", "3"), Brief: g.pick("brief", "no", "yes") == "yes"}
		}
		return c
	case "complete", "handback":
		return g.report()
	case "open":
		c := &command.OpenSession{Worker: g.pick("worker", "w1", "w2", "w3")}
		if q := g.pick("queues", "", "a", "b"); q != "" {
			c.Queues = []string{q, "default"}
		}
		return c
	case "limit":
		g.seq++
		return &command.SetLimit{Session: g.session(), Seq: g.seq, Running: uint32(rapid.IntRange(0, 4).Draw(g.t, "running")),
			Prefetch: uint32(rapid.IntRange(0, 3).Draw(g.t, "prefetch"))}
	case "end":
		c := &command.EndSession{Session: g.session()}
		for _, h := range g.held {
			if h.Session == c.Session && g.pick("begun", "no", "yes") == "yes" {
				c.Begun = append(c.Begun, h.Fence)
			}
		}
		return c
	case "worker":
		return &command.PutDocument{Kind: command.KindWorker, Name: g.pick("worker", "w1", "w2"),
			Attributes: command.Attributes{Paused: g.pick("paused", "no", "no", "yes") == "yes", Slots: uint32(rapid.IntRange(0, 2).Draw(g.t, "cap"))}}
	case "hold":
		return &command.HoldSession{Session: g.session(), Hold: g.pick("hold", "no", "yes") == "yes"}
	case "revoke":
		if len(g.ids) > 1 && g.pick("many", "no", "no", "yes") == "yes" {
			return &command.RevokeMany{Namespace: g.namespace(), IDs: g.ids[len(g.ids)-2:], Terminate: g.pick("terminate", "no", "yes") == "yes"}
		}
		if len(g.ids) > 0 {
			return &command.Revoke{Namespace: g.namespace(), ID: rapid.SampledFrom(g.ids).Draw(g.t, "id"), Terminate: g.pick("terminate", "no", "yes") == "yes"}
		}
	case "purge":
		return &command.Purge{Namespace: g.namespace(), Queue: g.pick("queue", "default", "a", "b")}
	case "decide":
		if ids := g.deciding(); len(ids) > 0 {
			v := rapid.SampledFrom(ids).Draw(g.t, "deciding")
			return &command.Decide{ID: v.ID, Resumes: v.Resumes, Outcome: queue.Outcome{OK: true, Result: []byte("8")}}
		}
	case "pool":
		return &command.PutDocument{Kind: command.KindPool, Namespace: g.namespace(), Name: "p",
			Attributes: command.Attributes{Slots: uint32(rapid.IntRange(2, 4).Draw(g.t, "slots"))}}
	case "queue":
		d := &command.PutDocument{Kind: command.KindQueue, Namespace: g.namespace(), Name: g.pick("queue", "default", "a", "b")}
		d.Attributes.Paused = g.pick("paused", "no", "no", "yes") == "yes"
		d.Attributes.DeadTTL = rapid.Int64Range(0, 20e9).Draw(g.t, "deadttl")
		if g.pick("rate", "no", "yes") == "yes" {
			d.Attributes.RateN, d.Attributes.RatePer = 3, 1e9
		}
		return d
	case "stage":
		id := g.id()
		if len(g.stages) > 0 && g.pick("new", "no", "yes") == "no" {
			id = g.stages[len(g.stages)-1]
		} else {
			g.stages = append(g.stages, id)
		}
		c := &command.Stage{Namespace: "default", Stage: id, Part: g.parts[id], Calls: g.calls("default", 6)}
		if c.Part == 0 && g.pick("idem", "no", "yes") == "yes" {
			c.Idem = &command.Idempotency{Route: "r", Key: g.pick("key", "1", "2", "3")}
		}
		g.parts[id]++
		return c
	case "staged":
		if n := len(g.stages); n > 0 {
			return &command.SubmitStaged{Namespace: "default", Stage: g.stages[n-1], Parts: g.parts[g.stages[n-1]]}
		}
	}
	return &command.Continue{}
}

// report tells of up to three assignments, whether they still stand or not.
func (g *generator) report() command.Command {
	if len(g.held) == 0 {
		return &command.Continue{}
	}
	n := min(rapid.IntRange(1, 3).Draw(g.t, "reports"), len(g.held))
	out := g.held[:n]
	g.held = slices.Clone(g.held[n:])
	if g.pick("back", "no", "no", "no", "yes") == "yes" {
		c := &command.HandBack{Session: out[0].Session}
		for _, a := range out {
			c.Items = append(c.Items, command.Held{ID: a.ID, Fence: a.Fence})
		}
		return c
	}
	c := &command.Complete{Session: out[0].Session}
	for _, a := range out {
		o := queue.Outcome{OK: true, Result: []byte("7"), Started: 3, Finished: 4}
		if g.pick("ok", "yes", "yes", "no") == "no" {
			o = queue.Outcome{Error: &queue.Error{Type: queue.ErrTrap, Message: "boom"}, Started: 3, Finished: 4, Log: []byte("x"), LogLen: 1, Progress: []byte(`{"done":1}`)}
		}
		r := command.TaskResult{ID: a.ID, Fence: a.Fence, Outcome: o}
		if o.OK && g.pick("defer", "no", "no", "yes") == "yes" {
			g.deferral(a, &r)
		}
		c.Results = append(c.Results, r)
	}
	return c
}

func (g *generator) saw(a Applied) {
	g.held = append(g.held, a.Effects.Assigned...)
	g.sessions = append(g.sessions, a.Effects.Opened...)
}

// firstEntry gives every machine the same start.
func firstEntry() []byte {
	return entryOf(1e18,
		&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}},
		&command.PutDocument{Kind: command.KindModule, Namespace: "other", Name: "mod", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}},
		&command.PutDocument{Kind: command.KindPool, Namespace: "default", Name: "p", Attributes: command.Attributes{Slots: 2}},
		&command.PutDocument{Kind: command.KindPool, Namespace: "other", Name: "p", Attributes: command.Attributes{Slots: 2}},
		&command.OpenSession{Worker: "w1"})
}

func entryOf(now int64, cmds ...command.Command) []byte {
	b := command.AppendBatch(nil, now, len(cmds))
	for _, c := range cmds {
		b = command.AppendCommand(b, command.Encode(0, c))
	}
	return b
}

// TestReplayAndReload applies one random log to a machine that lives through
// and to one that is stored and loaded at random points: results, effects and
// stored bytes are equal at every step.
func TestReplayAndReload(t *testing.T) {
	defer func(turn, look, held int) { runTurn, quiet, heldTogether = turn, look, held }(runTurn, quiet, heldTogether)
	runTurn, quiet, heldTogether = 3, 2, 1
	defer func(free uint32) { freeResumes = free }(freeResumes)
	freeResumes = 1
	defer func(budget int) { entryBudget = budget }(entryBudget)
	rapid.Check(t, func(rt *rapid.T) {
		entryBudget = rapid.SampledFrom([]int{1, 4, 10, maxTransitions}).Draw(rt, "budget")
		sinkA, sinkB := memory{}, memory{}
		a, b := New(0, sinkA), New(0, sinkB)
		g := &generator{t: rt, parts: map[queue.ID]uint32{}, dead: func() []queue.ID { return deadOf(a) }, deciding: func() []queue.View { return a.Deciding() }, schedules: func() []workflow.ScheduleView { return a.Schedules("") }, hooks: func() []command.Outbox { return outboxes(a) }}
		now := int64(1e18)
		seen := newLedger()
		check := func(index uint64, entry []byte) {
			x, y := a.Apply(index, bytes.Clone(entry)), b.Apply(index, bytes.Clone(entry))
			if !reflect.DeepEqual(x, y) {
				rt.Fatalf("entry %d differs:\n%s\nafter a reload:\n%s", index, show(x), show(y))
			}
			if ma, mb := memoryOf(a), memoryOf(b); ma != mb {
				rt.Fatalf("after entry %d memory differs: %s", index, firstDifference(ma, mb))
			}
			g.saw(x)
			seen.check(rt, a, x)
			checkOutboxes(rt, a, sinkA)
			sinkA.sweep(a.now)
			sinkB.sweep(b.now)
		}
		check(1, firstEntry())
		for i := range rapid.IntRange(1, 60).Draw(rt, "entries") {
			now += rapid.Int64Range(0, 2e9).Draw(rt, "time")
			if rapid.IntRange(0, 9).Draw(rt, "pause") == 0 {
				now += idleTTL
			}
			var cmds []command.Command
			for range rapid.IntRange(1, 3).Draw(rt, "commands") {
				cmds = append(cmds, g.command())
			}
			check(uint64(i+2), entryOf(now, cmds...))
			if rapid.IntRange(0, 4).Draw(rt, "reload") == 0 {
				b.Cut()
				b = New(0, sinkB)
				if err := b.Load(scanOf(sinkB)); err != nil {
					rt.Fatal(err)
				}
			}
		}
		a.Cut()
		b.Cut()
		if !maps.EqualFunc(sinkA, sinkB, bytes.Equal) {
			rt.Fatalf("stored bytes differ: %s", difference(sinkA, sinkB))
		}
	})
}

// deadOf lists the dead-lettered tasks in an order that does not depend on maps.
func deadOf(m *Machine) []queue.ID {
	var ids []queue.ID
	for id := range m.dead {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, queue.ID.Compare)
	return ids
}

func show(a Applied) string {
	s := fmt.Sprintf("results %+v\nmoves %+v\nkills %+v\n", a.Results, a.Effects.Moves, a.Effects.Kills)
	for _, x := range a.Effects.Assigned {
		s += fmt.Sprintf("assigned %s %s to %s\n", x.ID, x.Fence, x.Session)
	}
	return s
}

func difference(a, b memory) string {
	for k, v := range a {
		if w, ok := b[k]; !ok || !bytes.Equal(v, w) {
			if len(k) > 2 && (k[2] == kindLive || k[2] == kindFinished) {
				x, _ := decodeRecord(v)
				y, _ := decodeRecord(w)
				return fmt.Sprintf("task:\n%+v\n%+v", x, y)
			}
			return fmt.Sprintf("key %q: %q against %q (there: %v)", k, v, w, ok)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			return fmt.Sprintf("key %q is only in the second", k)
		}
	}
	return ""
}

// ledger watches the promises from outside: one accepted end a task, and no
// session above its credit.
type ledger struct{ ended map[queue.ID]bool }

func newLedger() *ledger { return &ledger{ended: map[queue.ID]bool{}} }

func (l *ledger) check(t *rapid.T, m *Machine, a Applied) {
	for _, mv := range a.Effects.Moves {
		if l.ended[mv.ID] && mv.Schedule == 0 {
			t.Fatalf("task %s moved to %s after its end", mv.ID, mv.To)
		}
		if mv.To.Final() {
			l.ended[mv.ID] = true
		}
	}
	for _, x := range a.Effects.Assigned {
		s := m.sessions[x.Session]
		if s != nil && s.Outstanding > s.Running+s.Prefetch && s.Running+s.Prefetch > 0 && s.seq == 0 {
			t.Fatalf("session %s holds %d of %d", x.Session, s.Outstanding, s.Running+s.Prefetch)
		}
	}
	for _, q := range m.queues {
		sum := 0
		for x := q.head; x != nil; x = x.next {
			if x.flags&flagStaged == 0 {
				sum++
			}
		}
		if q.pending < 0 || q.scheduled < 0 || q.running < 0 || q.dead < 0 || q.pending+q.scheduled+q.running+q.dead != sum {
			t.Fatalf("queue %s counts %d pending, %d scheduled, %d running, %d dead of %d", q.name, q.pending, q.scheduled, q.running, q.dead, sum)
		}
	}
	pool, keys := map[string]uint32{}, map[string]uint32{}
	for _, x := range m.tasks {
		if x.asg == nil {
			continue
		}
		if x.spec.Pool != "" {
			pool[x.spec.Namespace] += x.spec.PoolSlots
		}
		if x.extra != nil && x.extra.key != "" {
			keys[x.spec.Namespace]++
		}
	}
	for _, ns := range []string{"default", "other"} {
		if pool[ns] > 4 || keys[ns] > 2 {
			t.Fatalf("%d slots of pool and %d of a key in use", pool[ns], keys[ns])
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\nagainst\n" + y[i]
		}
	}
	return fmt.Sprintf("%d lines against %d", len(x), len(y))
}
