//go:build !wasip1

package guest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// module replaces the module's tasks while the test runs.
func module(t testing.TB, register func()) {
	t.Helper()
	old := tasks
	tasks = nil
	t.Cleanup(func() { tasks = old })
	register()
}

func nothing(*Context, struct{}) (None, error) { return None{}, nil }

func TestWrongModules(t *testing.T) {
	type bad struct{ C chan int }
	for want, register := range map[string]func(){
		"this module has no task":               func() {},
		`task "1st": a task's name begins with`: func() { Handle("1st", nothing) },
		`task "": a task's name begins with`:    func() { Handle("", nothing) },
		"task \"a b\"":                          func() { Handle("a b", nothing) },
		strings.Repeat("x", 256):                func() { Handle(strings.Repeat("x", 256), nothing) },
		`task "x": the name is taken`:           func() { Handle("x", nothing); Handle("x", nothing) },
		"field C: chan int: a chan is no JSON":  func() { Handle("x", func(*Context, bad) (int, error) { return 0, nil }) },
		"priority is 10":                        func() { Handle("x", nothing, Priority(10)) },
		"timeout is 0s":                         func() { Handle("x", nothing, Timeout(0)) },
		"memory is -1":                          func() { Handle("x", nothing, Memory(-1)) },
		"max_deliveries is 0":                   func() { Handle("x", nothing, MaxDeliveries(0)) },
		"concurrency key is 0":                  func() { Handle("x", nothing, ConcurrencyKey("k", 0)) },
		"pool_slots is 0":                       func() { Handle("x", nothing, Pool("p", 0)) },
		"a negative number":                     func() { Handle("x", nothing, Policy{Max: -1}) },
	} {
		module(t, register)
		if _, err := Manifest(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		h := &terminal{&bytes.Buffer{}, &bytes.Buffer{}}
		if code := Describe(h); code != 1 || !strings.Contains(h.stderr.(*bytes.Buffer).String(), `"type":"invalid_task"`) {
			t.Errorf("%s: windrow_describe returned %d: %s", want, code, h.stderr)
		}
		if code := program([]string{"x"}, nil, &bytes.Buffer{}, &bytes.Buffer{}); code != 1 {
			t.Errorf("%s: the program ended with %d", want, code)
		}
	}
	// Who runs such a task all the same is told, too.
	module(t, func() { Handle("x", func(*Context, bad) (int, error) { return 0, nil }) })
	h := &terminal{&bytes.Buffer{}, &bytes.Buffer{}}
	if code := Serve(h, []byte(`{"task":"x"}`)); code != 1 || !strings.Contains(h.stderr.(*bytes.Buffer).String(), "a chan is no JSON") {
		t.Errorf("windrow_run returned %d: %s", code, h.stderr)
	}
}

func TestProgram(t *testing.T) {
	module(t, func() {
		Handle("double", func(ctx *Context, in int) (int, error) {
			ctx.Log.Info("doubling")
			if _, err := ctx.HostCall(99, nil); err == nil {
				return 0, ErrUnknownOp
			}
			return 2 * in, ctx.Progress(Steps{Done: 1})
		}, Description("doubles"))
	})
	for _, c := range []struct {
		args           []string
		stdin          string
		code           int
		stdout, stderr string
	}{
		{[]string{"double", "4"}, "", 0, "8\n", "level=INFO msg=doubling\nprogress: {\"done\":1}\n"},
		{[]string{"double", "-"}, "21", 0, "42\n", "doubling"},
		{[]string{"double"}, "", 1, "", `{"type":"invalid_arguments","message":"the input is null; it is to be a whole number","retry":false}`},
		{[]string{"double", "x"}, "", 1, "", `the envelope is no JSON`},
		{[]string{"-manifest"}, "", 0, `{"abi":1,`, ""},
		{[]string{"triple"}, "", 2, "", "there is no task \"triple\"\nThis is"},
		{nil, "", 2, "", "  double doubles\n"},
		{[]string{"double", "1", "2"}, "", 2, "", "This is a task module"},
		{[]string{"-x"}, "", 2, "", "This is a task module"},
	} {
		var stdout, stderr bytes.Buffer
		code := program(c.args, strings.NewReader(c.stdin), &stdout, &stderr)
		if code != c.code || !strings.HasPrefix(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", c.args, code, stdout.String(), stderr.String())
		}
	}
}

func TestStack(t *testing.T) {
	for stack, want := range map[string]string{
		"no panic here": "no panic here",
		"goroutine 1:\npanic({0x1})\n\t/go/panic.go:1": "goroutine 1:\npanic({0x1})\n\t/go/panic.go:1",
		"a\nb\npanic({0x1})\n\t/go/panic.go:1\nmain.f()\n\t/m.go:2\ngithub.com/windrow-dev/windrow/sdk/guest.(*Task[...]).invoke()\n\t/t.go:3": "main.f()\n\t/m.go:2",
	} {
		if got := userStack(stack); got != want {
			t.Errorf("%q: got %q, want %q", stack, got, want)
		}
	}
}

// FuzzCall compares the reading of an envelope with encoding/json's.
func FuzzCall(f *testing.F) {
	for _, s := range []string{
		`{"args":[1,"two"],"kwargs":{"a":1},"input":{"x":null},"task":"t","id":"i","attempt":2,"deadline":"2026-11-24T09:30:00.5Z","memory":67108864}`,
		`{"task":"a","task":"b","args":[],"kwargs":{},"args":[[]]}`, `{}`, `[]`, `{"args":{},"kwargs":[]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readCall(b)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil {
			return // no object: an empty call
		}
		var task string
		if json.Unmarshal(want["task"], &task) == nil && got.Task != task {
			t.Fatalf("task %q, want %q", got.Task, task)
		}
		if !bytes.Equal(got.Input, want["input"]) || (got.Input == nil) != (want["input"] == nil) {
			t.Fatalf("input %q, want %q", got.Input, want["input"])
		}
		var args []json.RawMessage
		if json.Unmarshal(want["args"], &args) == nil && (len(args) != len(got.Args) || len(args) > 0 && !reflect.DeepEqual(args, got.Args)) {
			t.Fatalf("args %q, want %q", got.Args, args)
		}
		var kwargs map[string]json.RawMessage
		if json.Unmarshal(want["kwargs"], &kwargs) == nil && (len(kwargs) != len(got.Kwargs) || len(kwargs) > 0 && !reflect.DeepEqual(kwargs, got.Kwargs)) {
			t.Fatalf("kwargs %q, want %q", got.Kwargs, kwargs)
		}
	})
}

// FuzzServe: whatever comes, an attempt ends with an output or a failure that
// the host takes.
func FuzzServe(f *testing.F) {
	type input struct {
		A int            `json:"a" windrow:"arg=0,default=1,max=9"`
		B []string       `json:"b" windrow:"arg=1,optional"`
		C map[string]any `json:"c,omitempty"`
	}
	for _, s := range []string{`{"task":"t","args":[1,["x"]],"kwargs":{"c":{}}}`, `{"task":"t","input":{"a":10}}`, `{"task":"t"}`, `{"task":"u"}`, `nonsense`} {
		f.Add([]byte(s))
	}
	module(f, func() { Handle("t", func(_ *Context, in input) (input, error) { return in, nil }) })
	f.Fuzz(func(t *testing.T, envelope []byte) {
		h := &fuzzHost{}
		code := Serve(h, envelope)
		if code == 0 && !json.Valid(h.output) || code == 1 && !json.Valid(h.failure) || code != 0 && code != 1 || len(h.failure) > maxFailure {
			t.Fatalf("returned %d with output %q and failure %q", code, h.output, h.failure)
		}
	})
}

type fuzzHost struct{ output, failure []byte }

func (h *fuzzHost) Call(op int32, arg []byte) ([]byte, error) {
	switch op {
	case OpOutput:
		h.output = bytes.Clone(arg)
	case OpFail:
		h.failure = bytes.Clone(arg)
	case OpRemaining:
		return []byte("1000"), nil
	}
	return nil, nil
}
