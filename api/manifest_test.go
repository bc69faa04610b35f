package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// offer puts a module with tasks as its manifest would have them.
func (b *bench) offer(name, tasks string) {
	b.t.Helper()
	put := &command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: name, Digest: "sha256:" + name + tasks,
		Body: []byte(`{"kind":"reactor","tasks":` + tasks + `}`), Attributes: command.Attributes{Tasks: []string{"send", "free"}}}
	b.node.mu.Lock()
	defer b.node.mu.Unlock()
	if r := b.node.put(put); r.Code != command.OK {
		b.t.Fatal(r)
	}
}

const mailTasks = `[{"name":"free"},{"name":"send",
	"params":{"type":"object","required":["to"],"properties":{"to":{"type":"array","items":{"type":"object","properties":{"email":{"type":"string","format":"email"}}}}}},
	"defaults":{"queue":"mail","priority":7,"timeout":"20s","soft_timeout":"10s","retry":{"max":4},"pool":"smtp","pool_slots":2,"labels":{"a":"1","b":"2"},
		"rate_limit":"10/s","max_deliveries":2,"memory":"32MiB","ack":"early","result_ttl":"1h","ignore_result":true,"expires":"1d","concurrency_key":{"key":"k","limit":2}}}]`

func TestArgumentsAreChecked(t *testing.T) {
	b := start(t)
	b.offer("mail", mailTasks)
	b.do("POST", "/v1/tasks", `{"task":"mail.send","input":{"to":[{"email":"a@b.c"}]}}`).ok(202, nil)
	p := b.do("POST", "/v1/tasks", `{"task":"mail.send","input":{"to":[{"email":"a@b.c"},{"email":"nobody"}]}}`).problem(400, "invalid_field")
	if p.Field != "input.to[1].email" || !strings.Contains(p.Detail, "want the format email") {
		t.Errorf("%+v", p)
	}
	p = b.do("POST", "/v1/tasks", `{"task":"mail.send","version":1}`).problem(400, "invalid_field")
	if p.Field != "kwargs.to" || !strings.Contains(p.Detail, "is missing") {
		t.Errorf("%+v", p)
	}
	// A batch says which call; nothing of it is taken.
	p = b.do("POST", "/v1/tasks/batch", `[{"task":"mail.free","input":1},{"task":"mail.send","args":[{"to":1}]}]`).problem(400, "invalid_field")
	if p.Line != 2 || p.Field != "args[0].to" {
		t.Errorf("%+v", p)
	}
	b.do("POST", "/v1/tasks", `{"task":"mail.free","input":{"to":1}}`).ok(202, nil)
	b.do("POST", "/v1/tasks", `{"task":"mail.send","input":{"to":[]},"args":[]}`).problem(400, "invalid_field")
	// What is above 64 KiB is checked, too.
	large := fmt.Sprintf(`{"task":"mail.send","input":{"to":[{"email":"a@b.c","x":"%s"},{"email":"x"}]}}`, strings.Repeat("y", 1<<20))
	if p := b.do("POST", "/v1/tasks", large).problem(400, "invalid_field"); p.Field != "input.to[1].email" {
		t.Errorf("%+v", p)
	}
	if b.srv.bodies.used.Load() != 0 {
		t.Error("memory of the check was not given back")
	}
}

func TestDefaultsApply(t *testing.T) {
	b := start(t)
	b.offer("mail", mailTasks)
	spec := func(call string) queue.Spec {
		b.node.mu.Lock()
		n := len(b.node.order)
		b.node.mu.Unlock()
		b.do("POST", "/v1/tasks", call).ok(202, nil)
		b.node.mu.Lock()
		defer b.node.mu.Unlock()
		return b.node.tasks[b.node.order[n]].Spec
	}
	s := spec(`{"task":"mail.send","input":{"to":[]}}`)
	if s.Queue != "mail" || s.Priority != 7 || s.Timeout != 20e9 || s.SoftTimeout != 10e9 || s.Retry.Max != 4 || s.Pool != "smtp" || s.PoolSlots != 2 ||
		s.Rate.N != 10 || s.MaxDeliveries != 2 || s.Memory != 32<<20 || !s.AckEarly || s.ResultTTL != 3600e9 || !s.IgnoreResult {
		t.Errorf("%+v", s)
	}
	s = spec(`{"task":"mail.send","input":{"to":[]},"queue":"slow","priority":0,"timeout":"5s","retry":{"max":0},"pool":"other","ack":"late"}`)
	if s.Queue != "slow" || s.Priority != 0 || s.Timeout != 5e9 || s.SoftTimeout != 0 || s.Retry.Max != 0 || s.Pool != "other" || s.PoolSlots != 1 || s.AckEarly {
		t.Errorf("%+v", s)
	}
	if s = spec(`{"task":"mail.send","input":{"to":[]},"soft_timeout":"1m"}`); s.SoftTimeout != 60e9 || s.Timeout <= 60e9 {
		t.Errorf("%+v", s)
	}
	if s = spec(`{"task":"mail.free"}`); s.Queue != "default" || s.Pool != "" {
		t.Errorf("%+v", s)
	}
	b.node.mu.Lock()
	defer b.node.mu.Unlock()
	if d := b.node.tasks[b.node.order[0]]; string(d.Payload.Labels) != `{"a":"1","b":"2"}` || d.ConcurrencyKey != "k" || d.ConcurrencyLimit != 2 {
		t.Errorf("%s %+v", d.Payload.Labels, d.View)
	}
}

