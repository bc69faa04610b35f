package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// runner makes attempts, one after the other, each in an instance of its own.
// What an instance touches of the runner is reset before the next.
type runner struct {
	engine  *engine
	reactor bool
	page    *frame.Page
	out     *answers

	ctx    context.Context // carries the memory to wazero
	config wazero.ModuleConfig
	first  wazero.ModuleConfig // of a task's first attempt
	memory memory
	stdin  input
	stdout output
	log    log

	attempt *frame.Attempt
	began   time.Time
	cpu     int64 // threadCPU when the last attempt of this batch ended, or it began
	host    hostState
}

// The guest's environment.
const (
	envTask    = "WINDROW_TASK_ID"
	envAttempt = "WINDROW_ATTEMPT"
)

// newRunner links the module's imports and prepares the linear memory.
func newRunner(ctx context.Context, e *engine, load *frame.Load, page *frame.Page, out *answers) (*runner, error) {
	r := &runner{engine: e, reactor: load.Reactor, page: page, out: out}
	r.ctx = experimental.WithMemoryAllocator(ctx, &r.memory)
	// Each change of a configuration copies it, which is a tenth of a small
	// attempt: so there is one with the number that most attempts have. They
	// must be two, for what copies share is the environment.
	r.config = e.base(r).WithEnv(envTask, "").WithEnv(envAttempt, "")
	r.first = e.base(r).WithEnv(envTask, "").WithEnv(envAttempt, "1")
	if err := e.link(ctx, r); err != nil {
		return nil, err
	}
	if err := r.memory.region.reserve(load.Memory); err != nil {
		return nil, err
	}
	return r, nil
}

// batch says that attempts follow each other from now on, on this thread.
func (r *runner) batch() { r.cpu = threadCPU() }

// run makes one attempt. What the result holds is valid until the next.
func (r *runner) run(a *frame.Attempt) (res frame.Result, ended time.Time) {
	r.began = time.Now()
	res = frame.Result{Seq: a.Seq, Started: r.began.UnixNano()}
	if !r.page.Begin(a.Seq, frame.At(r.began)) {
		res.Exit = frame.ExitSkipped
		return res, r.began
	}
	r.begin(a)
	r.make(&res)
	ended = time.Now()
	res.Wall = int64(ended.Sub(r.began))
	cpu := threadCPU()
	res.CPU, r.cpu = max(0, cpu-r.cpu), cpu
	res.Tail, res.LogLen = r.log.last(), r.log.total
	return res, ended
}

// begin resets what the attempt before may have left.
func (r *runner) begin(a *frame.Attempt) {
	r.attempt = a
	r.stdin.b = nil
	var stream func([]byte)
	if a.StreamLog {
		stream = func(p []byte) { r.out.chunk(a.Seq, p) }
	}
	r.log.reset(a.MaxLog, stream)
	r.host = hostState{}
	if r.reactor || a.Describe {
		r.stdout.reset(a.MaxOutput, &r.log)
		return
	}
	r.stdout.reset(a.MaxOutput, nil)
	r.stdin.b = a.Input
}

// make runs the guest and fills in how it ended.
func (r *runner) make(res *frame.Result) {
	if err := r.memory.begin(r.attempt.Memory); err != nil {
		res.Exit, res.Message = frame.ExitMemory, []byte(err.Error())
		return
	}
	mod, err := r.instantiate()
	if err == nil {
		err = r.call(mod)
		if m := mod.Memory(); m != nil {
			res.Memory = int64(m.Size())
		}
		if cerr := mod.Close(r.ctx); err == nil {
			err = cerr
		}
	}
	r.judge(res, err)
}

// instantiate makes a fresh instance. wazero panics where the memory that the
// module begins with is refused.
func (r *runner) instantiate() (mod api.Module, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instantiate: %v", p)
		}
	}()
	cfg := r.first
	if r.attempt.Number != 1 {
		cfg = r.config.WithEnv(envAttempt, strconv.FormatInt(r.attempt.Number, 10))
	}
	cfg = cfg.WithEnv(envTask, queue.ID(r.attempt.ID).String())
	return r.engine.rt.InstantiateModule(r.ctx, r.engine.mod, cfg)
}

// errMissing says that the module has not what its kind must have.
type errMissing string

func (e errMissing) Error() string { return "the module does not export " + string(e) }

