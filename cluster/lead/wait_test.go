package lead_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
)

// TestWhatCannotBeGivenYetWaitsHere: the worker gets it once it can be given,
// others at once, and what lasts as a fault.
func TestWhatCannotBeGivenYetWaitsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		var full atomic.Bool
		full.Store(true)
		c.records.fault = func(id queue.ID) error {
			switch {
			case id == taskID(1) && full.Load():
				return errors.New("no space left on device")
			case id == taskID(3):
				return &queue.Lasting{Err: &queue.Error{Type: queue.ErrInputTooLarge, Message: "too much"}}
			}
			return nil
		}
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 4)
		defer h.Close()
		for n := range 3 {
			c.submit(n+1, nil)
		}
		got := map[queue.ID]link.Assignment{}
		for len(got) < 2 {
			for _, a := range h.take().Assignments {
				got[a.ID] = a
			}
		}
		if a, ok := got[taskID(2)]; !ok || a.Fault != "" {
			t.Errorf("the task behind it is %+v", a)
		}
		if a := got[taskID(3)]; a.Fault != "too much" || a.FaultType != queue.ErrInputTooLarge {
			t.Errorf("what lasts is %+v", a)
		}
		pass(3 * time.Second)
		full.Store(false)
		begun := time.Now()
		if a := h.take().Assignments[0]; a.ID != taskID(1) || a.Fault != "" || len(a.Payload) == 0 {
			t.Errorf("once it can be given it is %+v", a)
		}
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("it was tried again after %s", took)
		}
	})
}

// TestRevokedWhileItWaitsHere: the worker answers for what it is never given.
func TestRevokedWhileItWaitsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.records.fault = func(queue.ID) error { return errors.New("no space left on device") }
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 4)
		defer h.Close()
		id := c.submit(1, nil)
		pass(3 * time.Second)
		if _, err := c.Propose(t.Context(), &command.Revoke{Namespace: "default", ID: id, Terminate: true}); err != nil {
			t.Fatal(err)
		}
		p := h.take()
		if len(p.Assignments) != 1 || p.Assignments[0].Fault == "" || p.Assignments[0].FaultType != "" {
			t.Fatalf("%+v", p)
		}
		a := p.Assignments[0]
		if _, err := h.Report(t.Context(), &link.Report{HandBacks: []command.Held{{ID: a.ID, Fence: a.Fence}}}); err != nil {
			t.Fatal(err)
		}
		if v, _ := c.await(id); v.State != queue.Revoked {
			t.Errorf("%+v", v)
		}
	})
}

// TestOneChildThatCannotBeMade keeps no other result waiting.
func TestOneChildThatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		h := attachHand(t, c, "w", 4)
		defer h.Close()
		r := &link.Report{}
		var ids []queue.ID
		for n, canvas := range []string{"{1}", "broken", "{1}"} {
			ids = append(ids, c.submit(n+1, nil))
			a := h.take().Assignments[0]
			r.Results = append(r.Results, command.TaskResult{ID: a.ID, Fence: a.Fence, Outcome: queue.Outcome{OK: true, Started: 1,
				Children: []queue.Child{{ID: runNo(n), Canvas: []byte(canvas)}}}})
		}
		a, err := h.Report(t.Context(), r)
		if err != nil || len(a.Later) != 1 || a.Later[0] != r.Results[1].Fence {
			t.Fatalf("%+v, %v", a, err)
		}
		for n, want := range []bool{true, false, true} {
			if _, _, ok := c.ended(ids[n]); ok != want {
				t.Errorf("task %d has ended: %v", n, ok)
			}
		}
		r.Results[1].Outcome.Children[0].Canvas = []byte("{1}")
		r.Results = r.Results[1:2]
		if a, err := h.Report(t.Context(), r); err != nil || len(a.Later) != 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, _, ok := c.ended(ids[1]); !ok {
			t.Error("it was not taken later either")
		}
	})
}
