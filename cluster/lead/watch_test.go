package lead

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// TestStandstill: after this process stood still, silence is counted anew.
func TestStandstill(t *testing.T) {
	tm := newTerm(context.Background(), &Config{Logger: slog.New(slog.DiscardHandler)}, 1)
	began := time.Now()
	s := newSession(queue.WorkerView{Worker: "w"}, began)
	s.conn = newConn(tm, link.Attached{})
	s.conn.sent(1)
	tm.sessions[s.id] = s
	late := began.Add(7 * time.Second)
	tm.excuse(late.Add(-100*time.Millisecond), late)
	if !s.heard.Equal(began) {
		t.Error("a wake-up that is a little late excused a silent worker")
	}
	tm.excuse(began.Add(time.Second), late)
	if next, some := tm.judge(late); !some || !next.Equal(late.Add(holdAfter)) || s.acting {
		t.Errorf("after the standstill the next look is at %s", next.Sub(began))
	}
}

// noProposals gets nothing through.
type noProposals struct{}

func (noProposals) Propose(context.Context, ...command.Command) ([]command.Result, error) {
	return nil, errors.New("no")
}

// TestEndThatFailed: a worker whose session could not be ended may attach.
func TestEndThatFailed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tm := newTerm(ctx, &Config{Logger: slog.New(slog.DiscardHandler), Proposer: noProposals{}}, 1)
	began := time.Now()
	v := queue.WorkerView{Worker: "w", Session: queue.Fence{Index: 1}}
	s := newSession(v, began)
	tm.sessions[s.id] = s
	tm.judge(began.Add(endAfter))
	tm.work.Wait()
	if err := tm.tie(newConn(tm, link.Attached{}), v, &link.Hello{}); err != nil {
		t.Errorf("the worker that is back: %v", err)
	}
}

// TestAssignmentIsPushedOnce: what the machine told of when the worker attached
// may be told of again by the entry that it came from.
func TestAssignmentIsPushedOnce(t *testing.T) {
	c := newConn(nil, link.Attached{})
	old := state.Assigned{Fence: queue.Fence{Index: 5, Ord: 1}}
	c.fill([]state.Assigned{old}, nil, nil)
	if taken, _ := c.takeAssigned(); len(taken) != 1 {
		t.Fatalf("took %+v", taken)
	}
	c.assign(&old)
	c.assign(&state.Assigned{Fence: queue.Fence{Index: 6}})
	if taken, _ := c.takeAssigned(); len(taken) != 1 || taken[0].Fence.Index != 6 {
		t.Errorf("pushed %+v", taken)
	}
}
