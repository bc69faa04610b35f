package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func TestSubmit(t *testing.T) {
	b := start(t)
	var sub wire.Submitted
	a := b.do("POST", "/v1/tasks", `{"task":"etl.load","args":[1,{"a":"b"}],"queue":"fast","priority":9}`).ok(202, &sub)
	if sub.State != "pending" || sub.Task != "etl.load" || sub.Queue != "fast" || a.header.Get(wire.HeaderIndex) != "1" {
		t.Fatalf("%+v %v", sub, a.header)
	}
	id, err := queue.ParseID(sub.ID)
	if err != nil || id[6]>>4 != 7 || id[8]>>6 != 2 {
		t.Fatalf("%s is no UUIDv7", sub.ID)
	}
	task := b.task(id)
	if string(task.Args) != `[1,{"a":"b"}]` || string(task.Kwargs) != "{}" || task.Priority != 9 || task.Version != 1 || string(task.Result) != "null" {
		t.Fatalf("%+v", task)
	}
}

// Every option of the contract reaches the command, every default is resolved.
func TestCallOptions(t *testing.T) {
	b := start(t)
	b.node.keep = true
	b.submit(`{"task":"etl.load"}`)
	b.submit(`{"task":"etl.load","kwargs":{"k":1},"queue":"q","priority":0,"eta":"2030-01-01T00:00:00Z","expires":"2031-01-01T00:00:00Z",
		"timeout":"1h","soft_timeout":60,"memory":"128MiB","retry":{"max":3,"backoff":"2s","factor":1.5,"max_backoff":"1m","jitter":"equal","on":["trap"],"not_on":["x"]},
		"ack":"early","max_deliveries":7,"unique_key":"u","concurrency_key":{"key":"c","limit":3},"fairness_key":"f","rate_limit":"10/m",
		"pool":"p","pool_slots":2,"ignore_result":true,"result_ttl":"2h","version":1,"labels":{"b":"2","a":"1"},"headers":{"h":[1]},"output":"text"}`)
	b.submit(`{"task":"etl.main","input":"text","stdin":"raw","countdown":1.5,"expires":90,"concurrency_key":"solo"}`)
	first := b.node.proposed[0].(*command.Submit)
	plain := queue.DefaultSpec("default", "etl", "load")
	plain.Version = 1 // the fake pins it in place
	if got, want := fmt.Sprintf("%+v", first.Calls.Specs[0]), fmt.Sprintf("%+v", plain); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	second := b.node.proposed[1].(*command.Submit)
	want := queue.Spec{Namespace: "default", Module: "etl", Version: 1, Task: "load", Queue: "q", AckEarly: true, IgnoreResult: true,
		MaxDeliveries: 7, Timeout: 3600e9, SoftTimeout: 60e9, ResultTTL: 7200e9, Pool: "p", PoolSlots: 2, Rate: queue.Rate{N: 10, Per: 60e9},
		Memory: 128 << 20, Output: queue.OutputText, Retry: queue.Retry{Given: true, Max: 3, Backoff: 2e9, FactorMil: 1500, MaxBackoff: 60e9,
			Jitter: queue.JitterEqual, On: []string{"trap"}, NotOn: []string{"x"}}}
	if got := second.Calls.Specs[0]; fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	c := second.Calls.List[0]
	at := func(s string) int64 { v, _ := time.Parse(time.RFC3339, s); return v.UnixNano() }
	if c.ETA != at("2030-01-01T00:00:00Z") || c.ExpiresAt != at("2031-01-01T00:00:00Z") || c.UniqueKey != "u" || c.ConcurrencyKey != "c" || c.ConcurrencyLimit != 3 || c.FairnessKey != "f" {
		t.Errorf("%+v", c)
	}
	p, err := queue.DecodePayload(c.Payload)
	if err != nil || string(p.Labels) != `{"a":"1","b":"2"}` || string(p.Headers) != `{"h":[1]}` || string(p.Kwargs) != `{"k":1}` || p.Args != nil {
		t.Errorf("%+v %v", p, err)
	}
	c = b.node.proposed[2].(*command.Submit).Calls.List[0]
	p, err = queue.DecodePayload(c.Payload)
	if err != nil || !p.Raw || string(p.Input) != `"text"` || c.Countdown != 15e8 || c.ExpiresIn != 90e9 || c.ConcurrencyLimit != 1 {
		t.Errorf("%+v %+v %v", c, p, err)
	}
}

