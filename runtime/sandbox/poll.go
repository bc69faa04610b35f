package sandbox

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// WASI numbers that poll_oneoff needs.
const (
	wasiSuccess = 0
	wasiBadf    = 8
	wasiFault   = 21
	wasiInval   = 28

	eventClock   = 0
	eventFdRead  = 1
	eventFdWrite = 2

	clockRealtime = 0

	subscriptionLen = 48
	eventLen        = 32
	maxSubscription = 1024
)

// pollOneoff replaces wazero's, which refuses absolute times and reports every
// clock as having rung. The standard streams are always ready, so a poll that
// names one does not sleep.
func (r *runner) pollOneoff(_ context.Context, mod api.Module, stack []uint64) {
	in, out, n, count := uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), uint32(stack[3])
	stack[0] = uint64(r.poll(mod.Memory(), in, out, n, count))
}

func (r *runner) poll(mem api.Memory, in, out, n, count uint32) uint32 {
	if n == 0 || n > maxSubscription {
		return wasiInval
	}
	subs, ok := mem.Read(in, n*subscriptionLen)
	events, ok2 := mem.Read(out, n*eventLen)
	if !ok || !ok2 {
		return wasiFault
	}
	sleep, errno := shortest(subs)
	if errno != wasiSuccess {
		return errno
	}
	if sleep > 0 {
		r.sleep(int64(sleep))
	}
	written := uint32(0)
	for i := range n {
		sub := subs[i*subscriptionLen:][:subscriptionLen]
		if sub[8] == eventClock && !rung(sub, sleep) {
			continue
		}
		putEvent(events[written*eventLen:][:eventLen], sub)
		written++
	}
	if !mem.WriteUint32Le(count, written) {
		return wasiFault
	}
	return wasiSuccess
}

// shortest is how long to sleep: until the first clock rings, or not at all
// when a stream is asked for.
func shortest(subs []byte) (time.Duration, uint32) {
	least := time.Duration(-1)
	for ; len(subs) > 0; subs = subs[subscriptionLen:] {
		switch subs[8] {
		case eventClock:
			if w := wait(subs); least < 0 || w < least {
				least = w
			}
		case eventFdRead, eventFdWrite:
			least = 0
		default:
			return 0, wasiInval
		}
	}
	return least, wasiSuccess
}

// rung reports whether the clock of a subscription has rung after a sleep.
func rung(sub []byte, slept time.Duration) bool {
	if relative(sub) {
		return wait(sub) <= slept
	}
	return wait(sub) == 0
}

func relative(sub []byte) bool { return binary.LittleEndian.Uint16(sub[40:])&1 == 0 }

// wait is how long until the clock of a subscription rings.
func wait(sub []byte) time.Duration {
	at := binary.LittleEndian.Uint64(sub[24:])
	if relative(sub) {
		return time.Duration(min(at, 1<<63-1))
	}
	now := frame.Now()
	if binary.LittleEndian.Uint32(sub[16:]) == clockRealtime {
		now = time.Now().UnixNano()
	}
	return max(0, time.Duration(min(at, 1<<63-1))-time.Duration(now))
}

// putEvent writes that the subscription's event has come.
func putEvent(event, sub []byte) {
	clear(event)
	copy(event, sub[:8]) // userdata
	event[10] = sub[8]
	if sub[8] == eventClock {
		return
	}
	if fd := binary.LittleEndian.Uint32(sub[16:]); fd > 2 {
		binary.LittleEndian.PutUint16(event[8:], wasiBadf)
		return
	}
	binary.LittleEndian.PutUint64(event[16:], 1) // bytes that are ready, at least
}

// sleep is the guest's, by poll_oneoff. The parent sees that the guest waits
// and lets another compute meanwhile.
func (r *runner) sleep(ns int64) {
	r.page.SetWaiting(true)
	time.Sleep(time.Duration(ns)) //nolint:forbidigo // it is what the guest asks for
	r.page.SetWaiting(false)
}
