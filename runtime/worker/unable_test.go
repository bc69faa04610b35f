package worker

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// redelivered is another assignment of a task.
func redelivered(n, time int) Assignment {
	a := assignment(n, queue.Payload{})
	a.Fence.Index = uint64(1000*time + n)
	return a
}

var elsewhere = host.Result{Elsewhere: true, Outcome: queue.Outcome{Error: &queue.Error{Type: queue.ErrUnavailable, Message: "the disk is full"}}}

// TestUnableWorkerHandsBack: what a worker cannot begin fails nowhere, and the
// worker asks for nothing, then for one, then for all.
func TestUnableWorkerHandsBack(t *testing.T) {
	for name, spoil := range map[string]func(p *play) Assignment{
		"no module": func(p *play) Assignment {
			p.depot.local, p.depot.missing = false, true
			return assignment(1, queue.Payload{})
		},
		"no input":   func(*play) Assignment { return assignment(1, queue.Payload{Blob: "sha256:gone"}) },
		"no sandbox": func(*play) Assignment { return assignment(1, queue.Payload{}) },
	} {
		t.Run(name, func(t *testing.T) {
			playing(t, func(t *testing.T, p *play) {
				var a Assignment
				p.set(func() { a, p.stage.waits = spoil(p), true })
				p.push(a)
				for range 2000 { // by the millisecond, to see the report before the next
					synctest.Wait()
					p.end(taskID(1), elsewhere)
					if p.handBacks() > 0 {
						break
					}
					pass(time.Millisecond)
				}
				if last := p.last(); p.handBacks() != 1 || len(p.results()) != 0 || last.Limit.Seq == 0 || last.Limit.Running+last.Limit.Prefetch != 0 {
					t.Fatalf("%d hand-backs, %d results, last %+v", p.handBacks(), len(p.results()), last)
				}
				pass(2 * time.Second)
				if last := p.last(); last.Limit.Running != 1 || last.Limit.Prefetch != 0 {
					t.Fatalf("after a rest it asks for %+v", last.Limit)
				}
				p.set(func() { p.depot.local, p.stage.waits = true, false })
				p.push(redelivered(2, 1))
				pass(100 * time.Millisecond)
				if last := p.last(); last.Limit.Running != 4 {
					t.Errorf("once something has begun it asks for %+v", last.Limit)
				}
			})
		})
	}
}

// TestUnableForLong: a task that nobody can begin fails in the end, after many
// tries and some time, and only that task.
func TestUnableForLong(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		p.set(func() { p.stage.waits = true })
		var said bytes.Buffer
		p.w.log = slog.New(slog.NewTextHandler(&said, nil))
		start := time.Now()
		asked := 0
		for n := 0; len(p.results()) == 0; n++ {
			if n > 100 {
				t.Fatal("it goes on for ever")
			}
			before := p.handBacks()
			p.push(redelivered(1, n), redelivered(2+n, 500+n)) // each of the others comes once
			synctest.Wait()
			p.end(taskID(1), elsewhere)
			p.end(taskID(2+n), elsewhere)
			pass(100 * time.Millisecond)
			if len(p.results()) == 0 && p.handBacks() != before+2 {
				t.Fatalf("%d hand-backs of 2", p.handBacks()-before)
			}
			for range 1000 { // until it asks again
				if limit := lastLimit(p); limit.Running > 0 {
					break
				}
				pass(50 * time.Millisecond)
			}
			asked++
		}
		took := time.Since(start)
		got := p.results()
		if len(got) != 1 || got[0].ID != taskID(1) || got[0].Outcome.Error.Type != queue.ErrUnavailable || got[0].Outcome.Error.Message != "the disk is full" {
			t.Errorf("reported %+v", got)
		}
		if asked <= mostTrials || took < trialTime || took > time.Minute {
			t.Errorf("failed after %d tries in %s", asked, took)
		}
		if n := strings.Count(said.String(), "cannot begin"); n < 1 || n > 1+int(took/warnEvery) {
			t.Errorf("%d warnings in %s", n, took)
		}
	})
}

// lastLimit is what the worker asked for last.
func lastLimit(p *play) (limit Limit) {
	for _, r := range p.all() {
		if r.Limit.Seq > 0 {
			limit = r.Limit
		}
	}
	return limit
}

