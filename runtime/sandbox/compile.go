package sandbox

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// CompileMain is the life of a compile child: it compiles one module into an
// empty directory and says whether that went well. No guest code runs here,
// but a small module can ask the compiler for gigabytes and minutes; so the
// process has hard limits, and its parent a clock. It returns the exit code.
func CompileMain(skip ...string) int {
	earlyCompile(skip, frame.FDCompileEnd)
	answers := newAnswers(os.NewFile(frame.FDAnswers, "answers"))
	if err := compile(skip); err != nil {
		_ = answers.say(frame.KindFailed, func(b []byte) []byte { return frame.AppendFailed(b, readable(err)) })
		return blame(err)
	}
	var ready frame.Ready
	if answers.say(frame.KindReady, ready.Append) != nil {
		return 1
	}
	return 0
}

// blame is the exit code of a failed compilation. What the system refused, a
// full disk's next block or a file that is gone, another node may have; a file
// longer than compiled code may be is the module's.
func blame(err error) int {
	var errno syscall.Errno
	if errors.As(err, &errno) && errno != syscall.EFBIG {
		return frame.ExitNodeFault
	}
	return 1
}

func compile(skip []string) error {
	wasm, err := readAll(os.NewFile(frame.FDCompileModule, "module"))
	if err != nil {
		return err
	}
	lateCompile(skip)
	ctx := context.Background()
	e, err := newEngine(ctx, wasm, directoryPath(frame.FDCompileOut))
	if err != nil {
		return err
	}
	return e.link(ctx, &runner{engine: e})
}