func TestBadCalls(t *testing.T) {
	b := start(t)
	deep := strings.Repeat("[", 300) + strings.Repeat("]", 300)
	for _, tc := range []struct {
		body   string
		status int
		code   string
		detail string
	}{
		{``, 400, "invalid_json", "the body is empty; send a call"},
		{`{"task":"etl.load"`, 400, "invalid_json", "it ends where"},
		{`not json`, 400, "invalid_json", "want null"},
		{`[]`, 400, "invalid_field", "want a call"},
		{`{}`, 400, "invalid_field", `task: is missing; name one as "MODULE.TASK"`},
		{`{"task":"etl"}`, 400, "invalid_field", `for a command module "etl.main"`},
		{`{"task":"ETL.load"}`, 400, "invalid_field", "does not begin with a module's name"},
		{`{"task":"etl.9"}`, 400, "invalid_field", "does not end with a task's name"},
		{`{"task":"nope.load"}`, 404, "module_not_found", "no module nope"},
		{`{"task":"etl.nope"}`, 404, "task_not_found", "no task nope"},
		{`{"task":"etl.load","argz":[]}`, 400, "invalid_field", `did you mean "args"?`},
		{`{"task":"etl.load","input":1,"args":[]}`, 400, "invalid_field", "give either input, or args and kwargs"},
		{`{"task":"etl.load","countdown":1,"eta":"2030-01-01T00:00:00Z"}`, 400, "invalid_field", "together with eta"},
		{`{"task":"etl.load","priority":10}`, 400, "invalid_field", "priority: want a whole number from 0 to 9"},
		{`{"task":"etl.load","priority":-1}`, 400, "invalid_field", "priority"},
		{`{"task":"etl.load","timeout":"-1s"}`, 400, "invalid_field", "timeout: \"-1s\" is negative"},
		{`{"task":"etl.load","timeout":0}`, 400, "invalid_field", "timeout: is 0s; it is more than 0 and at most 24h"},
		{`{"task":"etl.load","timeout":"25h"}`, 400, "invalid_field", "at most 24h"},
		{`{"task":"etl.load","timeout":1e309}`, 400, "invalid_field", "longer than 100 years"},
		{`{"task":"etl.load","timeout":"NaN"}`, 400, "invalid_field", "is no duration"},
		{`{"task":"etl.load","timeout":"99999999999999999999h"}`, 400, "invalid_field", "longer than 100 years"},
		{`{"task":"etl.load","soft_timeout":"5m"}`, 400, "invalid_field", "less than timeout, 5m"},
		{`{"task":"etl.load","expires":0}`, 400, "invalid_field", "would never run"},
		{`{"task":"etl.load","memory":"1TiB"}`, 400, "invalid_field", "from 64KiB to 512MiB"},
		{`{"task":"etl.load","memory":1}`, 400, "invalid_field", "memory"},
		{`{"task":"etl.load","result_ttl":0}`, 400, "invalid_field", "ignore_result"},
		{`{"task":"etl.load","max_deliveries":0}`, 400, "invalid_field", "max_deliveries"},
		{`{"task":"etl.load","pool_slots":2}`, 400, "invalid_field", "without pool"},
		{`{"task":"etl.load","pool":"a/b"}`, 400, "invalid_field", "is no pool's name"},
		{`{"task":"etl.load","queue":"a b"}`, 400, "invalid_field", "is no queue's name"},
		{`{"task":"etl.load","queue":"` + strings.Repeat("q", 129) + `"}`, 400, "invalid_field", "is no queue's name"},
		{`{"task":"etl.load","unique_key":"` + strings.Repeat("q", 513) + `"}`, 400, "invalid_field", "longer than 512 bytes"},
		{`{"task":"etl.load","stdin":"raw","input":{}}`, 400, "invalid_field", "needs an input that is a string"},
		{`{"task":"etl.load","retry":{"max_backoff":0}}`, 400, "invalid_field", "retry.max_backoff"},
		{`{"task":"etl.load","input":` + deep + `}`, 400, "invalid_json", "nesting deeper than 200 levels"},
		{`{"task":"etl.load","headers":{"h":"` + strings.Repeat("x", 17_000) + `"}}`, 400, "invalid_field", "more than 16 KiB"},
		{"{\"task\":\"etl.load\",\"args\":[\"\xff\"]}", 400, "invalid_json", "not UTF-8"},
	} {
		name := tc.body
		if len(name) > 60 {
			name = name[:60]
		}
		t.Run(name, func(t *testing.T) {
			b := *b
			b.t = t
			p := b.do("POST", "/v1/tasks", tc.body, "Content-Type: application/json").problem(tc.status, tc.code)
			if !strings.Contains(p.Detail, tc.detail) {
				t.Fatalf("got %q, want %q", p.Detail, tc.detail)
			}
			if tc.code == "invalid_field" && p.Field == "" && tc.body != "[]" {
				t.Fatalf("no field is named: %+v", p)
			}
		})
	}
	if len(b.node.tasks) != 0 {
		t.Fatalf("%d tasks were made", len(b.node.tasks))
	}
}