// TestRestsGrow: an unable worker tries ever more rarely, but goes on trying.
func TestRestsGrow(t *testing.T) {
	c := newCredit(8, 2)
	now := time.Unix(1000, 0)
	faults := 0
	for range 10 * 60 * 10 {
		now = now.Add(100 * time.Millisecond)
		c.relax(now, 3)
		running, prefetch, changed := c.want()
		if changed {
			c.ask(running, prefetch)
		}
		switch running {
		case 0:
			c.unable(now) // what was under way
		case 4, 8: // one beside the three that run
			faults++
			c.unable(now)
		default:
			t.Fatalf("asks for %d", running)
		}
	}
	if per := 10 * time.Minute / longRest; faults < int(per) || faults > int(per)+10 {
		t.Errorf("%d faults in ten minutes", faults)
	}
	c.able(now.Add(-time.Hour).UnixNano())
	if running, _, _ := c.want(); running != 0 {
		t.Error("what began before the fault ended the rest")
	}
	c.able(now.Add(1).UnixNano())
	now = now.Add(2 * firstRest)
	c.relax(now, 3)
	if running, _, _ := c.want(); running != 8 {
		t.Errorf("a worker that works again asks for %d", running)
	}
}

// TestTrialsAreForgotten: a task that went elsewhere is not remembered.
func TestTrialsAreForgotten(t *testing.T) {
	s := trials{of: map[queue.ID]*trial{}}
	now := time.Unix(1000, 0)
	for n := range 5000 {
		now = now.Add(time.Second)
		s.again(queue.ID(fmt.Appendf(make([]byte, 0, 16), "%016d", n)), now)
	}
	if n := len(s.of); n > int(trialKept/time.Second)+1 {
		t.Errorf("%d tasks are remembered", n)
	}
}

// TestWhatTheLeaderCannotGive: what lasts fails at once, by its own type; what
// does not goes back, and is no reason to ask for less.
func TestWhatTheLeaderCannotGive(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		lasting, passing := assignment(1, queue.Payload{}), assignment(2, queue.Payload{})
		lasting.Fault, lasting.FaultType = "more than 64 MiB", queue.ErrInputTooLarge
		passing.Fault = "it is to be dropped"
		p.push(lasting, passing)
		pass(time.Second)
		got := p.results()
		if len(got) != 1 || got[0].ID != taskID(1) || p.handBacks() != 1 {
			t.Fatalf("%d hand-backs, results %+v", p.handBacks(), got)
		}
		if e := got[0].Outcome.Error; e.Type != queue.ErrInputTooLarge || e.Message != lasting.Fault || e.Retry == nil || *e.Retry {
			t.Errorf("it failed by %+v", e)
		}
		if limit := lastLimit(p); limit.Running != 4 {
			t.Errorf("it asks for %+v", limit)
		}
	})
}

// TestLaterResults: what the leader cannot take is reported again, and the rest
// but once.
func TestLaterResults(t *testing.T) {
	playing(t, func(t *testing.T, p *play) {
		times := 3
		p.set(func() {
			p.boss.later = func(r *Report) (list []queue.Fence) {
				for i := range r.Results {
					if r.Results[i].ID == taskID(1) && times > 0 {
						times--
						list = append(list, r.Results[i].Fence)
					}
				}
				return list
			}
		})
		p.push(assignment(1, queue.Payload{}), assignment(2, queue.Payload{}))
		synctest.Wait()
		for n := range 2 {
			p.end(taskID(n+1), host.Result{Began: true, Outcome: queue.Outcome{OK: true, Result: []byte("1"), Started: 1}})
		}
		pass(10 * time.Second)
		count := map[queue.ID]int{}
		for _, r := range p.results() {
			count[r.ID]++
		}
		if count[taskID(1)] != 4 || count[taskID(2)] != 1 {
			t.Errorf("reported %v", count)
		}
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if len(p.w.tenure.jobs) != 0 || p.w.tenure.owes() != 0 {
			t.Errorf("it keeps %d jobs and owes %d", len(p.w.tenure.jobs), p.w.tenure.owes())
		}
	})
}
