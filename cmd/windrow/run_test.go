package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/suite"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// pushed is a fake server that has the guest echo.
func pushed(t *testing.T) *fake.Server {
	t.Helper()
	s := newFake(t)
	invoke(t, "", "module", "push", wasmFile(t, "echo")).want(t, exitOK)
	return s
}

// wasmFile writes a guest into a file of its name.
func wasmFile(t *testing.T, name string) string {
	t.Helper()
	return writeText(t, name+".wasm", string(suite.Guest(name)))
}

func writeText(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTaskRunPrintsTheResult(t *testing.T) {
	pushed(t)
	file := writeText(t, "in.json", `{"from": "file"}`)
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"input", "", []string{"--input", `{"a": [1, 2]}`}, `{"a":[1,2]}`},
		{"the whole name", "", []string{"--input", "null"}, "null"},
		{"input of a file", "", []string{"--input", "@" + file}, `{"from":"file"}`},
		{"input of stdin", "[7]", []string{"--input", "-"}, "[7]"},
		{"arguments", "", []string{"--arg", "1", "--arg", `"b"`, "--kwarg", "z=true", "--kwarg", "a=null"}, `{"args":[1,"b"],"kwargs":{"z":true,"a":null}}`},
		{"nothing", "", nil, `{"args":[],"kwargs":{}}`},
		{"raw", "", []string{"--raw", "plain text"}, `"plain text"`},
		{"raw of stdin", "line\n", []string{"--raw", "-"}, `"line\n"`},
		{"raw both ways", "", []string{"--raw", "plain <text>", "-r"}, "plain <text>"},
		{"characters of HTML", "", []string{"--input", `"<&>"`}, `"<&>"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := invoke(t, c.stdin, append([]string{"task", "run", "echo"}, c.args...)...).want(t, exitOK)
			if o.stdout != c.want+"\n" || o.stderr != "" {
				t.Errorf("stdout %q, stderr %q, want %q", o.stdout, o.stderr, c.want)
			}
		})
	}
}

func TestTaskRunOfJSON(t *testing.T) {
	pushed(t)
	o := invoke(t, "", "task", "run", "echo.main", "--input", "5", "-o", "json").want(t, exitOK)
	var task wire.Task
	if err := json.Unmarshal([]byte(o.stdout), &task); err != nil || task.State != wire.StateSuccess || string(task.Result) != "5" {
		t.Errorf("got %s, %v", o.stdout, err)
	}
}

func TestTaskRunThatFails(t *testing.T) {
	newFake(t)
	o := invoke(t, "", "task", "run", "suite-fail", "--input", "3", "--logs").want(t, exitFailed)
	o.says(t, "fail: as asked\n", "failure (exit_code): the guest ended with exit code", "windrow task logs ")
	if o.stdout != "" {
		t.Errorf("stdout %q", o.stdout)
	}
	o = invoke(t, "", "task", "run", "suite-fail", "-o", "json").want(t, exitFailed)
	if !strings.Contains(o.stdout, `"type":"exit_code"`) {
		t.Errorf("stdout %q", o.stdout)
	}
	invoke(t, "", "task", "run", "suite-sleep", "--countdown", "1h", "--expires", "10ms").want(t, exitFailed).says(t, "revoked (expired)")
}

func TestTaskRunInterrupted(t *testing.T) {
	s := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			cancel()
		}
		return false
	})
	o := invokeWith(ctx, "", "task", "run", "suite-sleep", "--input", "60000").want(t, exitInterrupted)
	o.says(t, "interrupted", "The task goes on", "windrow task wait ", "windrow task revoke --terminate ")
}

func TestTaskSubmitAndWait(t *testing.T) {
	pushed(t)
	id := strings.TrimSpace(invoke(t, "", "task", "submit", "echo", "--input", "[1]").want(t, exitOK).stdout)
	if len(id) != 36 {
		t.Fatalf("submit printed %q", id)
	}
	if o := invoke(t, "", "task", "wait", id).want(t, exitOK); o.stdout != "[1]\n" {
		t.Errorf("wait printed %q", o.stdout)
	}
	if o := invoke(t, "", "task", "get", id, "--wait", "1m", "-o", "json").want(t, exitOK); !strings.Contains(o.stdout, `"result":[1]`) {
		t.Errorf("get printed %q", o.stdout)
	}
}

func TestBatch(t *testing.T) {
	pushed(t)
	calls := "{\"task\": \"echo.main\", \"input\": 1}\n\n{\"task\": \"echo.main\", \"input\": 2}\n"
	o := invoke(t, calls, "task", "submit", "--batch", "-").want(t, exitOK)
	ids := strings.Fields(o.stdout)
	if len(ids) != 2 {
		t.Fatalf("printed %q", o.stdout)
	}
	if got := invoke(t, "", "task", "wait", ids[1]).want(t, exitOK).stdout; got != "2\n" {
		t.Errorf("the second task gave %q", got)
	}
	file := writeText(t, "calls.ndjson", calls)
	first := invoke(t, "", "task", "submit", "--batch", file, "--idempotency-key", "k", "-o", "json").want(t, exitOK)
	if again := invoke(t, "", "task", "submit", "--batch", file, "--idempotency-key", "k", "-o", "json").want(t, exitOK); again.stdout != first.stdout {
		t.Errorf("the same key gave %s and %s", first.stdout, again.stdout)
	}
	for name, c := range map[string]struct{ text, says string }{
		"wrong field": {"{\"task\": \"echo.main\"}\n{\"task\": \"echo.main\", \"prio\": 1}\n", "line 2"},
		"no JSON":     {"task\n", "line 1"},
		"empty":       {"\n\n", "holds no call"},
	} {
		t.Run(name, func(t *testing.T) {
			invoke(t, c.text, "task", "submit", "--batch", "-").want(t, exitUsage).says(t, c.says)
		})
	}
	invoke(t, "{\"task\": \"none.main\"}\n", "task", "submit", "--batch", "-").want(t, exitNotFound).says(t, "module_not_found")
}

func TestModulePushAndDownload(t *testing.T) {
	newFake(t)
	file := wasmFile(t, "logger")
	invoke(t, "", "module", "push", file).want(t, exitOK)
	if o := invoke(t, "", "module", "push", file).want(t, exitOK); !strings.Contains(o.stdout, "is there already") {
		t.Errorf("printed %q", o.stdout)
	}
	o := invoke(t, string(suite.Guest("echo")), "module", "push", "logger", "-", "-o", "json").want(t, exitOK)
	if !strings.Contains(o.stdout, `"version":2`) {
		t.Errorf("printed %q", o.stdout)
	}
	out := filepath.Join(t.TempDir(), "out.wasm")
	invoke(t, "", "module", "download", "logger", "--version", "1", "--file", out).want(t, exitOK)
	if b, err := os.ReadFile(out); err != nil || string(b) != string(suite.Guest("logger")) {
		t.Errorf("downloaded %d bytes, %v", len(b), err)
	}
	if o := invoke(t, "", "module", "download", "logger", "--file", "-").want(t, exitOK); o.stdout != string(suite.Guest("echo")) {
		t.Error("the newest version has other bytes")
	}
	invoke(t, "", "module", "download", "none", "--file", out).want(t, exitNotFound)
	if entries, err := os.ReadDir(filepath.Dir(out)); err != nil || len(entries) != 1 {
		t.Errorf("a download that failed left %v, %v", entries, err)
	}
	invoke(t, "text", "module", "push", "bad", "-").want(t, exitRefused).says(t, "invalid_module", "wasip1")
}

func TestModuleInspect(t *testing.T) {
	t.Setenv("WINDROW_SERVER", closedAddr(t)) // a file needs no server
	o := invoke(t, "", "module", "inspect", wasmFile(t, "echo")).want(t, exitOK)
	for _, part := range []string{"command", "wasi_snapshot_preview1.fd_read", "_start"} {
		if !strings.Contains(o.stdout, part) {
			t.Errorf("stdout lacks %q:\n%s", part, o.stdout)
		}
	}
	o = invoke(t, string(suite.Guest("echo")), "module", "inspect", "-", "-o", "json").want(t, exitOK)
	if !json.Valid([]byte(o.stdout)) || !strings.Contains(o.stdout, `"kind":"command"`) {
		t.Errorf("printed %s", o.stdout)
	}
	bad := writeText(t, "bad.wasm", "#!/bin/sh\n")
	invoke(t, "", "module", "inspect", bad).want(t, exitRefused).says(t, "not_wasm", "wasip1")
	invoke(t, "", "module", "inspect", "./none.wasm").want(t, exitUsage)
	pushed(t)
	if o := invoke(t, "", "module", "inspect", "echo").want(t, exitOK); !strings.Contains(o.stdout, "_start") {
		t.Errorf("printed %s", o.stdout)
	}
}

func closedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestUnreachable(t *testing.T) {
	o := invoke(t, "", "cluster", "status", "--server", closedAddr(t), "--retry-for", "0s").want(t, exitUnreachable)
	o.says(t, "cannot reach http://127.0.0.1:", "connection refused", "windrowd")
	hung := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer hung.Close()
	o = invoke(t, "", "task", "submit", "a.b", "--server", hung.URL, "--retry-for", "0s").want(t, exitUnreachable)
	o.says(t, "unknown", "--idempotency-key ")
}

func TestExitCodesOfRefusals(t *testing.T) {
	for _, c := range []struct {
		status, want int
		code         string
	}{
		{400, exitRefused, wire.CodeInvalidField}, {401, exitRefused, wire.CodeUnauthorized}, {403, exitRefused, wire.CodeForbiddenOrigin},
		{404, exitNotFound, wire.CodeNotFound}, {409, exitRefused, wire.CodeConflict}, {413, exitRefused, wire.CodeTooLarge},
		{422, exitRefused, wire.CodeInvalidModule}, {429, exitRefused, "rate"}, {500, exitRefused, wire.CodeInternal},
		{503, exitUnreachable, wire.CodeNoLeader}, {507, exitRefused, wire.CodeDiskFull},
	} {
		t.Run(c.code, func(t *testing.T) {
			canned{"GET /v1/cluster": &wire.Problem{Status: c.status, Code: c.code, Title: "A title", Detail: "what to do", Incident: "abc"}}.serve(t)
			invoke(t, "", "cluster", "status", "--retry-for", "0s").want(t, c.want).says(t, "A title ("+c.code+")", "  what to do", "Incident abc")
		})
	}
}

func TestUsage(t *testing.T) {
	t.Setenv("WINDROW_SERVER", closedAddr(t)) // nothing wrong may be sent
	file := writeText(t, "latin1", "\xe9")
	for _, c := range []struct {
		says string
		args []string
	}{
		{"want `windrow task run MODULE.TASK", []string{"task", "run"}},
		{`"b" is too much`, []string{"task", "run", "a", "b"}},
		{"unknown flag", []string{"task", "run", "a", "--nope"}},
		{"-o yaml", []string{"task", "list", "-o", "yaml"}},
		{"--arg number 2: hello is no JSON; a string needs its quotes", []string{"task", "run", "a", "--arg", "1", "--arg", "hello"}},
		{"want NAME=JSON", []string{"task", "run", "a", "--kwarg", "x"}},
		{"x is given twice", []string{"task", "run", "a", "--kwarg", "x=1", "--kwarg", "x=2"}},
		{"--input", []string{"task", "run", "a", "--input", "{"}},
		{"--input", []string{"task", "run", "a", "--input", "@/does/not/exist"}},
		{"exclude each other", []string{"task", "run", "a", "--input", "1", "--arg", "1"}},
		{"UTF-8", []string{"task", "run", "a", "--raw", "@" + file}},
		{"priority", []string{"task", "run", "a", "--priority", "12"}},
		{"--countdown", []string{"task", "run", "a", "--countdown", "soon"}},
		{"--eta", []string{"task", "run", "a", "--eta", "tomorrow"}},
		{"--expires", []string{"task", "run", "a", "--expires", "never"}},
		{"--memory", []string{"task", "run", "a", "--memory", "lots"}},
		{"--rate-limit", []string{"task", "run", "a", "--rate-limit", "10"}},
		{"--retry-backoff: needs --retry", []string{"task", "run", "a", "--retry-backoff", "1s"}},
		{"jitter", []string{"task", "run", "a", "--retry", "1", "--retry-jitter", "some"}},
		{"--concurrency-limit needs", []string{"task", "run", "a", "--concurrency-limit", "2"}},
		{"ack", []string{"task", "run", "a", "--ack", "never"}},
		{"or --batch", []string{"task", "submit"}},
		{"exclude each other", []string{"task", "submit", "a", "--batch", "f"}},
		{"--queue and --batch", []string{"task", "submit", "--batch", "f", "--queue", "q"}},
		{"--batch", []string{"task", "submit", "--batch", "/does/not/exist"}},
		{"--state done", []string{"task", "list", "--state", "done"}},
		{"--since", []string{"task", "list", "--since", "yesterday"}},
		{"--limit -1", []string{"task", "list", "--limit", "-1"}},
		{"--wait", []string{"task", "get", idA, "--wait", "long"}},
		{"no such file", []string{"module", "push", "/does/not/exist.wasm"}},
		{"is a folder", []string{"module", "push", t.TempDir()}},
		{"has no name", []string{"module", "push", "-"}},
		{"nothing to set", []string{"queue", "set", "q"}},
		{"--rate-limit", []string{"queue", "set", "q", "--rate-limit", "fast"}},
		{"or --all", []string{"queue", "replay", "q"}},
		{"or --all", []string{"queue", "replay", "q", idA, "--all"}},
		{"--slots", []string{"pool", "set", "p"}},
		{"--http-addr", []string{"cluster", "join", "n"}},
		{"http://HOST:PORT", []string{"cluster", "status", "--server", "ftp://x"}},
		{"exclude each other", []string{"cluster", "status", "--token", "a", "--token-file", file}},
		{"--token-file", []string{"cluster", "status", "--token-file", "/does/not/exist"}},
		{"certificate", []string{"cluster", "status", "--tls-ca", file}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			o := invoke(t, "", c.args...).want(t, exitUsage)
			o.says(t, c.says, "--help`.")
			if o.stdout != "" {
				t.Errorf("stdout %q", o.stdout)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	var got http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = w.Write([]byte("{}")) // a client that is gone
	}))
	defer s.Close()
	t.Setenv("WINDROW_SERVER", closedAddr(t)+", "+s.URL)
	t.Setenv("WINDROW_NAMESPACE", "team")
	t.Setenv("WINDROW_TOKEN", "secret")
	invoke(t, "", "cluster", "status").want(t, exitOK)
	if got.Get(wire.HeaderNamespace) != "team" || got.Get("Authorization") != "Bearer secret" {
		t.Errorf("got %v", got)
	}
	invoke(t, "", "cluster", "status", "--server", s.URL, "--namespace", "other", "--token-file", writeText(t, "token", "from-file\n")).want(t, exitOK)
	if got.Get(wire.HeaderNamespace) != "other" || got.Get("Authorization") != "Bearer from-file" {
		t.Errorf("flags do not win: %v", got)
	}
}

