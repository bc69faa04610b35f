package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/windrow-dev/windrow/runtime/frame"
)

func TestBlame(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("compile: %w", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), frame.ExitNodeFault},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.EFBIG}, 1},
		{errors.New("invalid magic number"), 1},
	} {
		if got := blame(c.err); got != c.want {
			t.Errorf("%v: %d", c.err, got)
		}
	}
}
