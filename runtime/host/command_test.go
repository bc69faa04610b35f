package host

import (
	"testing"

	"github.com/windrow-dev/windrow/queue"
)

func TestCommand(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for _, c := range []struct{ input, want string }{
		{`echo {"a": [1, 2]}`, `{"a": [1, 2]}`},
		{"echo 12\n", "12"},
		{"echo plain <text>\n", `"plain <text>"`},
		{"echo two\nlines\n\n", `"two\nlines\n"`},
		{"echo ", ""},
		{"exit 0", ""},
		{"count", "1"},
	} {
		for range 2 {
			o := run(t, h, attempt(m, c.input))
			if !o.OK || string(o.Result) != c.want {
				t.Errorf("%q: got %s %+v, want %s", c.input, o.Result, o.Error, c.want)
			}
		}
	}
}

func TestCommandErrors(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for _, c := range []struct {
		input, want string
		code        int32
	}{
		{"exit 3", queue.ErrExitCode, 3},
		{"exit 75", queue.ErrExitCode, 75},
		{"trap", queue.ErrTrap, 0},
		{"divide", queue.ErrTrap, 0},
		{"bounds", queue.ErrTrap, 0},
		{"recurse", queue.ErrStackOverflow, 0},
		{"hog", queue.ErrOutOfMemory, 0},
		{"flood", queue.ErrOutputTooLarge, 0},
		{"bytes", queue.ErrInvalidOutput, 0},
	} {
		o := run(t, h, attempt(m, c.input))
		if o.OK || o.Error.Type != c.want || o.Error.ExitCode != c.code {
			t.Errorf("%q: got %+v, want %s %d", c.input, o.Error, c.want, c.code)
		} else {
			t.Logf("%q: %+v", c.input, o.Error)
		}
		if o := run(t, h, attempt(m, "count")); string(o.Result) != "1" {
			t.Errorf("after %q: %s %+v", c.input, o.Result, o.Error)
		}
	}
}