func TestFollowedLogEndsWithTheTask(t *testing.T) {
	newFake(t)
	id := strings.TrimSpace(invoke(t, "", "task", "submit", "suite-logger", "--countdown", "50ms").want(t, exitOK).stdout)
	if o := invoke(t, "", "task", "logs", "-f", id).want(t, exitOK); o.stdout != "line 1\nline 2\nline 3\n" {
		t.Errorf("printed %q", o.stdout)
	}
}

func TestReplayDead(t *testing.T) {
	s := newFake(t)
	o := invoke(t, "", "task", "run", "suite-fail", "-o", "json").want(t, exitFailed)
	var task wire.Task
	if err := json.Unmarshal([]byte(o.stdout), &task); err != nil {
		t.Fatal(err)
	}
	s.Bury(task.ID)
	if o := invoke(t, "", "queue", "dead", "default").want(t, exitOK); !strings.Contains(o.stdout, task.ID) {
		t.Errorf("printed %s", o.stdout)
	}
	if o := invoke(t, "", "queue", "replay", "default", "--all").want(t, exitOK); !strings.Contains(o.stdout, task.ID) {
		t.Errorf("printed %s", o.stdout)
	}
	if o := invoke(t, "", "queue", "dead", "default").want(t, exitOK); strings.Contains(o.stdout, task.ID) {
		t.Errorf("still dead: %s", o.stdout)
	}
}

