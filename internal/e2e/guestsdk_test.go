package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// guestSource is a module as a user writes one, in a module of their own.
const guestSource = `package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
)

type Sum struct {
	X int ` + "`" + `json:"x" windrow:"arg=0,max=100"` + "`" + `
	Y int ` + "`" + `json:"y" windrow:"arg=1,default=10"` + "`" + `
}

var _ = guest.Handle("add", func(_ *guest.Context, in Sum) (int, error) { return in.X + in.Y, nil },
	guest.Description("adds"), guest.Timeout(20*time.Second), guest.Policy{Max: 1})

var _ = guest.Handle("fail", func(ctx *guest.Context, how string) (string, error) {
	err := fmt.Errorf("attempt %d", ctx.Attempt())
	switch {
	case how == "fatal":
		return "", guest.Fatal(err)
	case how == "typed":
		return "", guest.Errorf("no_stock", "sold out: %w", err)
	case how == "retry" && ctx.Attempt() < 3:
		return "", guest.Retry(err, 10*time.Millisecond)
	case how == "long":
		return "", errors.New(strings.Repeat("long ", 2000))
	case how == "plain":
		return "", err
	}
	return err.Error(), nil
})

var _ = guest.Handle("panic", func(_ *guest.Context, _ any) (any, error) { return nil, nested(3) })

func nested(n int) error {
	if n == 0 {
		panic(fmt.Sprintf("fell %d deep", 3))
	}
	return nested(n - 1)
}

var _ = guest.Handle("talk", func(ctx *guest.Context, lines int) (string, error) {
	fmt.Println("printed to stdout")
	for i := range lines {
		ctx.Log.Info("line", "n", i)
		if err := ctx.Progress(guest.Steps{Done: i + 1, Total: lines}); err != nil {
			return "", err
		}
	}
	_, err := ctx.HostCall(9999, []byte("x"))
	return fmt.Sprintf("%v %v %s %v", errors.Is(err, guest.ErrUnknownOp), err, ctx.Call.Task, ctx.Remaining() > time.Second), nil
})

var _ = guest.Handle("wait", func(ctx *guest.Context, how string) (string, error) {
	if how == "compute" {
		for ctx.Err() == nil {
		}
		return "", ctx.Err()
	}
	done, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	<-done.Done()
	return "", done.Err()
}, guest.SoftTimeout(300*time.Millisecond))

// Live memory and as much garbage again and again: without a limit told to Go's
// collector this does not fit into 64 MiB.
var _ = guest.Handle("memory", func(_ *guest.Context, mib int) (int, error) {
	live := make([][]byte, 0, mib)
	for range mib {
		live = append(live, make([]byte, 1<<20))
	}
	sum := 0
	for i := range 200 {
		b := make([]byte, 1<<20)
		b[i] = 1
		sum += int(b[i]) + int(live[i%mib][i])
	}
	return sum, nil
})

var _ = guest.Handle("size", func(_ *guest.Context, text string) (int, error) { return len(text), nil })

var _ = guest.Handle("die", func(_ *guest.Context, how string) (any, error) {
	switch how {
	case "goroutine":
		go func() { panic("elsewhere") }()
		time.Sleep(time.Millisecond)
	case "deadlock":
		<-make(chan int)
	case "exit":
		os.Exit(7)
	case "leave":
		go func() { select {} }()
	}
	return how, nil
})

var state int

var _ = guest.Handle("fresh", func(_ *guest.Context, _ any) (int, error) { state++; return state, nil })

func main() { guest.Main() }
`

// guestFolder makes a Go module of its own, with the SDK of this repository and
// nothing else.
func guestFolder(t testing.TB, files map[string]string) string {
	t.Helper()
	sdk, err := filepath.Abs("../../sdk")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files["go.mod"] = "module example.com/guest\n\ngo 1.26\n\nrequire github.com/windrow-dev/windrow/sdk v0.0.0\n\n" +
		"replace github.com/windrow-dev/windrow/sdk => " + sdk + "\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goIn runs the go command in a guest's folder, without a network.
func goIn(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// buildWasm builds the guest of a folder.
func buildWasm(t testing.TB, dir string, flags ...string) string {
	t.Helper()
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "guest.wasm"}, flags...)
	goIn(t, dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, args...)
	return filepath.Join(dir, "guest.wasm")
}

// buildGuest builds a guest of one file.
func buildGuest(t testing.TB, source string, flags ...string) string {
	t.Helper()
	return buildWasm(t, guestFolder(t, map[string]string{"main.go": source}), flags...)
}

