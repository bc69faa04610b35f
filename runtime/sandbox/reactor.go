package sandbox

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// The operations of windrow.call. Their numbers are ABI.
const (
	opOutput    = 1 // the result, in place of any before
	opFail      = 2 // {type, message, retry, after}
	opLog       = 3 // text for the attempt's log
	opProgress  = 4 // JSON for whoever watches
	opRemaining = 5 // answers the milliseconds until the deadline, as a number in ASCII
	opSpawn     = 6 // a canvas to run once the attempt is accepted; answers the run's id
	opDefer     = 7 // {state, wait, after}: the attempt ends, the task waits and goes on in a fresh instance
	opReplace   = 8 // a canvas whose result becomes the task's; answers the run's id
)

// What windrow.call returns below zero. A message for people waits then.
const (
	codeUnknown  = -1 // no such operation
	codePointer  = -2 // the bytes are not in the guest's memory
	codeSize     = -3 // too many bytes for the operation
	codeSoft     = -4 // the soft limit has passed: finish
	codeArgument = -5 // the bytes are not what the operation takes
	codeMoment   = -6 // not now: after DEFER and REPLACE only LOG, PROGRESS, REMAINING and FAIL are left
)

// hostState is what the host keeps for one attempt of a reactor.
type hostState struct {
	waiting  []byte // for windrow.read
	failed   []byte // what FAIL said
	toldSoft bool   // the guest knows that the soft limit has passed
	asks     asks
}

// hostCall is windrow.call(op, ptr, len) -> i64.
func (r *runner) hostCall(_ context.Context, mod api.Module, stack []uint64) {
	op, ptr, n := int32(stack[0]), uint32(stack[1]), uint32(stack[2])
	arg, ok := mod.Memory().Read(ptr, n)
	if !ok {
		stack[0] = r.refuse(codePointer, "the bytes are not in the guest's memory")
		return
	}
	stack[0] = r.operate(op, arg)
}

// operate does what the guest asks for. arg is the guest's memory: what is
// kept of it must be copied.
func (r *runner) operate(op int32, arg []byte) uint64 {
	switch op {
	case opOutput, opSpawn, opDefer, opReplace:
		return r.conclude(op, arg)
	case opFail:
		if len(arg) > frame.MaxMessage {
			return r.refuse(codeSize, "FAIL takes at most 4096 bytes")
		}
		r.host.failed = append([]byte{}, arg...)
	case opLog:
		r.logLine(arg)
	case opProgress:
		if r.softPassed() {
			return r.refuse(codeSoft, "the soft time limit has passed")
		}
		if len(arg) > frame.MaxProgress {
			return r.refuse(codeSize, "PROGRESS takes at most 65536 bytes")
		}
		if r.attempt.Progress {
			r.out.report(r.attempt.Seq, arg)
		}
	case opRemaining:
		return r.answer(strconv.AppendInt(nil, r.remaining().Milliseconds(), 10))
	default:
		return r.refuse(codeUnknown, "unknown operation "+strconv.Itoa(int(op)))
	}
	// One-way operations leave what waits as it is, so that a guest may log
	// before it reads its envelope.
	return 0
}

// conclude takes the result, or what the attempt asks for beside it. Nothing of
// that counts unless the attempt ends well.
func (r *runner) conclude(op int32, arg []byte) uint64 {
	switch a := &r.host.asks; {
	case a.wait != nil:
		return r.refuse(codeMoment, "the attempt has said that its task waits; return 0 now")
	case op == opOutput:
		r.stdout.set(arg)
		return 0
	case r.attempt.Describe:
		return r.refuse(codeMoment, "windrow_describe runs nothing")
	case len(arg) > frame.MaxAsks:
		return r.refuse(codeSize, errAsks.Error())
	}
	var id string
	var err error
	switch op {
	case opSpawn:
		id, err = r.host.asks.spawn(arg)
	case opDefer:
		err = r.host.asks.pause(arg)
	case opReplace:
		id, err = r.host.asks.replace(arg)
	}
	switch {
	case errors.Is(err, errAsks):
		return r.refuse(codeSize, err.Error())
	case err != nil:
		return r.refuse(codeArgument, err.Error())
	case id == "":
		return 0
	}
	return r.answer([]byte(id))
}

// answer leaves b for windrow.read.
func (r *runner) answer(b []byte) uint64 {
	r.host.waiting = b
	return uint64(len(b))
}

// refuse leaves a message for windrow.read and returns the code.
func (r *runner) refuse(code int64, message string) uint64 {
	r.host.waiting = []byte(message)
	return uint64(code)
}

// hostRead is windrow.read(ptr, cap) -> i32. A buffer outside of the memory
// reads nothing, and what waits keeps waiting.
func (r *runner) hostRead(_ context.Context, mod api.Module, stack []uint64) {
	ptr, size := uint32(stack[0]), uint32(stack[1])
	n := min(uint64(size), uint64(len(r.host.waiting)))
	to, ok := mod.Memory().Read(ptr, uint32(n))
	if !ok {
		stack[0] = api.EncodeI32(codePointer)
		return
	}
	copy(to, r.host.waiting)
	r.host.waiting = r.host.waiting[n:]
	stack[0] = n
}

// logLine adds a line to the attempt's log.
func (r *runner) logLine(arg []byte) {
	_, _ = r.log.Write(arg) // never fails
	if n := len(arg); n > 0 && arg[n-1] != '\n' {
		_, _ = r.log.Write([]byte{'\n'})
	}
}

// softPassed reports whether the soft limit has, and notes that the guest has
// been told.
func (r *runner) softPassed() bool {
	if r.attempt.Soft == 0 || time.Since(r.began) < time.Duration(r.attempt.Soft) {
		return false
	}
	r.host.toldSoft = true
	return true
}

// remaining is the time until the soft limit, or the deadline where there is
// none.
func (r *runner) remaining() time.Duration {
	limit := time.Duration(r.attempt.Timeout)
	if r.attempt.Soft > 0 {
		limit = min(limit, time.Duration(r.attempt.Soft))
		r.softPassed()
	}
	return max(0, limit-time.Since(r.began))
}

// envelope is what waits for a reactor on entry: the call's own members, then
// ours, so that a reader which keeps the last of two equal names keeps ours.
func (r *runner) envelope() []byte {
	a := r.attempt
	body := bytes.TrimSpace(a.Input)
	b := make([]byte, 0, len(body)+len(a.Task)+192)
	if inner, ok := bytes.CutPrefix(body, []byte{'{'}); ok {
		inner = bytes.TrimSpace(bytes.TrimSuffix(inner, []byte{'}'}))
		b = append(append(b, '{'), inner...)
		if len(inner) > 0 {
			b = append(b, ',')
		}
	} else {
		b = append(b, '{')
	}
	b = append(b, `"task":`...)
	b = strconv.AppendQuote(b, a.Task) // names are ASCII letters, digits and _.-
	b = append(b, `,"id":"`...)
	b = append(b, queue.ID(a.ID).String()...)
	b = append(b, `","attempt":`...)
	b = strconv.AppendInt(b, a.Number, 10)
	b = append(b, `,"memory":`...)
	b = strconv.AppendInt(b, a.Memory, 10)
	b = append(b, `,"deadline":"`...)
	b = r.began.Add(time.Duration(a.Timeout)).UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, `"}`...)
}