// TestBrokenMannerIsNoFault: what an older version took is not checked, and
// told to the log.
func TestBrokenMannerIsNoFault(t *testing.T) {
	b := start(t)
	b.offer("mail", `[{"name":"send","params":{"type":"nonsense"}}]`)
	b.do("POST", "/v1/tasks", `{"task":"mail.send"}`).ok(202, nil)
	if !strings.Contains(b.log.String(), "arguments are not checked") {
		t.Error(b.log.String())
	}
}

func TestCheckTask(t *testing.T) {
	for _, c := range []struct{ params, defaults, want string }{
		{`{"type":"object"}`, `{"queue":"a","stdin":"raw"}`, ``},
		{`null`, `null`, ``},
		{`{"type":"x"}`, ``, `task "send": params: the schema is not valid: params.type`},
		{``, `{"queu":"a"}`, `did you mean "queue"`},
		{``, `{"priority":10}`, `priority: want a whole number from 0 to 9`},
		{``, `{"queue":"-"}`, `queue: is no queue's name`},
		{``, `{"timeout":"48h"}`, `timeout: is 48h`},
		{``, `{"soft_timeout":"10m"}`, `soft_timeout`},
		{``, `{"input":1}`, `input: is for a call to say`},
		{``, `{"unique_key":"a"}`, `unique_key: is for a call to say`},
		{``, `{"labels":{"":"a"}}`, `labels`},
		{``, `[]`, `want a call`},
	} {
		err := CheckTask(&wire.ModuleTask{Name: "send", Params: []byte(c.params), Defaults: []byte(c.defaults)})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: got %v, want %s", c.params, c.defaults, err, c.want)
		}
	}
}

// TestUploadIsRefused: a manifest that cannot be held makes no version.
func TestUploadIsRefused(t *testing.T) {
	b := start(t)
	for i, c := range []struct {
		offered []wire.ModuleTask
		want    string
	}{
		{[]wire.ModuleTask{{Name: "send", Params: []byte(`{"type":"nonsense"}`)}}, "params.type"},
		{[]wire.ModuleTask{{Name: "send", Params: []byte(`{"$ref":"file:///etc/passwd"}`)}}, "is not opened"},
		{[]wire.ModuleTask{{Name: "send", Defaults: []byte(`{"memory":"1TiB"}`)}}, "memory"},
		{slices.Repeat([]wire.ModuleTask{{Name: "send", Params: []byte(`{"title":"` + strings.Repeat("x", 60<<10) + `"}`)}}, 20), "together"},
	} {
		b.node.offered = c.offered
		p := b.do("PUT", "/v1/modules/bad", fmt.Sprintf("\x00asm\x01\x00\x00\x00%d", i), wasmType).problem(422, "invalid_module")
		if !strings.Contains(p.Detail, c.want) {
			t.Errorf("got %s, want %s", p.Detail, c.want)
		}
	}
	b.do("GET", "/v1/modules/bad", "").problem(404, "module_not_found")
}

// TestMannersAreBounded: the oldest go when the newest come.
func TestMannersAreBounded(t *testing.T) {
	var m manners
	for i := range 100 {
		m.put(mannerKey{fmt.Sprint(i), "t"}, nil, mannersCost/10)
		m.get(mannerKey{"0", "t"})
	}
	if len(m.by) != 10 || m.order.Len() != 10 || m.cost > mannersCost {
		t.Errorf("%d, %d, %d", len(m.by), m.order.Len(), m.cost)
	}
	if _, ok := m.get(mannerKey{"0", "t"}); !ok {
		t.Error("the one in use is gone")
	}
	if _, ok := m.get(mannerKey{"50", "t"}); ok {
		t.Error("one not in use is there")
	}
}

// TestNoSchemaNoCost: what says nothing of calls is read once.
func TestNoSchemaNoCost(t *testing.T) {
	b := start(t)
	ask := func() {
		if m, err := b.srv.mannerAsked(t.Context(), "default", "etl", "load", 0); m != nil || err != nil {
			t.Fatal(m, err)
		}
	}
	ask()
	if n := testing.AllocsPerRun(100, ask); n > 1 { // the fake's own
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkMannerAsked(b *testing.B) {
	s := start(b)
	for b.Loop() {
		if _, err := s.srv.mannerAsked(b.Context(), "default", "etl", "load", 0); err != nil {
			b.Fatal(err)
		}
	}
}
