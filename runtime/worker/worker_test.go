package worker

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

func TestFirstReportAsksForWork(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		if len(p.all()) != 1 || p.all()[0].Limit != (Limit{Seq: 1, Running: 4}) {
			t.Fatalf("reported %+v", p.all())
		}
		pass(time.Hour)
		if len(p.all()) != 1 {
			t.Errorf("an idle worker reported %+v", p.all()[1:])
		}
	})
}

// TestReportsGather: a lone result goes at once; what ends meanwhile goes
// together.
func TestReportsGather(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		for n := range 40 {
			p.push(assignment(n, queue.Payload{}))
		}
		synctest.Wait()
		p.set(func() { p.boss.reports = nil })
		start := time.Now()
		p.ok(0, "0")
		for len(p.results()) == 0 {
			pass(time.Microsecond)
		}
		if took := time.Since(start); took > p.commit+time.Microsecond {
			t.Errorf("a lone result took %s, a commit takes %s", took, p.commit)
		}
		for n := 1; n < 40; n++ {
			p.ok(n, "1")
		}
		pass(10 * p.commit)
		if got := p.results(); len(got) != 40 || len(p.all()) > 4 {
			t.Errorf("%d results in %d reports", len(got), len(p.all()))
		}
	})
}

func TestReportsAreBounded(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		const n = 300
		for i := range n {
			p.push(assignment(i, queue.Payload{}))
			synctest.Wait()
		}
		p.set(func() { p.boss.commit = time.Second })
		for i := range n {
			if i%2 == 0 {
				p.ok(i, strings.Repeat("x", 10<<10))
				continue
			}
			p.end(taskID(i), host.Result{Began: true, Outcome: queue.Outcome{Error: &queue.Error{Type: queue.ErrTrap, Trace: strings.Repeat("x", 10<<10)}}})
		}
		pass(time.Minute)
		if got := p.results(); len(got) != n {
			t.Fatalf("%d results", len(got))
		}
		for _, r := range p.all() {
			size := 0
			for _, x := range r.Results {
				size += sizeOf(&x.Outcome)
			}
			if len(r.Results) > mostReport || size > reportBytes+11<<10 {
				t.Errorf("a report of %d results, %d bytes", len(r.Results), size)
			}
		}
	})
}

// TestResultsOutliveTheLink: what was not answered for is held and sent again.
func TestResultsOutliveTheLink(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}), assignment(2, queue.Payload{}))
		pass(time.Second) // it counts as begun
		p.set(func() { p.boss.commit = time.Minute })
		p.ok(1, "1")
		pass(100 * time.Millisecond)
		p.disconnect()
		p.set(func() { p.boss.commit = time.Millisecond })
		pass(100 * time.Millisecond)
		h := p.greetings()[len(p.greetings())-1]
		if h.Session != p.session || len(h.Held) != 2 || !h.Held[0].Begun || !h.Held[1].Begun || h.Incarnation != 7 {
			t.Errorf("came back with %+v", h)
		}
		if got := p.results(); len(got) != 1 || got[0].Fence.Index != 1 {
			t.Errorf("reported %+v", got)
		}
		p.push(assignment(2, queue.Payload{})) // which it has
		synctest.Wait()
		p.ok(2, "2")
		pass(100 * time.Millisecond)
		if got := p.results(); len(got) != 2 {
			t.Errorf("reported %+v", got)
		}
	})
}

// TestVoidSession: a session that was not resumed takes everything with it.
func TestVoidSession(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}))
		synctest.Wait()
		p.set(func() { p.boss.session = queue.Fence{Index: 2} })
		p.disconnect()
		pass(100 * time.Millisecond)
		if p.input(1) != "" {
			t.Error("the sandbox of a void session was left running")
		}
		if got := p.results(); len(got) != 0 {
			t.Errorf("reported %+v", got)
		}
		if last := p.last(); last.Limit.Running != 4 {
			t.Errorf("asked the new session for %+v", last.Limit)
		}
	})
}