// TestGuestSDK runs what the Go SDK makes on a real node.
func TestGuestSDK(t *testing.T) {
	ctx := t.Context()
	c := testnode.Start(t).Client()
	m, _, err := c.PushModuleFile(ctx, "g", buildGuest(t, guestSource, "-buildmode=c-shared"))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Tasks) != 9 || m.Tasks[0].Name != "add" || m.Tasks[0].Description != "adds" || m.Kind != "reactor" {
		t.Fatalf("%+v", m)
	}
	var params struct {
		Type       string
		Properties map[string]struct{ Type string }
		Required   []string
		Args       []string `json:"x-windrow-args"`
	}
	if err := json.Unmarshal(m.Tasks[0].Params, &params); err != nil || params.Type != "object" || params.Properties["x"].Type != "integer" || fmt.Sprint(params.Required, params.Args) != "[x] [x y]" {
		t.Errorf("params %s, %v", m.Tasks[0].Params, err)
	}
	if got := string(m.Tasks[0].Defaults); got != `{"timeout":"20s","retry":{"max":1}}` {
		t.Errorf("defaults %s", got)
	}

	run := func(call windrow.Call) *windrow.Task {
		t.Helper()
		got, err := c.SubmitWait(ctx, call)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }

	for _, call := range []windrow.Call{
		{Input: raw(`{"x":1,"y":2}`)}, {Args: raw(`[1,2]`)}, {Kwargs: raw(`{"x":1,"y":2}`)}, {Args: raw(`[1]`), Kwargs: raw(`{"y":2}`)}, {Args: raw(`[-7]`)},
	} {
		call.Task = "g.add"
		if got := run(call); got.State != wire.StateSuccess || string(got.Result) != "3" {
			t.Errorf("%s %s %s: %s %s %+v", call.Input, call.Args, call.Kwargs, got.State, got.Result, got.Error)
		}
	}

	wrongArguments(t, c)

	for how, want := range map[string]struct {
		state, kind, message string
		attempt              uint32
	}{
		"fatal": {wire.StateFailure, "fatal", "attempt 1", 1},
		"plain": {wire.StateFailure, "error", "attempt 3", 3},
		"typed": {wire.StateFailure, "no_stock", "sold out: attempt 3", 3},
		"retry": {wire.StateSuccess, "", `"attempt 3"`, 3},
	} {
		input, _ := json.Marshal(how)
		got := run(windrow.Call{Task: "g.fail", Input: input, Retry: &windrow.Retry{Max: 2, Backoff: windrow.After(time.Millisecond)}})
		message := string(got.Result)
		if got.Error != nil {
			message = got.Error.Type + ": " + got.Error.Message
		}
		if got.State != want.state || got.Attempt != want.attempt || !strings.HasPrefix(message, want.kind) || !strings.HasSuffix(message, want.message) {
			t.Errorf("%s: %s after %d attempts, %s; want %+v", how, got.State, got.Attempt, message, want)
		}
	}
	// A guest's wish for a retry counts without a policy, too.
	if got := run(windrow.Call{Task: "g.fail", Input: raw(`"retry"`)}); got.State != wire.StateSuccess || got.Attempt != 3 {
		t.Errorf("retry without a policy: %s after %d attempts", got.State, got.Attempt)
	}
	if got := run(windrow.Call{Task: "g.fail", Input: raw(`"long"`)}); got.Error == nil || len(got.Error.Message) < 3000 {
		t.Errorf("a long message: %+v", got.Error)
	}

	panicked := run(windrow.Call{Task: "g.panic", Input: raw(`null`)})
	if e := panicked.Error; e == nil || e.Type != "panic" || e.Message != "fell 3 deep" {
		t.Errorf("panic: %+v", e)
	}
	if log := guestLog(t, c, panicked.ID); !strings.HasPrefix(log, "fell 3 deep\nmain.nested(") || strings.Count(log, "main.nested(") != 4 {
		t.Errorf("the log of a panic is\n%s", log)
	}

	talked := run(windrow.Call{Task: "g.talk", Input: raw(`3`)})
	if want := `"true unknown operation 9999 talk true"`; string(talked.Result) != want {
		t.Errorf("talk: %s %+v, want %s", talked.Result, talked.Error, want)
	}
	if log := guestLog(t, c, talked.ID); !strings.HasPrefix(log, "printed to stdout\n") || strings.Count(log, "level=INFO msg=line n=") != 3 {
		t.Errorf("the log is\n%s", log)
	}

	for _, how := range []string{`"compute"`, `"done"`} {
		got := run(windrow.Call{Task: "g.wait", Input: raw(how), SoftTimeout: windrow.After(300 * time.Millisecond), Timeout: windrow.After(20 * time.Second)})
		if got.State != wire.StateFailure || got.Error.Type != "soft_timeout" {
			t.Errorf("soft time limit by %s: %s %+v", how, got.State, got.Error)
		}
	}
	if got := run(windrow.Call{Task: "g.memory", Input: raw(`42`)}); got.State != wire.StateSuccess {
		t.Errorf("42 MiB of 64 and garbage: %+v", got.Error)
	}
	if got := run(windrow.Call{Task: "g.memory", Input: raw(`70`)}); got.State != wire.StateFailure || got.Error.Type != "out_of_memory" {
		t.Errorf("70 MiB of 64: %s %+v", got.State, got.Error)
	}
	for how, want := range map[string][2]string{"goroutine": {"trap", "panic: elsewhere\n"}, "deadlock": {"trap", "fatal error: all goroutines are asleep"}, "exit": {"exit_code", ""}, "leave": {"", ""}} {
		got := run(windrow.Call{Task: "g.die", Input: raw(`"` + how + `"`)})
		kind := ""
		if got.Error != nil {
			kind = got.Error.Type
		}
		if log := guestLog(t, c, got.ID); kind != want[0] || !strings.HasPrefix(log, want[1]) {
			t.Errorf("%s: %s %+v, log\n%s", how, got.State, got.Error, log)
		}
	}
	long := strings.Repeat("x", 3<<20)
	if got := run(windrow.Call{Task: "g.size", Input: raw(`"` + long + `"`)}); string(got.Result) != fmt.Sprint(len(long)) {
		t.Errorf("a long input: %s %+v", got.Result, got.Error)
	}
	for range 3 {
		if got := run(windrow.Call{Task: "g.fresh"}); string(got.Result) != "1" {
			t.Errorf("a variable has outlived an attempt: %s", got.Result)
		}
	}
}