// call enters the guest the way its kind asks for.
func (r *runner) call(mod api.Module) error {
	if !r.reactor && !r.attempt.Describe {
		start := mod.ExportedFunction("_start")
		if start == nil {
			return errMissing("_start")
		}
		_, err := start.Call(r.ctx)
		return err
	}
	if init := mod.ExportedFunction("_initialize"); init != nil {
		if _, err := init.Call(r.ctx); err != nil {
			return err
		}
	}
	entry := "windrow_run"
	if r.attempt.Describe {
		entry = "windrow_describe"
	} else {
		r.host.waiting = r.envelope()
	}
	fn := mod.ExportedFunction(entry)
	if fn == nil {
		return errMissing(entry)
	}
	var stack [1]uint64
	if len(fn.Definition().ParamTypes()) != 0 || len(fn.Definition().ResultTypes()) > 1 {
		return errMissing(entry + " with no parameters and one result")
	}
	if err := fn.CallWithStack(r.ctx, stack[:]); err != nil {
		return err
	}
	if code := int32(stack[0]); code != 0 {
		return errReturned(code)
	}
	return nil
}

// errReturned is what a reactor's entry returned, not 0.
type errReturned int32

func (e errReturned) Error() string { return fmt.Sprintf("returned %d", int32(e)) }

// judge turns the end of the guest into the end of the attempt.
func (r *runner) judge(res *frame.Result, err error) {
	var exit *sys.ExitError
	var returned errReturned
	var missing errMissing
	switch {
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == 0:
		res.Exit = frame.ExitOK
	case errors.Is(err, errOutput):
		res.Exit = frame.ExitOutput
	case errors.As(err, &missing):
		res.Exit, res.Message = frame.ExitUnavailable, []byte(err.Error())
	case errors.As(err, &exit):
		res.Exit, res.Code = frame.ExitCode, int32(exit.ExitCode())
	case errors.As(err, &returned):
		res.Exit, res.Code = frame.ExitCode, int32(returned)
	default:
		r.trap(res, err)
	}
	switch {
	case r.host.failed != nil && (res.Exit == frame.ExitOK || res.Exit == frame.ExitCode):
		res.Exit, res.Message = frame.ExitFail, r.host.failed
	case res.Exit == frame.ExitOK:
		if res.Asks = r.host.asks.text(); r.host.asks.wait == nil {
			res.Output = r.stdout.b
		}
	case r.memory.refused && (res.Exit == frame.ExitTrap || res.Exit == frame.ExitCode && res.Code != queue.ExitTempFail):
		res.Exit = frame.ExitMemory
	case r.host.toldSoft && (res.Exit == frame.ExitTrap || res.Exit == frame.ExitCode):
		res.Exit = frame.ExitSoft
	}
}

// trap takes wazero's error apart: what happened, and the guest's stack.
func (r *runner) trap(res *frame.Result, err error) {
	msg, trace, _ := strings.Cut(err.Error(), "\nwasm stack trace:\n")
	// An error in wazero itself carries the stack of this process, which is
	// no guest's business.
	trace, _, _ = strings.Cut(trace, "\n\nGo runtime stack trace:")
	msg = strings.TrimPrefix(msg, "wasm error: ")
	if i := strings.Index(msg, "wasm error: "); i >= 0 {
		msg = msg[i+len("wasm error: "):] // the start function's has a preface
	}
	msg = strings.TrimSuffix(msg, " (recovered by wazero)")
	res.Exit, res.Message = frame.ExitTrap, []byte(msg)
	res.Trace = []byte(strings.ReplaceAll(strings.TrimPrefix(trace, "\t"), "\n\t", "\n"))
	if strings.HasSuffix(msg, "stack overflow") || msg == "out of bounds memory access" && runaway(trace) {
		res.Exit = frame.ExitStack
	}
}

// runaway reports whether a guest's stack is that of a recursion without end.
// C and Rust keep part of their stack in linear memory, and run out of that
// part first: what they get is an access out of bounds.
func runaway(trace string) bool {
	frames := strings.Split(trace, "\n")
	if len(frames) <= deepTrace {
		return false // wazero shows no more of them
	}
	slices.Sort(frames)
	return len(slices.Compact(frames)) <= fewFunctions
}

const (
	deepTrace    = 30
	fewFunctions = 6
)