func TestGapInPushesBreaksTheLink(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.link.seq++ })
		p.push(assignment(1, queue.Payload{}))
		pass(100 * time.Millisecond)
		if len(p.greetings()) != 2 || p.input(1) != "" {
			t.Errorf("%d hellos, input %q", len(p.greetings()), p.input(1))
		}
	})
}

// TestFetchedOnTheWay: what is not at hand keeps nobody else waiting.
func TestFetchedOnTheWay(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.blobs["sha256:big"] = []byte(`"big"`) })
		p.push(assignment(1, queue.Payload{Blob: "sha256:big"}), assignment(2, queue.Payload{Input: []byte("2")}), assignment(3, queue.Payload{Blob: "sha256:gone"}))
		synctest.Wait()
		if p.input(2) != "2" || p.input(1) != "" {
			t.Fatalf("inputs %q and %q", p.input(1), p.input(2))
		}
		pass(2 * slowness)
		if p.input(1) != `"big"` {
			t.Errorf("input %q", p.input(1))
		}
		if p.handBacks() != 1 || len(p.results()) != 0 {
			t.Errorf("%d hand-backs, %+v", p.handBacks(), p.results())
		}
		p.set(func() { p.depot.local = false })
		p.push(assignment(4, queue.Payload{Input: []byte("4")}))
		pass(2 * slowness)
		if p.input(4) != "4" {
			t.Errorf("with a fetched module the input was %q", p.input(4))
		}
	})
}

// TestKillOnTheWay: a task killed while its module is fetched never runs.
func TestKillOnTheWay(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.depot.local = false })
		a := assignment(1, queue.Payload{})
		p.push(a)
		synctest.Wait()
		p.set(func() {
			p.link.seq++
			p.link.pushes <- Push{Seq: p.link.seq, Kills: []Kill{{ID: a.ID, Fence: a.Fence, Terminate: true}, {Fence: queue.Fence{Index: 99}}}}
		})
		pass(2 * slowness)
		if p.handBacks() != 1 || p.input(1) != "" {
			t.Errorf("%d hand-backs, input %q", p.handBacks(), p.input(1))
		}
	})
}

// TestRevokeOfOneThatWaits: it is handed back, and neither are its neighbours
// nor is the worker's credit touched.
func TestRevokeOfOneThatWaits(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.stage.waits = true })
		list := []Assignment{assignment(1, queue.Payload{}), assignment(2, queue.Payload{}), assignment(3, queue.Payload{})}
		p.push(list...)
		synctest.Wait()
		p.set(func() {
			p.link.seq++
			p.link.pushes <- Push{Seq: p.link.seq, Kills: []Kill{{ID: list[1].ID, Fence: list[1].Fence}}}
		})
		pass(100 * time.Millisecond)
		if p.handBacks() != 1 || p.input(1) == "" || p.input(2) != "" || p.input(3) == "" {
			t.Errorf("%d hand-backs; the host has %q, %q, %q", p.handBacks(), p.input(1), p.input(2), p.input(3))
		}
		if last := p.last(); last.Limit.Seq != 0 {
			t.Errorf("a revoke changed the credit: %+v", last.Limit)
		}
	})
}

// TestBegunIsTheHostsToSay: what waits in the host has not begun, however long.
func TestBegunIsTheHostsToSay(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}))
		synctest.Wait()
		p.set(func() { p.stage.waits = true })
		p.push(assignment(2, queue.Payload{}))
		pass(time.Minute)
		p.disconnect()
		pass(100 * time.Millisecond)
		h := p.greetings()[len(p.greetings())-1]
		begun := map[uint64]bool{}
		for _, x := range h.Held {
			begun[x.Fence.Index] = x.Begun
		}
		if len(h.Held) != 2 || !begun[1] || begun[2] {
			t.Errorf("came back with %+v", h.Held)
		}
	})
}

func TestDamagedAssignments(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		damaged := assignment(1, queue.Payload{})
		damaged.Payload = []byte("?")
		p.push(damaged, assignment(3, queue.Payload{Raw: true, Input: []byte("1")}))
		pass(100 * time.Millisecond)
		got := p.results()
		if len(got) != 2 {
			t.Fatalf("reported %+v", got)
		}
		for i, want := range []string{"payload", "raw"} {
			if e := got[i].Outcome.Error; e == nil || !strings.Contains(e.Message, want) {
				t.Errorf("%d: %+v", i, e)
			}
		}
	})
}

