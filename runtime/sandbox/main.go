// Package sandbox is what runs inside a sandbox process: one module, whose
// attempts it makes one after the other, each in a fresh instance. It is the
// only package that knows wazero. The process is started by runtime/host and
// speaks runtime/frame with it; it holds no secret, opens nothing after it has
// loaded its module, and trusts the guest with nothing but its own memory.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// Main is the life of a run child, which the executable enters for the host's
// hidden argument. It returns the exit code. The layers named in skip are left
// off; that is for tests.
func Main(skip ...string) int {
	layers := early(skip, frame.FDRunEnd)
	orders, out, err := pipes()
	if err != nil {
		return fatal(err)
	}
	r := frame.NewReader(orders, false)
	kind, body, err := r.Next(frame.MaxFrame)
	if err != nil || kind != frame.KindLoad {
		return fatal(fmt.Errorf("the first frame: kind %d, %w", kind, err))
	}
	load, err := frame.DecodeLoad(body)
	if err != nil {
		return fatal(err)
	}
	run, err := prepare(&load, out)
	if err != nil {
		_ = out.say(frame.KindFailed, func(b []byte) []byte { return frame.AppendFailed(b, readable(err)) })
		return 1
	}
	layers = append(layers, late(skip, load.Slack)...)
	ready := frame.Ready{Layers: layers}
	if err := out.say(frame.KindReady, ready.Append); err != nil {
		return 1
	}
	if load.Probe {
		return 0
	}
	return serve(r, run, out)
}

// largeModule is where a module's own data begin to matter for the collector.
// For smaller ones a collection at the start costs more than all the rest.
const largeModule = 1 << 20

// pipes opens what the parent left on the descriptors.
func pipes() (orders io.Reader, out *answers, err error) {
	for _, fd := range []int{frame.FDOrders, frame.FDAnswers} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, nil, fmt.Errorf("descriptor %d: %w", fd, err)
		}
	}
	in := os.NewFile(frame.FDOrders, "orders")
	return in, newAnswers(os.NewFile(frame.FDAnswers, "answers")), nil
}

// prepare loads the module, while files may still be read.
func prepare(load *frame.Load, out *answers) (*runner, error) {
	if load.Probe {
		return nil, nil
	}
	page, err := frame.MapPage(frame.FDPage)
	if err != nil {
		return nil, err
	}
	module := os.NewFile(frame.FDModule, "module")
	wasm, err := readAll(module)
	if err != nil {
		return nil, fmt.Errorf("read the module: %w", err)
	}
	ctx := context.Background()
	e, err := newEngine(ctx, wasm, directoryPath(frame.FDCache))
	if err != nil {
		return nil, err
	}
	run, err := newRunner(ctx, e, load, page, out)
	if err != nil {
		return nil, err
	}
	_ = module.Close() // all three were for reading only; the page stays mapped
	_ = syscall.Close(frame.FDCache)
	_ = syscall.Close(frame.FDPage)
	if len(wasm) > largeModule {
		// What lives now is many megabytes, and as much again is garbage.
		debug.SetGCPercent(100)
		runtime.GC()
	}
	return run, nil
}

// readAll reads a file of known size without growing.
func readAll(f *os.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, st.Size())
	_, err = io.ReadFull(f, b)
	return b, err
}

// serve makes attempts until the parent closes the pipe.
func serve(r *frame.Reader, run *runner, out *answers) int {
	var batch []frame.Attempt
	for {
		kind, body, err := r.Next(frame.MaxFrame)
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			return fatal(err)
		}
		if kind != frame.KindAttempts {
			return fatal(fmt.Errorf("a frame of kind %d", kind))
		}
		if batch, err = frame.DecodeAttempts(body, batch); err != nil {
			return fatal(err)
		}
		if err := runBatch(run, out, batch, r); err != nil {
			return 1
		}
	}
}

// runBatch makes the attempts of one frame. The thread is ours meanwhile, for
// its clock is read.
func runBatch(run *runner, out *answers, batch []frame.Attempt, r *frame.Reader) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	run.batch()
	var now time.Time
	for i := range batch {
		var res frame.Result
		res, now = run.run(&batch[i])
		out.result(&res, now, batch[i].Flush)
	}
	if r.Buffered() {
		// More is at hand: what has gathered goes with it, or by the timer.
		return nil
	}
	return out.flush()
}

// fatal says on stderr why the process ends.
func fatal(err error) int {
	fmt.Fprintln(os.Stderr, "windrow sandbox:", err)
	return 1
}
