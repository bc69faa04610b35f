package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestRedact has readers see what they may, while the task is given all of it.
func TestRedact(t *testing.T) {
	b := start(t)
	b.node.keep = true
	for _, c := range []struct{ call, args, kwargs, input string }{
		{`{"task":"etl.load","args":["secret",{"k":["a","secret"]}],"kwargs":{"password":"secret","user":"u"},"redact":["args.0","args.1.k.1","kwargs.password","kwargs.none","args.7"]}`,
			`["***",{"k":["a","***"]}]`, `{"password":"***","user":"u"}`, ``},
		{`{"task":"etl.load","args":["secret"],"kwargs":{"a":"secret"},"redact":["args","kwargs"]}`, `["***"]`, `{"***":"***"}`, ``},
		{`{"task":"etl.load","input":{"token":"secret","n":12345678901234567890},"redact":["input.token"]}`, ``, ``, `{"n":12345678901234567890,"token":"***"}`},
		{`{"task":"etl.load","input":"secret","redact":["input"]}`, ``, ``, `"***"`},
		{`{"task":"etl.load","input":"secret` + strings.Repeat("x", queue.MaxInline) + `","redact":["input.a"]}`, ``, ``, `"***"`},
		{`{"task":"etl.load","args":["secret` + strings.Repeat("x", queue.MaxInline) + `"],"redact":["args.0"]}`, `["***"]`, `{}`, ``},
	} {
		id := b.submit(c.call)
		p := b.node.proposed[len(b.node.proposed)-1].(*command.Submit).Calls.List[0].Payload
		if kept, err := queue.DecodePayload(p); err != nil || kept.Blob == "" && !strings.Contains(string(p), "secret") {
			t.Errorf("%.80s: the task is not given what was sent: %s %v", c.call, p, err)
		}
		a := b.do("GET", "/v1/tasks/"+id.String(), "")
		var shown wire.Task
		a.ok(200, &shown)
		if strings.Contains(a.body, "secret") || strings.Contains(a.body, "_digest") {
			t.Errorf("%.80s: shown %.300s", c.call, a.body)
		}
		if string(shown.Args) != c.args || string(shown.Kwargs) != c.kwargs || string(shown.Input) != c.input || len(shown.Redact) == 0 {
			t.Errorf("%.80s: shown args %s, kwargs %s, input %s, redact %v", c.call, shown.Args, shown.Kwargs, shown.Input, shown.Redact)
		}
	}
}

// TestShadowAndExpected has them shown in the task and in lists.
func TestShadowAndExpected(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load","shadow":"import of \"May\"","expected":["not_found"]}`)
	b.node.mu.Lock()
	b.node.tasks[id].State, b.node.tasks[id].Error = queue.Failure, &queue.Error{Type: "not_found", Message: "none"}
	b.node.tasks[id].Attempts = []queue.Attempt{{Number: 1, Error: &queue.Error{Type: "other"}}, {Number: 2, Error: &queue.Error{Type: "not_found"}}}
	b.node.mu.Unlock()
	var list wire.List[wire.Task]
	b.do("GET", "/v1/tasks", "").ok(200, &list)
	got := b.task(id)
	if got.Shadow != `import of "May"` || list.Items[0].Shadow != got.Shadow || !got.Error.Expected || got.Attempts[0].Error.Expected || !got.Attempts[1].Error.Expected {
		t.Errorf("shown %+v and %+v", got, list.Items[0])
	}
}

// TestPace has keys reach the machine, and refusals name the task that was taken.
func TestPace(t *testing.T) {
	b := start(t)
	b.node.keep = true
	b.submit(`{"task":"etl.load","debounce":{"key":"d","wait":"5s","max_wait":"1m"}}`)
	b.submit(`{"task":"etl.load","throttle":{"key":"t","every":60}}`)
	first, second := b.node.proposed[0].(*command.Submit).Calls.List[0], b.node.proposed[1].(*command.Submit).Calls.List[0]
	if first.Debounce != (command.Debounce{Key: "d", Wait: 5e9, MaxWait: 60e9}) || second.Throttle != (command.Throttle{Key: "t", Every: 60e9}) {
		t.Errorf("%+v, %+v", first, second)
	}
	for body, field := range map[string]string{
		`{"task":"etl.load","debounce":{"wait":1}}`:                                         "debounce.key",
		`{"task":"etl.load","debounce":{"key":"k"}}`:                                        "debounce.wait",
		`{"task":"etl.load","debounce":{"key":"k","wait":2,"max_wait":1}}`:                  "debounce.max_wait",
		`{"task":"etl.load","debounce":{"key":"k","every":1}}`:                              "debounce.every",
		`{"task":"etl.load","throttle":{"every":1,"key":""}}`:                               "throttle.key",
		`{"task":"etl.load","throttle":{"key":"k","every":0}}`:                              "throttle.every",
		`{"task":"etl.load","link":[{"task":"etl.main"}],"throttle":{"key":"k","every":1}}`: "debounce",
		`{"task":"etl.load","redact":["args.0","labels"]}`:                                  "redact[1]",
		`{"task":"etl.load","expected":[""]}`:                                               "expected",
		`{"task":"etl.load","shadow":"` + strings.Repeat("x", 257) + `"}`:                   "shadow",
	} {
		if p := b.do("POST", "/v1/tasks", body).problem(400, wire.CodeInvalidField); p.Field != field {
			t.Errorf("%.90s blames %q, want %q", body, p.Field, field)
		}
	}
	if p := b.do("POST", "/v1/tasks/batch", "["+strings.Repeat(`{"task":"etl.load"},`, 600)+`{"task":"etl.load","debounce":{"key":"k","wait":1}}]`).problem(400, wire.CodeInvalidField); p.Field != "debounce" {
		t.Errorf("a large batch: %+v", p)
	}
}

func FuzzHide(f *testing.F) {
	f.Add(`{"a":[1,{"b":"c"}]}`, "a.1.b")
	f.Add(`[[[]]]`, "0.0")
	f.Add(`1e309`, "")
	f.Fuzz(func(t *testing.T, raw, path string) {
		if !json.Valid([]byte(raw)) {
			return
		}
		if got := hide([]byte(raw), path, mask); !json.Valid(got) {
			t.Fatalf("%s without %s became %s", raw, path, got)
		}
	})
}