func TestLargeResultsBecomeBlobs(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		big := strings.Repeat("x", queue.MaxInline+1)
		p.push(assignment(1, queue.Payload{}), assignment(2, queue.Payload{}), assignment(3, queue.Payload{}))
		synctest.Wait()
		p.ok(1, big)
		p.ok(2, big[1:])
		pass(2 * slowness)
		got := p.results()
		if len(got) != 2 || got[0].Fence.Index != 2 || got[0].Outcome.Blob != "" || len(got[0].Outcome.Result) != queue.MaxInline {
			t.Fatalf("what fits: %+v", got)
		}
		if o := got[1].Outcome; !o.OK || o.Result != nil || p.blob(o.Blob) != big || len(got[1].Blobs) != 1 || got[1].Blobs[0] != o.Blob {
			t.Errorf("what does not: OK %v, blob %q, %q", o.OK, o.Blob, got[1].Blobs)
		}
	})
}

// TestResultsWaitForTheBlobs: a success stays one, however long nobody takes
// its result, and others are answered for meanwhile.
func TestResultsWaitForTheBlobs(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		big := strings.Repeat("x", queue.MaxInline+1)
		p.push(assignment(1, queue.Payload{}), assignment(2, queue.Payload{}))
		synctest.Wait()
		p.set(func() { p.depot.missing = true })
		p.ok(1, big)
		pass(10 * time.Minute)
		p.ok(2, "2")
		pass(time.Second)
		if got := p.results(); len(got) != 1 || got[0].Fence.Index != 2 {
			t.Fatalf("while nobody takes it: %+v", got)
		}
		p.set(func() { p.depot.missing = false })
		pass(lastOffer + 2*slowness)
		got := p.results()
		if len(got) != 2 || !got[1].Outcome.OK || p.blob(got[1].Outcome.Blob) != big {
			t.Fatalf("once somebody does: %+v", got[1:])
		}
	})
}

// TestResultsEndWithTheSession: nobody waits for them any more.
func TestResultsEndWithTheSession(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.push(assignment(1, queue.Payload{}))
		synctest.Wait()
		p.set(func() { p.depot.missing = true })
		p.ok(1, strings.Repeat("x", queue.MaxInline+1))
		pass(time.Minute)
		p.set(func() { p.boss.session = queue.Fence{Index: 2} })
		p.disconnect()
		pass(3 * slowness) // one offer may be under way
		p.set(func() { p.depot.missing = false })
		pass(time.Minute)
		if len(p.results()) != 0 || len(p.depot.blobs) != 0 {
			t.Errorf("%d results and %d blobs of a void session", len(p.results()), len(p.depot.blobs))
		}
	})
}

// TestHostHandsBack: the limit goes down in the same step, so that the task
// does not come back at once.
func TestHostHandsBack(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		for n := range 4 {
			p.push(assignment(n, queue.Payload{}))
		}
		synctest.Wait()
		p.end(taskID(3), host.Result{})
		pass(100 * time.Millisecond)
		last := p.last()
		if len(last.HandBacks) != 1 || last.Limit.Running != 3 || last.Limit.Prefetch != 0 {
			t.Errorf("reported %+v", last)
		}
		pass(5 * time.Second)
		if last := p.last(); last.Limit.Running != 4 {
			t.Errorf("later asked for %+v", last.Limit)
		}
	})
}

func TestDrainOfAnIdleWorker(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		start := time.Now()
		if err := p.w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 10*time.Millisecond || !p.left() {
			t.Errorf("took %s, ended the session: %v", took, p.left())
		}
	})
}

// TestDrainWithoutALeader does not wait for one.
func TestDrainWithoutALeader(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.boss.session = queue.Fence{} })
		p.disconnect()
		start := time.Now()
		if err := p.w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 2*leaveWithin {
			t.Errorf("took %s", took)
		}
	})
}