func TestWait(t *testing.T) {
	b := start(t)
	// The time passes: 202 and the task as it stands.
	var task wire.Task
	b.do("POST", "/v1/tasks?wait=1ms", `{"task":"etl.load"}`).ok(202, &task)
	if task.State != "pending" {
		t.Fatalf("%+v", task)
	}
	b.do("GET", "/v1/tasks/"+task.ID+"?wait=0.001", "").ok(200, &task)
	// It ends meanwhile: 200 and the result.
	id, _ := queue.ParseID(task.ID)
	got := make(chan *answer, 2)
	go func() { got <- b.do("GET", "/v1/tasks/"+task.ID+"?wait", "") }()
	go func() {
		got <- b.do("POST", "/v1/tasks?wait=1m", `{"task":"etl.main","unique_key":"w"}`)
	}()
	other := b.find(func(v *queue.View) bool { return v.UniqueKey == "w" })
	b.node.finish(id, queue.Success, `{"n":1}`)
	b.node.finish(other, queue.Success, `{"n":1}`)
	for range 2 {
		(<-got).ok(200, &task)
		if task.State != "success" || string(task.Result) != `{"n":1}` {
			t.Fatalf("%+v", task)
		}
	}
	for _, wait := range []string{"abc", "-1", "2h", "NaN", "1e309"} {
		b.do("GET", "/v1/tasks/"+task.ID+"?wait="+wait, "").problem(400, "bad_request")
	}
}

// find waits for a task that fits.
func (b *bench) find(fits func(*queue.View) bool) (id queue.ID) {
	b.t.Helper()
	b.until(func() bool {
		b.node.mu.Lock()
		defer b.node.mu.Unlock()
		for _, t := range b.node.tasks {
			if fits(&t.View) {
				id = t.ID
				return true
			}
		}
		return false
	})
	return id
}

