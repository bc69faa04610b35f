package host

import (
	"testing"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

func granted(c *claim) bool {
	select {
	case <-c.granted:
		return true
	default:
		return false
	}
}

func TestBudget(t *testing.T) {
	b := newBudget(10)
	six, huge, one := b.claim(6), b.claim(1000), b.claim(1)
	if !granted(six) || granted(huge) || granted(one) {
		t.Fatal("not first come, first served")
	}
	six.release()
	six.release()
	if !granted(huge) || granted(one) || b.free != 0 {
		t.Fatalf("what is larger than all there is was not given all: %d free", b.free)
	}
	next := b.claim(5)
	one.release() // it gives up
	huge.release()
	if !granted(next) || granted(one) || b.free != 5 {
		t.Fatalf("who gave up stands in the way: %d free", b.free)
	}
	next.release()
	if b.free != 10 || len(b.line) != 0 {
		t.Fatalf("%d free in the end", b.free)
	}
	(*claim)(nil).release()
}

// Large outputs of many attempts are held one after the other: what has ended
// waits with its answer in the child, past its deadline, and takes no harm.
func TestLargeOutputsWait(t *testing.T) {
	const size, many, room = 700 << 10, 4, 2
	h := newHost(t, func(c *Config) { c.Concurrency = many; c.Outputs = room * copies * (size + 1000) })
	m := guest(t, "acts", KindCommand)
	run(t, h, attempt(m, "count"))
	type kept struct {
		Result
		release func()
	}
	results := make(chan kept, many)
	timeout := 2 * time.Second
	for range many {
		h.Submit(within(timeout, attempt(m, "out 716800")), func(r Result) { results <- kept{r, r.Hold()} })
	}
	eventually(t, "some are here, the others wait", func() bool {
		return answering(h) == many-room && len(results) == room
	})
	tick := time.Tick(10 * time.Millisecond)
	for until := time.Now().Add(timeout + 500*time.Millisecond); time.Now().Before(until); <-tick {
		if len(results) != room {
			t.Fatalf("%d results are held", len(results))
		}
	}
	for range many {
		select {
		case r := <-results:
			if !r.Outcome.OK || len(r.Outcome.Result) < size {
				t.Errorf("%d bytes, %+v", len(r.Outcome.Result), r.Outcome.Error)
			}
			r.release()
		case <-time.After(30 * time.Second):
			t.Fatal("there is room, and nothing comes")
		}
	}
	if h.outputs.free != h.cfg.Outputs {
		t.Errorf("%d of %d are free in the end", h.outputs.free, h.cfg.Outputs)
	}
}

// answering counts the children that wait for room for what they have begun to
// send.
func answering(h *Host) (n int) {
	look(h, func(l *loop) {
		for _, c := range l.children {
			if c.answering {
				n++
			}
		}
	})
	return n
}

// Who does not hold gives back with done; who waits for room can be killed.
func TestLargeOutputsEnd(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Outputs = 1 << 20 })
	m := guest(t, "acts", KindCommand)
	for range 3 {
		if o := run(t, h, attempt(m, "out 700000")); !o.OK {
			t.Errorf("%+v", o.Error)
		}
	}
	all := h.outputs.claim(frame.MaxFrame)
	<-all.granted
	waits := attempt(m, "out 700000")
	c := submit(h, waits)
	eventually(t, "it begins to answer", func() bool { return answering(h) > 0 })
	h.Kill(waits.ID, "revoked")
	if r := await(t, c); r.Outcome.OK || r.Outcome.Error.Type != "revoked" {
		t.Errorf("%+v", r.Outcome.Error)
	}
	if o := run(t, h, attempt(m, "out 1000")); !o.OK {
		t.Errorf("a small one beside it: %+v", o.Error)
	}
	all.release()
	if o := run(t, h, attempt(m, "out 700000")); !o.OK {
		t.Errorf("after it: %+v", o.Error)
	}
}
