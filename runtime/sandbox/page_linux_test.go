package sandbox

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// testPage is a status page with no other side.
func testPage() *frame.Page {
	fd, err := unix.MemfdCreate("page", unix.MFD_CLOEXEC)
	if err != nil {
		panic(err)
	}
	if err := unix.Ftruncate(fd, frame.PageSize); err != nil {
		panic(err)
	}
	p, err := frame.MapPage(fd)
	if err != nil {
		panic(err)
	}
	if err := unix.Close(fd); err != nil {
		panic(err)
	}
	return p
}

func testRunner(page *frame.Page) *runner {
	wasm, err := os.ReadFile("../host/testdata/tiny.wasm")
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	e, err := newEngine(ctx, wasm, "")
	if err != nil {
		panic(err)
	}
	r, err := newRunner(ctx, e, &frame.Load{Memory: 1 << 20}, page, newAnswers(io.Discard))
	if err != nil {
		panic(err)
	}
	return r
}
