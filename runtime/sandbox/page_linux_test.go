package sandbox

import (
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
	unix.Close(fd)
	return p
}
