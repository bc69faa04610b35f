package host

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

func call(m Module, task, input string) *Attempt {
	a := attempt(m, input)
	a.Task = task
	return a
}

func TestReactor(t *testing.T) {
	h := newHost(t)
	m := guest(t, "react", KindReactor)
	for _, c := range []struct{ task, want string }{
		{"count", "1"}, {"count", "1"}, {"nothing", ""}, {"unknown", "-1"}, {"pointer", "-2"}, {"print", "true"},
	} {
		o := run(t, h, call(m, c.task, `{"args":[]}`))
		if !o.OK || string(o.Result) != c.want {
			t.Errorf("%s: got %s %+v, want %s", c.task, o.Result, o.Error, c.want)
		}
		if want := "started\n"; string(o.Log) != want && c.task != "print" {
			t.Errorf("%s: log %q", c.task, o.Log)
		}
		if want := "started\nto the log\n"; string(o.Log) != want && c.task == "print" {
			t.Errorf("%s: log %q", c.task, o.Log)
		}
	}
}

func TestEnvelope(t *testing.T) {
	h := newHost(t)
	m := guest(t, "react", KindReactor)
	for _, input := range []string{`{"args": [1, "two"], "kwargs": {}}`, ` {"input":{"task":"x"}} `, `{}`, ``} {
		a := call(m, "echo", input)
		a.Number, a.MemoryLimit = 3, 48<<20
		before := time.Now()
		o := run(t, h, a)
		var got struct {
			Task, ID            string
			Attempt             int
			Memory              int64
			Deadline            time.Time
			Args, Kwargs, Input json.RawMessage
		}
		if err := json.Unmarshal(o.Result, &got); err != nil {
			t.Fatalf("%s: %v: %s", input, err, o.Result)
		}
		if got.Task != "echo" || got.ID != a.ID.String() || got.Attempt != 3 || got.Memory != 48<<20 {
			t.Errorf("%s: %s", input, o.Result)
		}
		if d := got.Deadline.Sub(before); d < a.Timeout || d > a.Timeout+10*time.Second {
			t.Errorf("%s: the deadline is %s away", input, d)
		}
		var in map[string]any
		_ = json.Unmarshal([]byte(input), &in)
		if (got.Args != nil) != (in["args"] != nil) || (got.Input != nil) != (in["input"] != nil) {
			t.Errorf("%s: %s", input, o.Result)
		}
	}
}

func TestReactorErrors(t *testing.T) {
	h := newHost(t)
	m := guest(t, "react", KindReactor)
	o := run(t, h, call(m, "fail", "{}"))
	if e := o.Error; e == nil || e.Type != "no_stock" || e.Message != "sold out" || e.Retry == nil || *e.Retry || e.After != int64(90*time.Second) {
		t.Errorf("fail: %+v", o.Error)
	}
	if o := run(t, h, call(m, "badfail", "{}")); o.OK || o.Error.Type != guestType {
		t.Errorf("badfail: %+v", o.Error)
	}
	for _, c := range []struct {
		task, want string
		code       int32
	}{{"one", queue.ErrExitCode, 1}, {"exit", queue.ErrExitCode, 4}, {"nonesuch", queue.ErrExitCode, 9}} {
		if o := run(t, h, call(m, c.task, "{}")); o.OK || o.Error.Type != c.want || o.Error.ExitCode != c.code {
			t.Errorf("%s: %+v", c.task, o.Error)
		}
	}
	big := call(m, "big", "{}")
	big.MaxOutput = 1 << 10
	if o := run(t, h, big); o.OK || o.Error.Type != queue.ErrOutputTooLarge {
		t.Errorf("big: %+v", o.Error)
	}
	// A command is no reactor, and the other way round.
	if o := run(t, h, call(Module{Digest: "x1", Path: "testdata/acts.wasm", Kind: KindReactor}, "echo", "{}")); o.OK || o.Error.Type != queue.ErrUnavailable {
		t.Errorf("a command as a reactor: %+v", o.Error)
	}
}

func TestSoftTimeout(t *testing.T) {
	h := newHost(t)
	m := guest(t, "react", KindReactor)
	a := call(m, "soft", "{}")
	a.SoftTimeout = 50 * time.Millisecond
	o := run(t, h, a)
	if o.OK || o.Error.Type != queue.ErrSoftTimeout || o.Usage.WallNanos < int64(a.SoftTimeout) {
		t.Errorf("%+v after %s", o.Error, time.Duration(o.Usage.WallNanos))
	}
	r := call(m, "remaining", "{}")
	var ms int64
	if o := run(t, h, r); json.Unmarshal(o.Result, &ms) != nil || ms > r.Timeout.Milliseconds() || ms < 1000 {
		t.Errorf("remaining: %s %+v", o.Result, o.Error)
	}
}

func TestProgress(t *testing.T) {
	h := newHost(t)
	a := call(guest(t, "react", KindReactor), "progress", "{}")
	var got []string
	a.OnProgress = func(b []byte) { got = append(got, string(b)) }
	o := run(t, h, a)
	if !o.OK || len(got) < 2 || got[0] != "20" || got[len(got)-1] != "100" {
		t.Errorf("%v, %+v", got, o.Error)
	}
}

func TestDescribe(t *testing.T) {
	h := newHost(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	b, err := h.Describe(ctx, guest(t, "react", KindReactor))
	if err != nil || string(b) != `{"abi":1,"tasks":[{"name":"echo"}]}` {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := h.Describe(ctx, guest(t, "acts", KindCommand)); err == nil {
		t.Error("a command was described")
	}
}

func TestAsks(t *testing.T) {
	h := newHost(t)
	m := guest(t, "react", KindReactor)
	o := run(t, h, call(m, "spawn", "{}"))
	if !o.OK || o.Defer != nil || len(o.Children) != 2 || string(o.Children[0].Canvas) != `{"task":"m.a","args":["<"]}` ||
		string(o.Children[1].Canvas) != `{"group":[]}` || string(o.Result) != `"`+o.Children[1].ID.String()+`"` {
		t.Errorf("spawn: %+v %s %+v", o.Children, o.Result, o.Error)
	}
	o = run(t, h, call(m, "defer", "{}"))
	if d := o.Defer; !o.OK || d == nil || o.Result != nil || string(d.State) != `{"n":1}` || len(d.Wait) != 1 || d.After != int64(90*time.Second) || d.Replace {
		t.Errorf("defer: %+v %s %+v", o.Defer, o.Result, o.Error)
	}
	if want := "started\nstill heard\n"; string(o.Log) != want {
		t.Errorf("defer: log %q", o.Log)
	}
	o = run(t, h, call(m, "replace", "{}"))
	if d := o.Defer; !o.OK || len(o.Children) != 1 || d == nil || !d.Replace || len(d.Wait) != 1 || d.Wait[0] != o.Children[0].ID {
		t.Errorf("replace: %+v %+v %+v", o.Children, o.Defer, o.Error)
	}
	// What fails has asked for nothing.
	o = run(t, h, call(m, "asked_in_vain", "{}"))
	if o.OK || o.Error.Type != "changed_my_mind" || o.Children != nil || o.Defer != nil {
		t.Errorf("asked in vain: %+v %+v", o, o.Error)
	}
	if o := run(t, h, call(m, "wrong_asks", "{}")); !o.OK || string(o.Result) != "true" || o.Children != nil || o.Defer != nil {
		t.Errorf("wrong asks: %+v %+v", o, o.Error)
	}
}