// A task that has ended is answered by any node at once, one that has not is
// read as of now, and lists are as the node has them.
func TestConsistency(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load"}`)
	levels := func(path string) string {
		b.node.mu.Lock()
		b.node.synced = nil
		b.node.mu.Unlock()
		b.do("GET", path, "").ok(200, nil)
		return fmt.Sprint(b.node.synced)
	}
	alive := "/v1/tasks/" + id.String()
	for path, want := range map[string]string{
		alive: "[1]", alive + "?consistency=stale": "[]", "/v1/tasks": "[]", "/v1/tasks?consistency=linearizable": "[1]",
		"/v1/tasks?min_index=1": "[0]", "/v1/modules/etl": "[1]", "/v1/queues": "[]", "/v1/queues/default": "[1]",
	} {
		if got := levels(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	b.node.finish(id, queue.Success, "1")
	if got := levels(alive); got != "[]" {
		t.Errorf("ended: got %s", got)
	}
	b.do("GET", alive+"?min_index=999", "").problem(503, "busy")
	b.do("GET", alive+"?min_index=-1", "").problem(400, "bad_request")
	b.do("GET", alive+"?consistency=strong", "").problem(400, "bad_request")
}

func TestGetTask(t *testing.T) {
	b := start(t)
	b.do("GET", "/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057", "").problem(404, "not_found")
	b.do("GET", "/v1/tasks/xyz", "").problem(404, "not_found")
	id := b.submit(`{"task":"etl.load","input":null}`)
	if task := b.task(id); string(task.Input) != "null" || task.Args != nil {
		t.Fatalf("%+v", task)
	}
	b.do("GET", "/v1/tasks/"+id.String(), "", wire.HeaderNamespace+": other").problem(404, "not_found")
	b.do("GET", "/v1/tasks/"+id.String()+"?namespace=a", "", wire.HeaderNamespace+": b").problem(400, "bad_request")
	b.do("GET", "/v1/tasks/"+id.String()+"?namespace=A", "").problem(400, "bad_request")
}

// The view that is written by hand is what wire.Task says.
func TestViewIsWire(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load","args":[1],"labels":{"a":"<b>"},"headers":{"x":1},"pool":"p","unique_key":"ü\"","fairness_key":"f","concurrency_key":"c"}`)
	b.node.mu.Lock()
	d := &b.node.tasks[id].Detail
	e := &queue.Error{Type: "exit_code", Message: "line 1\nline \"2\" \x01", ExitCode: 3, Trace: "main.go:1"}
	d.View = queue.View{ID: id, Spec: d.Spec, State: queue.Failure, Dead: true, ReplayOf: id, ReplayedAs: id, Attempt: 2, Delivery: 3, CreatedAt: 1, ReadyAt: 2,
		ExpiresAt: 3, StartedAt: 4, FinishedAt: 5, RemovedAt: 6, Worker: "w1", FairnessKey: "f", UniqueKey: "ü\"", ConcurrencyKey: "c", ConcurrencyLimit: 4,
		Error: e, Usage: queue.Usage{WallNanos: 1_234_567, CPUNanos: 5, MemoryBytes: 65536}, LogLen: 10, WaitsFor: "slot"}
	d.Attempts = []queue.Attempt{{Number: 1, Worker: "w1", StartedAt: 1, FinishedAt: 2, Error: e, Usage: d.Usage, LogLen: 3}, {Number: 2}}
	b.node.mu.Unlock()
	a := b.do("GET", "/v1/tasks/"+id.String(), "")
	var task wire.Task
	a.ok(200, &task)
	again, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if json.Unmarshal([]byte(a.body), &got) != nil || json.Unmarshal(again, &want) != nil {
		t.Fatal(a.body)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if task.Error.Message != e.Message || task.Usage.WallMS != 1.234567 || len(task.Attempts) != 2 || task.CreatedAt.UnixNano() != 1 {
		t.Errorf("%+v", task)
	}
	var list wire.List[wire.Task]
	b.do("GET", "/v1/tasks", "").ok(200, &list)
	if len(list.Items) != 1 || list.Items[0].Error.ExitCode != 3 || list.Items[0].Args != nil {
		t.Errorf("%+v", list)
	}
}

// Large values are blobs inside and plain values outside.
func TestLargeValues(t *testing.T) {
	b := start(t)
	big := `"` + strings.Repeat("x", 3<<20) + `"`
	id := b.submit(`{"task":"etl.load","input":` + big + `}`)
	d := b.node.tasks[id]
	if d.Payload.Blob == "" || d.Payload.Input != nil {
		t.Fatal("the input went into the log")
	}
	result := `["` + strings.Repeat("y", 1<<20) + `"]`
	d.ResultBlob = b.node.keepBlob([]byte(result))
	b.node.finish(id, queue.Success, "")
	d.Result = nil
	task := b.task(id)
	if string(task.Input) != big || string(task.Result) != result || task.ResultDigest != d.ResultBlob || task.InputDigest != d.Payload.Blob {
		t.Fatalf("%d %d %s", len(task.Input), len(task.Result), task.ResultDigest)
	}
	id2 := b.submit(`{"task":"etl.load","args":[` + big + `],"kwargs":{"k":1}}`)
	if d := b.node.tasks[id2]; len(d.Payload.Args) > 2 || d.Payload.Blob == "" {
		t.Fatal("the arguments went into the log")
	}
	if task := b.task(id2); string(task.Args) != "["+big+"]" || string(task.Kwargs) != `{"k":1}` || task.Input != nil {
		t.Fatalf("%d %s", len(task.Args), task.Kwargs)
	}
	id2 = b.submit(`{"task":"etl.load","kwargs":{"k":` + big + `}}`)
	if task := b.task(id2); string(task.Args) != "[]" || string(task.Kwargs) != `{"k":`+big+`}` {
		t.Fatalf("%s %d", task.Args, len(task.Kwargs))
	}
	delete(b.node.blobs, d.ResultBlob)
	if task := b.task(id); task.Result != nil || string(task.Input) != big {
		t.Fatal("a lost blob")
	}
	if b.srv.bodies.used.Load() != 0 {
		t.Fatal("budget was not given back")
	}
}

func TestIdempotency(t *testing.T) {
	b := start(t)
	body := `{"task":"etl.load"}`
	first := b.do("POST", "/v1/tasks", body, "Idempotency-Key: k").ok(202, nil)
	if first.header.Get(wire.HeaderReplayed) != "" {
		t.Error("the first is no replay")
	}
	again := b.do("POST", "/v1/tasks", body, "Idempotency-Key: k").ok(202, nil)
	if again.body != first.body || again.header.Get(wire.HeaderReplayed) != "true" {
		t.Errorf("got %s, want %s", again.body, first.body)
	}
	b.do("POST", "/v1/tasks", `{"task":"etl.main"}`, "Idempotency-Key: k").problem(409, "idempotency_conflict")
	var sub wire.Submitted
	first.ok(202, &sub)
	id, _ := queue.ParseID(sub.ID)
	b.node.finish(id, queue.Success, "1")
	// The state is the present one, and a wait is a wait anew.
	b.do("POST", "/v1/tasks", body, "Idempotency-Key: k").ok(202, &sub)
	if sub.State != "success" {
		t.Error(sub)
	}
	var task wire.Task
	b.do("POST", "/v1/tasks?wait=1m", body, "Idempotency-Key: k").ok(200, &task)
	if task.ID != sub.ID {
		t.Error(task.ID)
	}
	// Another namespace or route is another key.
	b.do("POST", "/v1/tasks", body, "Idempotency-Key: k", wire.HeaderNamespace+": other").problem(404, "module_not_found")
	var ids wire.Batch
	b.do("POST", "/v1/tasks/batch", body, "Idempotency-Key: k").ok(202, &ids)
	if ids.IDs[0] == sub.ID {
		t.Error("one key answers two routes")
	}
	// The field is a key, too; the header beats it.
	field := `{"task":"etl.load","idempotency_key":"f"}`
	b.do("POST", "/v1/tasks", field).ok(202, &sub)
	if a := b.do("POST", "/v1/tasks", field); a.header.Get(wire.HeaderReplayed) != "true" {
		t.Error("the field was not taken")
	}
	if a := b.do("POST", "/v1/tasks", field, "Idempotency-Key: new").ok(202, nil); a.header.Get(wire.HeaderReplayed) != "" {
		t.Error("the field beat the header")
	}
	b.do("POST", "/v1/tasks", body, "Idempotency-Key: "+strings.Repeat("k", 513)).problem(400, "bad_request")
}

func TestUniqueKey(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load","unique_key":"u"}`)
	p := b.do("POST", "/v1/tasks", `{"task":"etl.load","unique_key":"u"}`).problem(409, "duplicate")
	if p.ID != id.String() {
		t.Fatal(p)
	}
}

