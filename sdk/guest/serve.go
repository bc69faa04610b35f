package guest

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strings"
)

// defaultMemory is what an attempt has where nobody says otherwise, bytes.
const defaultMemory = 64 << 20

// Serve makes one attempt: it finds the task that the envelope names, runs it
// and tells the host how it ended. It returns 0, or 1 after a failure. The
// module's entry calls it.
func Serve(h Host, envelope []byte) int32 { return serve(h, envelope, false) }

// ServeStrictly is Serve with unknown properties in the input refused, which a
// node has done at submission. Package guesttest calls it.
func ServeStrictly(h Host, envelope []byte) int32 { return serve(h, envelope, true) }

func serve(h Host, envelope []byte, strict bool) int32 {
	call, err := readCall(envelope)
	if err != nil {
		return fail(h, &Failure{Type: "invalid_envelope", Message: err.Error(), Retry: new(bool)})
	}
	t := find(call.Task)
	if t == nil {
		return fail(h, &Failure{Type: "unknown_task", Message: fmt.Sprintf("this module has no task %q", call.Task), Retry: new(bool)})
	}
	call.strict = strict
	if memory := cmp.Or(call.Memory, t.settings().defaults.Memory, defaultMemory); memory != defaultMemory {
		limitMemory(memory)
	}
	ctx := newContext(h, call)
	defer ctx.close()
	ctx.Log = newLogger(h, t.settings().level)
	out, err := recovered(t, ctx)
	if w := waits(err); w != nil {
		if err = w.settle(h); err == nil {
			return 0
		}
	}
	if err != nil {
		if stopped(ctx, err) {
			return stop(ctx, err)
		}
		f := failure(ctx, err)
		if f.Trace != "" {
			_, _ = h.Call(OpLog, []byte(f.Message+"\n"+f.Trace))
		}
		return fail(h, f)
	}
	if out != nil {
		if _, err := h.Call(OpOutput, out); err != nil {
			return fail(h, &Failure{Type: TypeInvalidResult, Message: err.Error(), Retry: new(bool)})
		}
	}
	return 0
}

func fail(h Host, f *Failure) int32 {
	if _, err := h.Call(OpFail, f.text()); err != nil {
		_, _ = h.Call(OpLog, []byte(f.Type+": "+f.Message+" (the host did not take it: "+err.Error()+")"))
	}
	return 1
}

// stop ends an attempt without a failure of its own: a host that has told the
// guest of its soft time limit calls it a soft_timeout.
func stop(ctx *Context, err error) int32 {
	_, _ = ctx.askRemaining() // tells
	_, _ = ctx.host.Call(OpLog, []byte(err.Error()))
	return 1
}

// crash is a handler's panic.
type crash struct {
	value any
	stack string
}

// Error is the panic's value.
func (c *crash) Error() string { return fmt.Sprint(c.value) }

// recovered runs a task and makes an error of a panic.
func recovered(t handler, ctx *Context) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &crash{value: v, stack: userStack(string(debug.Stack()))}
		}
	}()
	return t.invoke(ctx)
}

// userStack leaves out the frames above the panic and below the handler, which
// are the same in every trace.
func userStack(stack string) string {
	_, s, found := strings.Cut(stack, "\npanic(")
	if !found {
		return stack
	}
	lines := strings.Split(s, "\n")
	if len(lines) < 3 {
		return stack
	}
	lines = lines[2:] // the rest of panic's own two lines
	for i, line := range lines {
		if strings.Contains(line, "/sdk/guest.(*Task[") {
			lines = lines[:i]
			break
		}
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
