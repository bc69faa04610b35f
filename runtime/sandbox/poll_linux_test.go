package sandbox

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/experimental/wazerotest"

	"github.com/windrow-dev/windrow/runtime/frame"
)

type sub struct {
	tag     byte
	id      uint32 // clock or descriptor
	timeout time.Duration
	abs     bool
}

func subscriptions(subs ...sub) []byte {
	b := make([]byte, len(subs)*subscriptionLen)
	for i, s := range subs {
		p := b[i*subscriptionLen:]
		p[0], p[8] = byte(i+1), s.tag
		binary.LittleEndian.PutUint32(p[16:], s.id)
		binary.LittleEndian.PutUint64(p[24:], uint64(s.timeout))
		if s.abs {
			p[40] = 1
		}
	}
	return b
}

func TestPoll(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		subs  []sub
		errno uint32
		rung  []byte // userdata of the events
		least time.Duration
	}{
		{"none", nil, wasiInval, nil, 0},
		{"relative", []sub{{eventClock, 1, 20 * ms, false}}, wasiSuccess, []byte{1}, 20 * ms},
		{"absolute, past", []sub{{eventClock, 0, 5, true}}, wasiSuccess, []byte{1}, 0},
		{"absolute", []sub{{eventClock, 1, time.Duration(frame.Now()) + 100*ms, true}}, wasiSuccess, []byte{1}, 0},
		{"the first of two", []sub{{eventClock, 1, time.Hour, false}, {eventClock, 1, 10 * ms, false}}, wasiSuccess, []byte{2}, 10 * ms},
		{"stdin", []sub{{eventClock, 1, time.Hour, false}, {eventFdRead, 0, 0, false}}, wasiSuccess, []byte{2}, 0},
		{"stdout", []sub{{eventFdWrite, 1, 0, false}}, wasiSuccess, []byte{1}, 0},
		{"unknown event", []sub{{9, 1, 0, false}}, wasiInval, nil, 0},
	} {
		mem := wazerotest.NewMemory(wazerotest.PageSize)
		mem.Write(0, subscriptions(c.subs...))
		r := &runner{page: testPage()}
		start := time.Now()
		errno := r.poll(mem, 0, 4096, uint32(len(c.subs)), 8192)
		took := time.Since(start)
		if errno != c.errno || took < c.least || took > time.Minute {
			t.Errorf("%s: errno %d after %s", c.name, errno, took)
		}
		if c.name == "absolute" && frame.Now() < int64(c.subs[0].timeout) {
			t.Errorf("%s: it did not sleep", c.name)
		}
		n, _ := mem.ReadUint32Le(8192)
		var rung []byte
		for i := range n {
			e, _ := mem.Read(4096+i*eventLen, eventLen)
			rung = append(rung, e[0])
		}
		if string(rung) != string(c.rung) {
			t.Errorf("%s: events of %v, want %v", c.name, rung, c.rung)
		}
		if err := r.page.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A guest may hand in anything.
func FuzzPoll(f *testing.F) {
	f.Add(subscriptions(sub{eventClock, 1, 5, false}, sub{eventFdRead, 7, 0, false}), uint32(0), uint32(4096), uint32(2))
	f.Fuzz(func(t *testing.T, b []byte, in, out, n uint32) {
		for i := range len(b) / subscriptionLen { // do not sleep
			p := b[i*subscriptionLen:]
			binary.LittleEndian.PutUint64(p[24:], 0)
		}
		mem := wazerotest.NewMemory(wazerotest.PageSize)
		if len(b) > wazerotest.PageSize {
			return
		}
		mem.Write(0, b)
		if in%subscriptionLen != 0 {
			return // other bytes would be times
		}
		r := &runner{page: testPage()}
		defer func() { _ = r.page.Close() }()
		r.poll(mem, in, out, n, 8192)
	})
}