// wrongArguments: what the schema does not allow fails for good and says which
// field, whoever checks it.
func wrongArguments(t *testing.T, c *windrow.Client) {
	for input, field := range map[string]string{`{"x":101}`: "x", `{"y":1}`: "x", `{"x":1,"y":"2"}`: "y", `[1]`: "object"} {
		got, err := c.SubmitWait(t.Context(), windrow.Call{Task: "g.add", Input: json.RawMessage(input), Retry: &windrow.Retry{Max: 3}})
		said := fmt.Sprint(err)
		if err == nil {
			if got.State != wire.StateFailure || got.Attempt != 1 || got.Error.Type != "invalid_arguments" {
				t.Errorf("%s: %s after %d attempts, %+v", input, got.State, got.Attempt, got.Error)
				continue
			}
			said = got.Error.Message
		}
		if !strings.Contains(said, field) {
			t.Errorf("%s: %s does not name %s", input, said, field)
		}
	}
}

// TestGuestWrongModules: what is wrong with a module is told at the upload.
func TestGuestWrongModules(t *testing.T) {
	ctx := t.Context()
	c := testnode.Start(t).Client()
	const head = "package main\n\nimport \"github.com/windrow-dev/windrow/sdk/guest\"\n\nfunc main() { guest.Main() }\n\n"
	for name, m := range map[string]struct{ source, want string }{
		"empty":   {head, "this module has no task: call guest.Handle"},
		"twice":   {head + "func f(*guest.Context, int) (int, error) { return 0, nil }\n\nvar _, _ = guest.Handle(\"f\", f), guest.Handle(\"f\", f)\n", `task "f": the name is taken by another task`},
		"channel": {head + "var _ = guest.Handle(\"f\", func(*guest.Context, struct{ C chan int }) (int, error) { return 0, nil })\n", "field C: chan int: a chan is no JSON"},
	} {
		_, _, err := c.PushModuleFile(ctx, name, buildGuest(t, m.source, "-buildmode=c-shared"))
		if err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: got %v, want %s", name, err, m.want)
		}
	}
	// As a command it cannot be called, and is not taken.
	if _, _, err := c.PushModuleFile(ctx, "command", buildGuest(t, guestSource)); err == nil {
		t.Error("a reactor built without -buildmode=c-shared was taken")
	}
}

func guestLog(t *testing.T, c *windrow.Client, id string) string {
	t.Helper()
	r, err := c.Logs(t.Context(), id, windrow.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGuestDocs: the example of docs/guest-go.md is what it says it is.
func TestGuestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/guest-go.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"main.go", "main_test.go"} {
		_, rest, _ := strings.Cut(string(page), "`"+name+"`")
		_, code, _ := strings.Cut(rest, "```go\n")
		files[name], _, _ = strings.Cut(code, "```\n")
	}
	_, rest, _ := strings.Cut(string(page), "windrow task run orders.price --input '")
	input, rest, _ := strings.Cut(rest, "'\n```\n\n```\n")
	want, _, _ := strings.Cut(rest, "\n```")

	dir := guestFolder(t, files)
	goIn(t, dir, nil, "vet", "./...")
	goIn(t, dir, nil, "test", "./...")
	if got := goIn(t, dir, nil, "run", ".", "price", input); !strings.HasSuffix(got, want+"\n") {
		t.Errorf("as a program it says %s, want %s", got, want)
	}
	c := testnode.Start(t).Client()
	if _, _, err := c.PushModuleFile(t.Context(), "orders", buildWasm(t, dir, "-buildmode=c-shared")); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct{ task, input, want string }{{"price", input, want}, {"add", `{"x":1}`, "11"}, {"ping", "", ""}} {
		got, err := c.SubmitWait(t.Context(), windrow.Call{Task: "orders." + call.task, Input: json.RawMessage(call.input)})
		if err != nil || got.State != wire.StateSuccess || string(got.Result) != call.want && call.want != "" {
			t.Errorf("%s: %s %s, %v, want %s", call.task, got.State, got.Result, err, call.want)
		}
	}
}