func TestRevoke(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load"}`)
	path := "/v1/tasks/" + id.String() + "/revoke"
	b.node.tasks[id].State = queue.Received
	b.do("POST", path, "").problem(409, "running")
	b.do("POST", path, `{"terminate":1}`).problem(400, "invalid_field")
	b.do("POST", path, `{"terminat":true}`).problem(400, "invalid_field")
	var sub wire.Submitted
	b.do("POST", path, `{"terminate":true}`, "Idempotency-Key: r").ok(200, &sub)
	if sub.State != "revoked" {
		t.Fatal(sub)
	}
	a := b.do("POST", path, `{"terminate":true}`, "Idempotency-Key: r").ok(200, nil)
	if a.header.Get(wire.HeaderReplayed) != "true" {
		t.Error("no replay")
	}
	b.do("POST", path, `{}`, "Idempotency-Key: r").problem(409, "idempotency_conflict")
	done := b.submit(`{"task":"etl.load"}`)
	b.node.finish(done, queue.Success, "1")
	b.do("POST", "/v1/tasks/"+done.String()+"/revoke", "").problem(409, "already_ended")
	b.do("POST", "/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057/revoke", "").problem(404, "not_found")
}

func TestNodeErrors(t *testing.T) {
	b := start(t)
	for err, want := range map[error]struct {
		status int
		code   string
	}{
		fmt.Errorf("p: %w", ErrNoLeader):       {503, "no_leader"},
		fmt.Errorf("p: %w", ErrUnknownOutcome): {504, "unknown_outcome"},
		fmt.Errorf("p: %w", ErrDiskFull):       {507, "disk_full"},
		fmt.Errorf("p: %w", ErrBusy):           {503, "busy"},
		&Error{Code: "conflict", Detail: "d"}:  {409, "conflict"},
	} {
		b.node.failWith = err
		b.do("POST", "/v1/tasks", `{"task":"etl.load"}`).problem(want.status, want.code)
	}
}