func TestCompletion(t *testing.T) {
	pushed(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"task", "run", "ec"}, "echo.main"},
		{[]string{"module", "show", ""}, "suite-fail"},
		{[]string{"task", "list", "--state", "fa"}, "failure"},
		{[]string{"cluster", "transfer", "fa"}, "fake-1\tleader"},
	} {
		o := invoke(t, "", append([]string{"__complete"}, c.args...)...).want(t, exitOK)
		if !strings.Contains("\n"+o.stdout, "\n"+c.want+"\n") || strings.Contains(o.stdout, "suite") != (c.args[1] == "show") {
			t.Errorf("%v offers %q", c.args, o.stdout)
		}
	}
	t.Setenv("WINDROW_SERVER", closedAddr(t))
	if o := invoke(t, "", "__complete", "task", "run", "").want(t, exitOK); o.stdout != ":4\n" {
		t.Errorf("without a server: %q", o.stdout)
	}
}

func TestVersion(t *testing.T) {
	if o := invoke(t, "", "version").want(t, exitOK); !strings.HasPrefix(o.stdout, "windrow ") {
		t.Errorf("printed %q", o.stdout)
	}
	if o := invoke(t, "", "version", "-o", "json").want(t, exitOK); !json.Valid([]byte(o.stdout)) {
		t.Errorf("printed %q", o.stdout)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0ns", 999: "999ns", 53 * time.Microsecond: "53µs", 999 * time.Millisecond: "999ms", time.Second: "1s",
		1250 * time.Millisecond: "1.2s", 59 * time.Second: "59s", time.Minute: "1m", 75 * time.Second: "1m15s",
		26 * time.Hour: "1d2h", 48 * time.Hour: "2d",
	} {
		if got := span(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	if got := ago(noon, noon.Add(time.Hour)); got != "in 1h" {
		t.Errorf("a later time: %s", got)
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 40: "3.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
