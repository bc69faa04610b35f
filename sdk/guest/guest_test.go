package guest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
	"github.com/windrow-dev/windrow/sdk/guest/guesttest"
)

// The tasks of this test's module.

type sum struct {
	X int `json:"x" windrow:"arg=0"`
	Y int `json:"y" windrow:"arg=1,default=10"`
}

type order struct {
	Item  string `json:"item" windrow:"min=1"`
	Count int    `json:"count" windrow:"min=1"`
}

func (o *order) Validate() error {
	if o.Item == "unicorn" {
		return errors.New("item: there are no unicorns")
	}
	return nil
}

type noStock struct{ Item string }

func (e *noStock) Error() string     { return e.Item + " is sold out" }
func (e *noStock) ErrorType() string { return "no_stock" }

var (
	add = guest.Handle("add", func(_ *guest.Context, in sum) (int, error) { return in.X + in.Y, nil },
		guest.Description("adds"), guest.Queue("math"), guest.Priority(9), guest.Timeout(time.Minute),
		guest.SoftTimeout(30*time.Second), guest.Expires(time.Hour), guest.ResultTTL(24*time.Hour), guest.Memory(128<<20),
		guest.Policy{Max: 3, Backoff: time.Second, Factor: 1.5, MaxBackoff: time.Minute, Jitter: "equal", On: []string{"no_stock"}, NotOn: []string{"panic"}},
		guest.AckEarly(), guest.MaxDeliveries(2), guest.RateLimit("10/s"), guest.ConcurrencyKey("sums", 2),
		guest.Pool("cpu", 1), guest.IgnoreResult(), guest.Label("team", "a"), guest.Label("env", "b"), guest.Capabilities("http", "sql"))
	_ = guest.Handle("buy", func(_ *guest.Context, in order) (order, error) { return in, nil })
	_ = guest.Handle("total", func(_ *guest.Context, in []float64) (float64, error) {
		var t float64
		for _, v := range in {
			t += v
		}
		return t, nil
	})
	_ = guest.Handle("echo", func(_ *guest.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
	_ = guest.Handle("nothing", func(*guest.Context, struct{}) (guest.None, error) { return guest.None{}, nil }, guest.AllowUnknown())
	_ = guest.Handle("unwritable", func(*guest.Context, any) (any, error) { return make(chan int), nil })
	_ = guest.Handle("call", func(ctx *guest.Context, _ any) (string, error) {
		c := ctx.Call
		return fmt.Sprintf("%s %s %d %s %s %d", c.Task, ctx.TaskID(), ctx.Attempt(), c.Args, c.Kwargs["k"], time.Until(c.Deadline).Round(time.Minute)), nil
	})
	_ = guest.Handle("fail", func(_ *guest.Context, how string) (any, error) {
		base := errors.New("it broke")
		return nil, map[string]error{
			"plain":       base,
			"fatal":       guest.Fatal(base),
			"retry":       guest.Retry(base, 90*time.Second),
			"soon":        guest.Retry(base, 0),
			"typed":       guest.Errorf("broken", "part: %w", base),
			"own":         fmt.Errorf("buy: %w", &noStock{"tea"}),
			"fatal typed": fmt.Errorf("sad: %w", guest.Fatal(&noStock{"tea"})),
			"typed fatal": guest.Errorf("broken", "part: %w", guest.Fatal(base)),
			"retry fatal": guest.Retry(guest.Fatal(base), time.Second),
			"deadline":    context.DeadlineExceeded,
			"reserved":    guest.Errorf("timeout", "not ours to say"),
			"long":        errors.New(strings.Repeat("ü\n", 4000)),
		}[how]
	})
	_ = guest.Handle("panic", func(_ *guest.Context, deep int) (any, error) { return nil, fall(deep) })
	_ = guest.Handle("talk", func(ctx *guest.Context, _ any) (any, error) {
		ctx.Log.Info("hello", "n", 1)
		ctx.Log.With("a", "b").WithGroup("g").Warn("two\nlines", "x", 2)
		ctx.Log.Debug("not shown")
		for i := range 3 {
			if err := ctx.Progress(guest.Steps{Done: i + 1, Total: 3, Note: "a & b"}); err != nil {
				return nil, err
			}
		}
		return nil, ctx.Progress(make(chan int))
	})
	_ = guest.Handle("debug", func(ctx *guest.Context, _ any) (any, error) {
		ctx.Log.Debug("shown")
		return nil, nil
	}, guest.LogLevel(slog.LevelDebug))
	_ = guest.Handle("wait", func(ctx *guest.Context, how string) (string, error) {
		left := ctx.Remaining()
		switch how {
		case "done":
			<-ctx.Done()
			return "", ctx.Err()
		case "compute":
			for ctx.Err() == nil {
			}
			return "", fmt.Errorf("gave up: %w", ctx.Err())
		case "leave":
			go func() {
				<-ctx.Done()
				leftOver <- ctx.Err()
			}()
			return "left", nil
		case "derived":
			inner, cancel := context.WithTimeout(context.WithValue(ctx, key{}, 1), time.Hour)
			defer cancel()
			d, _ := inner.Deadline()
			if own, ok := ctx.Deadline(); !ok || !own.Equal(d) || inner.Value(key{}) != 1 || ctx.Value(key{}) != nil {
				return "", errors.New("the derived context is wrong")
			}
			<-inner.Done()
			return "", inner.Err()
		case "fatal":
			<-ctx.Done()
			return "", guest.Fatal(ctx.Err())
		case "typed":
			<-ctx.Done()
			return "", guest.Errorf("late", "%w", ctx.Err())
		case "progress":
			for {
				if err := ctx.Progress(1); err != nil {
					return "", err
				}
			}
		}
		return left.Round(time.Second).String(), ctx.Err()
	})
	_ = guest.Handle("host", func(ctx *guest.Context, _ any) (string, error) {
		b, err := ctx.HostCall(77, []byte("ping"))
		return string(b), err
	})
)

type key struct{}

var leftOver = make(chan error)

func fall(deep int) error {
	if deep > 0 {
		return fall(deep - 1)
	}
	panic("fell")
}

func TestInput(t *testing.T) {
	type kw = map[string]any
	args, kwargs := guesttest.Args, guesttest.Kwargs
	raw := func(s string) any { return json.RawMessage(s) }
	cases := []struct {
		task    string
		input   any
		options []guesttest.Option
		output  string // or
		message string // of invalid_arguments
	}{
		{"add", sum{1, 2}, nil, `3`, ``},
		{"add", kw{"x": 1}, nil, `11`, ``},
		{"add", raw(`{"x":1,"y":0}`), nil, `1`, ``},
		{"add", nil, []guesttest.Option{args(1, 2)}, `3`, ``},
		{"add", nil, []guesttest.Option{args(1)}, `11`, ``},
		{"add", nil, []guesttest.Option{args(1), kwargs(kw{"y": 4})}, `5`, ``},
		{"add", nil, []guesttest.Option{args(), kwargs(kw{"y": 4, "x": 2})}, `6`, ``},
		{"add", nil, []guesttest.Option{args(1, 2, 3)}, ``, `there are 3 args; this task takes at most 2: x, y`},
		{"add", nil, []guesttest.Option{args(1), kwargs(kw{"x": 4})}, ``, `x is given twice, as argument 0 and in kwargs`},
		{"add", nil, nil, ``, `x is missing`},
		{"add", raw(`null`), nil, ``, `the input is null; it is to be an object`},
		{"add", kw{"x": 1, "z": 2}, nil, ``, `z is unknown; there is x, y`},
		{"add", kw{"x": "1"}, []guesttest.Option{args(5, 5)}, ``, `x is "1"; it is to be a whole number`},
		{"buy", nil, []guesttest.Option{kwargs(kw{"item": "tea", "count": 2})}, `{"item":"tea","count":2}`, ``},
		{"buy", nil, []guesttest.Option{args(order{"tea", 2})}, `{"item":"tea","count":2}`, ``},
		{"buy", nil, []guesttest.Option{args(order{"tea", 2}, 1)}, ``, `there are 2 args; this task takes one, or an input`},
		{"buy", nil, []guesttest.Option{args(order{"tea", 2}), kwargs(kw{"count": 1})}, ``, `args and kwargs are given; this task takes one of them, for no field of its input is tagged as a positional argument`},
		{"buy", order{"", 0}, nil, ``, `item has 0 characters; it has at least 1; count is 0; it is at least 1`},
		{"buy", order{"unicorn", 1}, nil, ``, `item: there are no unicorns`},
		{"total", []float64{1, 2.5}, nil, `3.5`, ``},
		{"total", nil, []guesttest.Option{args([]int{1, 2})}, `3`, ``},
		{"total", nil, nil, `0`, ``},
		{"total", nil, []guesttest.Option{args(1, 2)}, ``, `there are 2 args; this task takes one, or an input`},
		{"echo", raw(` {"a" : "<&>"} `), nil, `{"a":"<&>"}`, ``},
		{"echo", nil, nil, `null`, ``},
		{"nothing", nil, nil, `null`, ``},
		{"nothing", kw{"x": 1}, nil, `null`, ``},
	}
	for _, c := range cases {
		a := guesttest.Run(t, c.task, c.input, c.options...)
		if c.message != "" {
			if !a.FailedWith(guest.TypeArguments) || !a.Fatal() || a.Failure.Message != c.message || a.Output != nil {
				t.Errorf("%s %v: got %+v, %s, want %s", c.task, c.input, a.Failure, a.Output, c.message)
			}
			continue
		}
		if a.Failure != nil || string(a.Output) != c.output {
			t.Errorf("%s %v: got %s, %+v, want %s", c.task, c.input, a.Output, a.Failure, c.output)
		}
	}
}

// TestServeIsLenient: what comes down a chain may hold more than is used.
func TestServeIsLenient(t *testing.T) {
	h := &recorder{}
	if code := guest.Serve(h, []byte(`{"task":"add","args":[1],"kwargs":{"z":2}}`)); code != 0 || h.said[guest.OpOutput] != "11" {
		t.Errorf("returned %d: %v", code, h.said)
	}
	for envelope, want := range map[string]string{
		`{"task":"nonesuch"}`:               `{"type":"unknown_task","message":"this module has no task \"nonesuch\"","retry":false}`,
		`{"task":"add"`:                     `{"type":"invalid_envelope","message":"the envelope is no JSON: \"{\\\"task\\\":\\\"add\\\"\"","retry":false}`,
		`{"task":"add","attempt":"x"}`:      `the envelope's attempt`,
		`{"task":"add","deadline":"today"}`: `the envelope's deadline`,
		`{"task":"add","memory":"x"}`:       `the envelope's memory`,
	} {
		h := &recorder{}
		if code := guest.Serve(h, []byte(envelope)); code != 1 || !strings.Contains(h.said[guest.OpFail], want) {
			t.Errorf("%s: returned %d: %v", envelope, code, h.said)
		}
	}
	// The host's own members come last and count.
	h = &recorder{}
	if code := guest.Serve(h, []byte(`{"task":"nonesuch","input":{"x":1,"y":1},"task":"add"}`)); code != 0 || h.said[guest.OpOutput] != "2" {
		t.Errorf("returned %d: %v", code, h.said)
	}
}

// recorder is a host that knows nothing, which no attempt fails for.
type recorder struct {
	said map[int32]string
	left string // what REMAINING answers, if anything
}

func (r *recorder) Call(op int32, arg []byte) ([]byte, error) {
	if r.said == nil {
		r.said = map[int32]string{}
	}
	r.said[op] = string(arg)
	switch {
	case op == guest.OpOutput || op == guest.OpFail:
		return nil, nil
	case op == guest.OpRemaining && r.left != "":
		return []byte(r.left), nil
	}
	return nil, &guest.HostError{Code: -1}
}

func TestCall(t *testing.T) {
	a := guesttest.Run(t, "call", nil, guesttest.Args(), guesttest.Kwargs(map[string]any{"k": []int{1}}), guesttest.Number(3), guesttest.ID("id"), guesttest.Timeout(time.Hour))
	if got, want := guesttest.Output[string](t, a), `call id 3 [] [1] 7200000000000`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if v, err := add.Call(nil, sum{1, 2}); v != 3 || err != nil || add.Name() != "add" {
		t.Error(v, err, add.Name())
	}
}

func TestFailures(t *testing.T) {
	yes, no := true, false
	cases := map[string]guest.Failure{
		"plain":       {Type: "error", Message: "it broke"},
		"fatal":       {Type: "fatal", Message: "it broke", Retry: &no},
		"retry":       {Type: "error", Message: "it broke", Retry: &yes, After: "1m30s"},
		"soon":        {Type: "error", Message: "it broke", Retry: &yes},
		"typed":       {Type: "broken", Message: "part: it broke"},
		"own":         {Type: "no_stock", Message: "buy: tea is sold out"},
		"fatal typed": {Type: "no_stock", Message: "sad: tea is sold out", Retry: &no},
		"typed fatal": {Type: "broken", Message: "part: it broke", Retry: &no},
		"retry fatal": {Type: "error", Message: "it broke", Retry: &yes, After: "1s"},
		"deadline":    {Type: "error", Message: "context deadline exceeded"}, // another's: ours has not passed
		"reserved":    {Type: "reserved_type", Message: `the guest failed with the type "timeout", which only the host may give: not ours to say`},
	}
	for how, want := range cases {
		a := guesttest.Run(t, "fail", how)
		got, _ := json.Marshal(a.Failure)
		expected, _ := json.Marshal(want)
		if string(got) != string(expected) {
			t.Errorf("%s: got %s, want %s", how, got, expected)
		}
	}
	long := guesttest.Run(t, "fail", "long")
	if m := long.Failure.Message; len(m) < 2000 || len(m) > 4096 || !strings.HasSuffix(m, "…") || strings.ToValidUTF8(m, "?") != m {
		t.Errorf("a message of %d bytes that ends in %q", len(m), m[max(0, len(m)-10):])
	}
	if a := guesttest.Run(t, "unwritable", nil); !a.FailedWith(guest.TypeInvalidResult) || !a.Fatal() {
		t.Errorf("%+v", a.Failure)
	}
	if guest.Fatal(nil) != nil || guest.Retry(nil, time.Second) != nil {
		t.Error("no error became one")
	}
	if !errors.Is(guest.Fatal(guest.Errorf("x", "%w", io.EOF)), io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestPanic(t *testing.T) {
	a := guesttest.Run(t, "panic", 2)
	if !a.FailedWith(guest.TypePanic) || a.Failure.Message != "fell" || a.Failure.Retry != nil {
		t.Fatalf("%+v", a.Failure)
	}
	trace := a.Failure.Trace
	if !strings.HasPrefix(trace, "github.com/windrow-dev/windrow/sdk/guest_test.fall(") || strings.Count(trace, "guest_test.fall(") != 3 ||
		!strings.Contains(trace, "guest_test.go:") || strings.Contains(trace, "invoke") || strings.Contains(trace, "testing.") {
		t.Errorf("the trace is\n%s", trace)
	}
	if !strings.HasPrefix(a.Log, "fell\ngithub.com/") {
		t.Errorf("the log is\n%s", a.Log)
	}
	// Deep stacks fit, and begin where it happened.
	deep := guesttest.Run(t, "panic", 200)
	if !deep.FailedWith(guest.TypePanic) || len(deep.Failure.Trace) < 2000 || !strings.HasPrefix(deep.Failure.Trace, "github.com/windrow-dev/windrow/sdk/guest_test.fall(") {
		t.Errorf("%+v", deep.Failure)
	}
}

func TestLogAndProgress(t *testing.T) {
	a := guesttest.Run(t, "talk", nil)
	if want := "level=INFO msg=hello n=1\nlevel=WARN msg=\"two\\nlines\" a=b g.x=2\n"; a.Log != want {
		t.Errorf("log %q, want %q", a.Log, want)
	}
	if got, want := fmt.Sprintf("%s", a.Progress), `[{"done":1,"total":3,"note":"a & b"} {"done":2,"total":3,"note":"a & b"} {"done":3,"total":3,"note":"a & b"}]`; got != want {
		t.Errorf("progress %s, want %s", got, want)
	}
	if a.Failure == nil || !strings.Contains(a.Failure.Message, "unsupported type") {
		t.Errorf("progress that is no JSON: %+v", a.Failure)
	}
	if a := guesttest.Run(t, "debug", nil); a.Log != "level=DEBUG msg=shown\n" {
		t.Errorf("log %q", a.Log)
	}
}

func TestTime(t *testing.T) {
	if got := guesttest.Output[string](t, guesttest.Run(t, "wait", "", guesttest.Timeout(time.Minute))); got != "1m0s" {
		t.Errorf("%s remain", got)
	}
	for _, how := range []string{"done", "compute", "progress", "derived"} {
		a := guesttest.Run(t, "wait", how, guesttest.Timeout(20*time.Millisecond))
		if !a.FailedWith("soft_timeout") || a.Failure.Retry != nil || a.Log == "" {
			t.Errorf("%s: %+v, log %q", how, a.Failure, a.Log)
		}
	}
	// Goroutines that outlive the handler are told.
	left := guesttest.Output[string](t, guesttest.Run(t, "wait", "leave"))
	if err := <-leftOver; left != "left" || !errors.Is(err, context.Canceled) {
		t.Errorf("what was left over ended with %v", err)
	}
	// Whoever says more than that time is over is heard.
	for how, want := range map[string]string{"fatal": guest.TypeFatal, "typed": "late"} {
		if a := guesttest.Run(t, "wait", how, guesttest.Timeout(20*time.Millisecond)); !a.FailedWith(want) {
			t.Errorf("%s: %+v", how, a.Failure)
		}
	}
	// At the deadline itself there is no soft limit.
	deadline := time.Now().Add(20 * time.Millisecond).UTC()
	h := &recorder{left: "20"}
	if code := guest.Serve(h, fmt.Appendf(nil, `{"task":"wait","input":"done","deadline":%q}`, deadline.Format(time.RFC3339Nano))); code != 1 || !strings.Contains(h.said[guest.OpFail], `"deadline_exceeded"`) {
		t.Errorf("returned %d: %v", code, h.said)
	}
	// A host that tells no time leaves a context without an end.
	h = &recorder{}
	if code := guest.Serve(h, []byte(`{"task":"wait","input":""}`)); code != 0 || h.said[guest.OpOutput] != `"0s"` {
		t.Errorf("returned %d: %v", code, h.said)
	}
}

func TestHostCall(t *testing.T) {
	a := guesttest.Run(t, "host", nil, guesttest.Answer(77, func(arg []byte) ([]byte, error) { return append(arg, " pong"...), nil }))
	if got := guesttest.Output[string](t, a); got != "ping pong" {
		t.Error(got)
	}
	if a := guesttest.Run(t, "host", nil); a.Failure == nil || a.Failure.Message != "the host knows no such operation" {
		t.Errorf("%+v", a.Failure)
	}
	for err, want := range map[error]bool{guest.ErrUnknownOp: true, fmt.Errorf("x: %w", &guest.HostError{Code: -1, Message: "other words"}): true, guest.ErrSoftTimeout: false, io.EOF: false} {
		if errors.Is(err, guest.ErrUnknownOp) != want {
			t.Errorf("%v is an unknown operation: %v", err, !want)
		}
	}
}

func TestManifest(t *testing.T) {
	m := guesttest.Manifest(t)
	got := m.Task("add")
	if m.ABI != 1 || m.SDK != "windrow-go/1" || len(m.Tasks) != 13 || got.Description != "adds" || fmt.Sprint(got.Capabilities) != "[http sql]" {
		t.Errorf("manifest %d %q of %v; %q %v", m.ABI, m.SDK, m.Names(), got.Description, got.Capabilities)
	}
	want := `{"queue":"math","priority":9,"expires":"1h0m0s","timeout":"1m0s","soft_timeout":"30s","memory":134217728,` +
		`"retry":{"max":3,"backoff":"1s","factor":1.5,"max_backoff":"1m0s","jitter":"equal","on":["no_stock"],"not_on":["panic"]},` +
		`"ack":"early","max_deliveries":2,"concurrency_key":{"key":"sums","limit":2},"rate_limit":"10/s","pool":"cpu","pool_slots":1,` +
		`"ignore_result":true,"result_ttl":"24h0m0s","labels":{"env":"b","team":"a"}}`
	if string(got.Defaults) != want {
		t.Errorf("defaults\n%s, want\n%s", got.Defaults, want)
	}
	if m.Task("buy").Defaults != nil {
		t.Errorf("defaults of nothing: %s", m.Task("buy").Defaults)
	}
	h := &recorder{}
	if code := guest.Describe(h); code != 0 || !strings.HasPrefix(h.said[guest.OpOutput], `{"abi":1,`) {
		t.Errorf("returned %d: %v", code, h.said)
	}
}

// TestDefaultsAreACall holds the manifest's defaults to what a call takes.
func TestDefaultsAreACall(t *testing.T) {
	var call = decodeCall(t, guesttest.Manifest(t).Task("add").Defaults)
	if *call.Priority != 9 || call.Timeout.Std() != time.Minute || call.Retry.Max != 3 || call.ConcurrencyKey.Limit != 2 || call.RateLimit.N != 10 || call.ResultTTL.Std() != 24*time.Hour {
		t.Errorf("%+v", call)
	}
}