// What was committed is done: a node that cannot catch up with the leader must
// not answer that it is not.
func TestCommittedIsNeverAnError(t *testing.T) {
	b := start(t)
	b.node.lags = true
	b.do("PUT", "/v1/modules/mail", "\x00asm\x01\x00\x00\x00", wasmType).ok(201, nil)
	var sub wire.Submitted
	b.do("POST", "/v1/tasks?wait=5s", `{"task":"etl.load"}`).ok(202, &sub)
	if sub.State != "pending" || sub.ID == "" {
		t.Errorf("%+v", sub)
	}
	b.do("POST", "/v1/tasks/"+sub.ID+"/revoke", `{}`).ok(200, &sub)
	if sub.State != "revoked" {
		t.Errorf("%+v", sub)
	}
	var q wire.Queue
	b.do("PUT", "/v1/queues/new", `{"paused":true,"rate_limit":"3/s"}`).ok(200, &q)
	if !q.Paused || q.RateLimit == nil || q.Name != "new" {
		t.Errorf("%+v", q)
	}
	q = wire.Queue{}
	b.do("POST", "/v1/queues/new/resume", ``).ok(200, &q)
	if q.Paused {
		t.Errorf("%+v", q)
	}
	var p wire.Pool
	b.do("PUT", "/v1/pools/db", `{"slots":4}`).ok(201, &p)
	if p.Slots != 4 {
		t.Errorf("%+v", p)
	}
	b.do("POST", "/v1/queues/default/purge", ``).ok(200, nil)
}
