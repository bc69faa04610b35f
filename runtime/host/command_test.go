package host

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"
	"time"

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
	m, deep := guest(t, "acts", KindCommand), guest(t, "recurse", KindCommand)
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
		{"deep", queue.ErrStackOverflow, 0},
		{"hog", queue.ErrOutOfMemory, 0},
		{"flood", queue.ErrOutputTooLarge, 0},
		{"bytes", queue.ErrInvalidOutput, 0},
	} {
		o := run(t, h, attempt(either(c.input == "deep", deep, m), c.input))
		if o.OK || o.Error.Type != c.want || o.Error.ExitCode != c.code {
			t.Errorf("%q: got %+v, want %s %d", c.input, o.Error, c.want, c.code)
		}
		if o.OK || o.Error.Message == "" {
			t.Errorf("%q: no message", c.input)
		}
		if o := run(t, h, attempt(m, "count")); string(o.Result) != "1" {
			t.Errorf("after %q: %s %+v", c.input, o.Result, o.Error)
		}
	}
}

func either[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func TestEnvironment(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for _, number := range []int{1, 7, 1, 2} {
		a := attempt(m, "env")
		a.Number = number
		want := `"WINDROW_TASK_ID=` + a.ID.String() + `;WINDROW_ATTEMPT=` + strconv.Itoa(number) + `;0"`
		if o := run(t, h, a); string(o.Result) != want {
			t.Errorf("environment and number of arguments: %s, want %s", o.Result, want)
		}
	}
	if o := run(t, h, attempt(m, "open")); string(o.Result) == "0" {
		t.Error("a guest opened a file")
	}
}

// Every attempt begins with the same zeros, whatever the one before wrote.
func TestFreshState(t *testing.T) {
	h := newHost(t, func(c *Config) { c.Concurrency = 1 })
	m := guest(t, "acts", KindCommand)
	seen := map[string]bool{}
	for range 5 {
		for _, input := range []string{"dirty 1", "dirty 20", "dirty 3"} {
			if o := run(t, h, attempt(m, input)); string(o.Result) != "0" {
				t.Fatalf("%s: found %s words of another attempt, %+v", input, o.Result, o.Error)
			}
		}
		o := run(t, h, attempt(m, "random"))
		if seen[string(o.Result)] {
			t.Fatalf("the same random number twice: %s", o.Result)
		}
		seen[string(o.Result)] = true
	}
}

func TestMemoryLimit(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for _, c := range []struct {
		limit int64
		input string
		ok    bool
	}{
		{16 << 20, "dirty 8", true},
		{16 << 20, "dirty 17", false},
		{128 << 20, "dirty 100", true},
		{16 << 20, "dirty 17", false},
		{0, "dirty 60", true},
		{0, "dirty 64", false},
	} {
		a := attempt(m, c.input)
		a.MemoryLimit = c.limit
		o := run(t, h, a)
		if o.OK != c.ok || !c.ok && o.Error.Type != queue.ErrOutOfMemory {
			t.Errorf("%s under %d: %+v", c.input, c.limit, o.Error)
		}
		if o.Usage.MemoryBytes <= 0 || o.Usage.MemoryBytes > a.memory() {
			t.Errorf("%s under %d: used %d", c.input, c.limit, o.Usage.MemoryBytes)
		}
	}
	// A module that begins with more than the limit.
	if o := run(t, h, attempt(guest(t, "wide", KindCommand), "")); o.OK || o.Error.Type != queue.ErrOutOfMemory {
		t.Errorf("128 MiB to begin with: %+v", o.Error)
	}
	a := attempt(guest(t, "wide", KindCommand), "")
	a.MemoryLimit = 128 << 20
	if o := run(t, h, a); !o.OK {
		t.Errorf("128 MiB allowed: %+v", o.Error)
	}
}

func TestOutputLimit(t *testing.T) {
	h := newHost(t)
	a := attempt(guest(t, "acts", KindCommand), "out 980")
	a.MaxOutput = 1000
	if o := run(t, h, a); !o.OK || len(o.Result) < 980 {
		t.Errorf("at the limit: %d bytes, %+v", len(o.Result), o.Error)
	}
	a = attempt(a.Module, "out 1001")
	a.MaxOutput = 1000
	if o := run(t, h, a); o.OK || o.Error.Type != queue.ErrOutputTooLarge {
		t.Errorf("past the limit: %+v", o.Error)
	}
	a = attempt(a.Module, "out 999") // and quotes
	a.MaxOutput = 1000
	if o := run(t, h, a); o.OK || o.Error.Type != queue.ErrOutputTooLarge {
		t.Errorf("past the limit as JSON: %+v", o.Error)
	}
	a = attempt(a.Module, "out 66060288")
	if o := run(t, h, a); !o.OK {
		t.Errorf("64 MiB: %+v", o.Error)
	}
}

func TestInputLimit(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	if o := run(t, h, attempt(m, string(make([]byte, MaxInput)))); !o.OK {
		t.Errorf("64 MiB of input: %+v", o.Error)
	}
	o := run(t, h, attempt(m, string(make([]byte, MaxInput+1))))
	if o.OK || o.Error.Type != queue.ErrInputTooLarge {
		t.Errorf("more: %+v", o.Error)
	}
}

func TestLog(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct{ n, streamed int }{
		{0, 3}, {5000, 5003}, {200_000, 200_003}, {1 << 20, DefaultMaxLog},
	} {
		a := attempt(guest(t, "acts", KindCommand), "log "+strconv.Itoa(c.n))
		var got []byte
		a.OnLog = func(b []byte) { got = append(got, b...) }
		o := run(t, h, a)
		if !o.OK || o.LogLen != int64(c.n)+3 || len(got) != c.streamed {
			t.Errorf("log %d: LogLen %d, streamed %d, %+v", c.n, o.LogLen, len(got), o.Error)
		}
		if want := min(c.n+3, queue.LogTail); len(o.Log) != want || !bytes.HasSuffix(o.Log, []byte("end")) {
			t.Errorf("log %d: a tail of %d", c.n, len(o.Log))
		}
		quiet := attempt(a.Module, string(a.Input))
		if o := run(t, h, quiet); o.LogLen != int64(c.n)+3 {
			t.Errorf("log %d, nobody follows: LogLen %d", c.n, o.LogLen)
		}
	}
}

func TestSleepAndClocks(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	for _, input := range []string{"sleep 30", "until 30"} {
		o := run(t, h, attempt(m, input))
		if string(o.Result) != "0" || o.Usage.WallNanos < int64(25*time.Millisecond) {
			t.Errorf("%s: result %s after %s, %+v", input, o.Result, time.Duration(o.Usage.WallNanos), o.Error)
		}
		if o.Usage.CPUNanos >= o.Usage.WallNanos {
			t.Errorf("%s: %d ns of processor in %d", input, o.Usage.CPUNanos, o.Usage.WallNanos)
		}
	}
	before := time.Now().UnixNano()
	o := run(t, h, attempt(m, "clock"))
	var wall, mono int64
	if _, err := fmt.Sscanf(string(o.Result), `"%d %d"`, &wall, &mono); err != nil || wall < before || wall > time.Now().UnixNano() || mono <= 0 {
		t.Errorf("clock: %s, %v", o.Result, err)
	}
	if o.Started < before-int64(time.Millisecond) || o.Finished < o.Started {
		t.Errorf("started %d, finished %d, submitted %d", o.Started, o.Finished, before)
	}
}
