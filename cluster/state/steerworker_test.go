package state

import (
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// TestSteerWorker drains a worker, lets it take part again, and bounds it; what
// is said of it holds for later sessions, too.
func TestSteerWorker(t *testing.T) {
	p := newPaced(t)
	session := p.apply(&command.OpenSession{Worker: "w"}).Session
	seq := uint64(0)
	ask := func(running, prefetch uint32) {
		seq++
		p.apply(&command.SetLimit{Session: session, Seq: seq, Running: running, Prefetch: prefetch})
	}
	held := func() int { return int(p.m.sessions[session].Outstanding) }
	n := uint32(0)
	submit := func(count int) {
		for range count {
			n++
			p.submit(0, n, func(*command.Call) {})
		}
	}
	steer := func(a command.Attributes) {
		p.apply(&command.PutDocument{Kind: command.KindWorker, Name: "w", Attributes: a})
	}
	ask(4, 2)
	submit(10)
	if held() != 6 {
		t.Fatalf("it holds %d of 4+2", held())
	}
	steer(command.Attributes{Paused: true})
	if got := len(p.last.Effects.Kills); got != 6 {
		t.Fatalf("a drain asks for %d tasks back", got)
	}
	for _, k := range p.last.Effects.Kills {
		if k.Terminate {
			t.Fatal("a drain stops what runs")
		}
	}
	back := &command.HandBack{Session: session}
	for _, k := range p.last.Effects.Kills[2:] {
		back.Items = append(back.Items, command.Held{ID: k.ID, Fence: k.Fence})
	}
	p.apply(back)
	ask(5, 2)
	if held() != 2 {
		t.Fatalf("drained it holds %d, of which 2 run", held())
	}
	p.reload()
	p.apply(&command.Continue{})
	if held() != 2 {
		t.Fatalf("drained and loaded it holds %d", held())
	}
	steer(command.Attributes{Slots: 3})
	if held() != 3 {
		t.Fatalf("bounded to 3 it holds %d", held())
	}
	session, seq = p.apply(&command.OpenSession{Worker: "w"}).Session, 0
	ask(8, 4)
	if held() != 3 {
		t.Fatalf("bounded to 3 its next session holds %d", held())
	}
	steer(command.Attributes{})
	submit(10)
	if held() != 12 {
		t.Fatalf("free again it holds %d of 8+4", held())
	}
	for _, x := range p.m.tasks {
		if x.state == queue.Revoked {
			t.Fatal("a task was revoked")
		}
	}
}
