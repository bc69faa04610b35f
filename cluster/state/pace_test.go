package state

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// pace gives a call, now and then, a debounce or throttle key.
func (g *generator) pace(call *command.Call) {
	switch g.pick("pace", "no", "no", "no", "debounce", "throttle", "shadow") {
	case "debounce":
		call.Debounce = command.Debounce{Key: g.pick("debouncekey", "d", "e"), Wait: rapid.Int64Range(1, 3e9).Draw(g.t, "wait")}
		if g.pick("maxwait", "no", "yes") == "yes" {
			call.Debounce.MaxWait = call.Debounce.Wait + rapid.Int64Range(0, 2e9).Draw(g.t, "more")
		}
	case "throttle":
		call.Throttle = command.Throttle{Key: g.pick("throttlekey", "t", "s"), Every: rapid.Int64Range(1, 4e9).Draw(g.t, "every")}
	case "shadow":
		call.Shadow = "shown"
	}
}

func pacesOf(m *Machine, b *strings.Builder) {
	var lines []string
	for name, t := range m.debounced {
		lines = append(lines, fmt.Sprintf("debounce %q %s\n", name, t.id))
	}
	for name, h := range m.throttles.known {
		lines = append(lines, fmt.Sprintf("throttle %q until %d by %s\n", name, h.until, h.id))
	}
	slices.Sort(lines)
	for _, l := range lines {
		b.WriteString(l)
	}
}

// paced is a machine to which calls are given one at a time.
type paced struct {
	t     *testing.T
	m     *Machine
	sink  memory
	index uint64
	now   int64
	last  Applied
}

func newPaced(t *testing.T) *paced {
	p := &paced{t: t, sink: memory{}, now: 1e18}
	p.m = New(0, p.sink)
	p.apply(&command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod", Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}})
	return p
}

func (p *paced) apply(c command.Command) command.Result {
	p.index++
	p.last = p.m.Apply(p.index, entryOf(p.now, c))
	return p.last.Results[0]
}

// submit makes one task with the id n, after a time.
func (p *paced) submit(after int64, n uint32, change func(*command.Call)) (queue.ID, command.Result) {
	p.now += after
	call := command.Call{ID: queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80}.Plus(n), Payload: []byte{1, 0}}
	change(&call)
	return call.ID, p.apply(&command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{call}}})
}

func (p *paced) reload() {
	p.m.Cut()
	p.m = New(0, p.sink)
	if err := p.m.Load(scanOf(p.sink)); err != nil {
		p.t.Fatal(err)
	}
}

// TestDebounce has calls with one key take each other's place: the last one
// runs, wait after it, and no later than max_wait after the first.
func TestDebounce(t *testing.T) {
	p := newPaced(t)
	debounce := func(c *command.Call) { c.Debounce = command.Debounce{Key: "k", Wait: 10e9, MaxWait: 25e9} }
	begun := p.now
	var before queue.ID
	for n := range uint32(4) {
		id, r := p.submit(min(int64(n), 1)*8e9, n+1, debounce)
		if r.Code != command.OK {
			t.Fatal(r)
		}
		if n > 0 {
			if _, alive := p.m.Task(before); alive {
				t.Fatalf("call %d waits on", n-1)
			}
			v, _, err := DecodeTask(p.sink[string(FinishedKey(0, before))])
			if err != nil || v.State != queue.Revoked || v.Error.Type != queue.ErrReplaced || !strings.Contains(v.Error.Message, id.String()) {
				t.Fatalf("the one before ended as %+v, %v", v, err)
			}
		}
		v, _ := p.m.Task(id)
		if want := min(p.now+10e9, begun+25e9); v.ReadyAt != want || v.DebounceKey != "k" || v.WaitsFor != "time" {
			t.Fatalf("call %d waits for %s until %d, want %d", n, v.WaitsFor, v.ReadyAt-begun, want-begun)
		}
		before = id
		p.reload()
	}
	p.now = begun + 25e9
	p.apply(&command.Continue{})
	if v, _ := p.m.Task(before); v.WaitsFor != "slot" || v.DebounceKey != "" {
		t.Fatalf("after the longest wait it waits for %q with key %q", v.WaitsFor, v.DebounceKey)
	}
	// It goes its way now: another call has a wait of its own.
	next, _ := p.submit(1e9, 9, debounce)
	if _, alive := p.m.Task(before); !alive {
		t.Fatal("a task whose wait was over was replaced")
	}
	if v, _ := p.m.Task(next); v.ReadyAt != p.now+10e9 {
		t.Fatalf("the next one waits %d", v.ReadyAt-p.now)
	}
	p.apply(&command.Revoke{Namespace: "default", ID: next})
	after, _ := p.submit(9e9, 10, debounce)
	if v, _ := p.m.Task(after); v.ReadyAt != p.now+10e9 {
		t.Fatalf("after one that was revoked it waits %d", v.ReadyAt-p.now)
	}
	if len(p.m.debounced) != 1 {
		t.Fatalf("%d keys are known", len(p.m.debounced))
	}
}

// TestThrottle has one call through in each period, and forgets the key after it.
func TestThrottle(t *testing.T) {
	p := newPaced(t)
	throttle := func(c *command.Call) { c.Throttle = command.Throttle{Key: "k", Every: 10e9} }
	first, r := p.submit(0, 1, throttle)
	if r.Code != command.OK {
		t.Fatal(r)
	}
	p.reload()
	if _, r := p.submit(9e9, 2, throttle); r.Code != command.CodeThrottled || len(r.IDs) != 1 || r.IDs[0] != first || len(p.m.tasks) != 1 {
		t.Fatalf("the second within the period: %+v", r)
	}
	if _, r := p.submit(0, 3, func(c *command.Call) { c.Throttle = command.Throttle{Key: "other", Every: 20e9} }); r.Code != command.OK {
		t.Fatalf("another key: %+v", r)
	}
	if _, r := p.submit(1e9, 4, throttle); r.Code != command.OK {
		t.Fatalf("in the next period: %+v", r)
	}
	p.now += 30e9
	p.apply(&command.Continue{})
	for k := range p.sink {
		if k[2] == kindThrottle {
			t.Fatalf("the record %q is left", k)
		}
	}
	if len(p.m.throttles.known) != 0 {
		t.Fatalf("%d keys are known when their time is over", len(p.m.throttles.known))
	}
	p.m.throttles.most = 1
	p.submit(0, 5, throttle)
	if _, r := p.submit(0, 6, func(c *command.Call) { c.Throttle = command.Throttle{Key: "more", Every: 1} }); r.Code != command.CodeThrottleFull {
		t.Fatalf("with as many keys as there can be: %+v", r)
	}
}
