package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// canvas submits one and gives its run.
func (b *bench) canvas(body string, headers ...string) queue.ID {
	b.t.Helper()
	var s wire.Started
	b.do("POST", "/v1/canvas", body, headers...).ok(202, &s)
	id, err := queue.ParseID(s.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) run(id queue.ID) wire.Run {
	b.t.Helper()
	var r wire.Run
	b.do("GET", "/v1/runs/"+id.String(), "").ok(200, &r)
	return r
}

func TestCanvas(t *testing.T) {
	b := start(t)
	var s wire.Started
	b.do("POST", "/v1/canvas", `{"chain":[{"task":"etl.load","args":[1]},{"group":[{"task":"etl.load"},{"map":{"task":{"task":"etl.main"},"items":[1,2]}}]}],
		"link":[{"task":"etl.main"}],"labels":{"team":"a"}}`).ok(202, &s)
	if s.Kind != "chain" || s.State != "running" {
		t.Fatalf("%+v", s)
	}
	id, _ := queue.ParseID(s.ID)
	r := b.run(id)
	if r.State != "running" || r.TaskCount != 5 || len(r.Tasks) != 5 || r.Result != nil || r.Labels["team"] != "a" || strings.Join(r.Calls, " ") != "etl.load etl.main" {
		t.Fatalf("%+v", r)
	}
	if first := r.Tasks["chain-0"]; first.TaskID != id.Plus(1).String() || first.Task != "etl.load" || first.State != "pending" {
		t.Errorf("%+v", first)
	}
	if task := b.task(id.Plus(1)); task.RunID != s.ID {
		t.Errorf("%+v", task)
	}
	b.node.finish(id.Plus(1), queue.Success, "1")
	for n := uint32(2); n <= 4; n++ {
		b.node.finish(id.Plus(n), queue.Success, fmt.Sprint(n))
	}
	b.node.finish(id.Plus(5), queue.Failure, "")
	b.do("GET", "/v1/runs/"+s.ID+"?wait=30s", "").ok(200, &r)
	if r.State != "success" || string(r.Result) != "[2,[3,4]]" || r.FinishedAt.IsZero() || r.Open != 0 {
		t.Errorf("%+v %s", r, r.Result)
	}
	if x := r.Tasks["chain-1-group-1-map-1"]; x.State != "success" || string(x.Result) != "4" || x.Callback {
		t.Errorf("%+v", x)
	}
	if x := r.Tasks["chain-link-0"]; x.State != "failure" || !x.Callback || x.Result != nil {
		t.Errorf("%+v", x)
	}
}

func TestCanvasFails(t *testing.T) {
	b := start(t)
	id := b.canvas(`{"chain":[{"task":"etl.load"},{"task":"etl.main"}]}`)
	b.node.finish(id.Plus(1), queue.Failure, "")
	r := b.run(id)
	if r.State != "failed" || r.Result != nil || r.Error == nil || r.Error.Type != "dependency" || r.Cause != id.Plus(1).String() || r.Tasks["chain-1"].State != "upstream_failed" ||
		r.Tasks["chain-1"].Error.Type != "dependency" {
		t.Errorf("%+v", r)
	}
}

func TestCanvasWait(t *testing.T) {
	b := start(t)
	var s wire.Run
	b.do("POST", "/v1/canvas?wait=1ms", `{"task":"etl.load"}`).ok(202, &s)
	if s.Kind != "task" || s.State != "running" {
		t.Errorf("%+v", s)
	}
	done := make(chan wire.Run)
	go func() {
		var r wire.Run
		b.do("POST", "/v1/canvas?wait=1m", `{"group":[{"task":"etl.load"}]}`).ok(200, &r)
		done <- r
	}()
	b.until(func() bool { return b.node.waiting.Load() == 2 })
	b.node.finish(b.find(func(v *queue.View) bool { return v.ID.Run().String() != s.ID }), queue.Success, "7")
	if r := <-done; string(r.Result) != "[7]" || r.State != "success" {
		t.Errorf("%+v", r)
	}
	var r wire.Run
	b.do("POST", "/v1/canvas?wait", `{"group":[]}`).ok(200, &r)
	if string(r.Result) != "[]" || r.State != "success" || len(r.Tasks) != 0 {
		t.Errorf("%+v", r)
	}
}

// What a canvas says reaches the command.
func TestCanvasCommand(t *testing.T) {
	b := start(t)
	b.node.keep = true
	b.canvas(`{"chain":[{"task":"etl.load","args":[],"labels":{"b":"own"},"result_ttl":"48h"},{"task":"etl.main","link_error":[{"task":"etl.load","kwargs":{}}],"stdin":"raw","countdown":5},
		{"starmap":{"task":{"task":"etl.load","labels":{"c":"4"}},"items":[[1],[]]}},{"chunks":{"task":{"task":"etl.load"},"items":[[1],[2],[3]],"size":2}}],"labels":{"a":"1","b":"2"}}`)
	run := b.node.proposed[0].(*command.Submit).Runs[0]
	if run.Kind != "chain" || run.TTL != 48*3600e9 || string(run.Meta) != `{"labels":{"a":"1","b":"2"},"calls":["etl.load","etl.main"]}` || run.ID.Ordinal() != 0 {
		t.Errorf("%+v %s", run, run.Meta)
	}
	type want struct {
		name, task, args, labels string
		as                       workflow.As
		from                     uint32
	}
	for i, w := range []want{
		{"chain-0", "load", "[]", `{"a":"1","b":"own"}`, workflow.AsNothing, workflow.NoNode},
		{"chain-1", "main", "", `{"a":"1","b":"2"}`, workflow.AsInput, 0},
		{"chain-1-link_error-0", "load", "", `{"a":"1","b":"2"}`, workflow.AsFirst, 1},
		{"chain-2-starmap", "load", "", `{"a":"1","b":"2","c":"4"}`, workflow.AsSpread, workflow.NoNode},
		{"chain-3-chunks", "load", "", `{"a":"1","b":"2"}`, workflow.AsSpread, workflow.NoNode},
	} {
		n := run.Part.Nodes[i]
		p, err := queue.DecodePayload(n.Call.Payload)
		if got := (want{n.Name, run.Part.Specs[n.Call.Spec].Task, string(p.Args), string(p.Labels), n.As, n.From}); got != w || err != nil {
			t.Errorf("got %+v, want %+v, %v", got, w, err)
		}
		if p.Raw != (i == 1) || (n.Call.Countdown == 5e9) != (i == 1) || (n.Size == 3 && n.Chunk == 2) != (i == 4) {
			t.Errorf("%+v %+v", n, p)
		}
	}
	if items := run.Part.Items; len(items) != 2 || items[1].Node != 4 || string(items[1].Values[2]) != "[3]" {
		t.Errorf("%+v", items)
	}
}

func TestCanvasRefusals(t *testing.T) {
	b := start(t)
	deep := strings.Repeat(`{"chain":[`, 64) + `{"task":"etl.load"}` + strings.Repeat("]}", 64)
	for _, tc := range []struct{ body, code, detail string }{
		{``, "invalid_json", "send a canvas"},
		{`{"chain":[`, "invalid_json", "byte"},
		{`{"chain":[]}`, "invalid_field", "chain: is empty"},
		{`{"chain":[{"task":"etl.load"},{"group":[{}]}]}`, "invalid_field", "chain[1].group[0].task: is missing"},
		{`{"chord":{"header":[],"body":{"task":"etl.load","queue":"a b"}}}`, "invalid_field", "chord.body.queue: is no queue's name"},
		{`{"map":{"task":{"task":"etl.load","link":[{"task":"etl.load"}]},"items":[]}}`, "invalid_field", "map.task.link: and link_error stand on the map itself"},
		{`{"starmap":{"task":{"task":"etl.load"},"items":[[],1]}}`, "invalid_field", "starmap.items[1]: is no list"},
		{`{"chunks":{"task":{"task":"etl.load","input":1},"items":[],"size":1}}`, "invalid_field", "chunks.task.input: is given, but the items are"},
		{`{"map":{"task":{"task":"etl.load"},"items":["` + strings.Repeat("x", 64<<10) + `"]}}`, "invalid_field", "map.items[0]: has more than 64 KiB"},
		{`{"group":[{"task":"etl.load","idempotency_key":"k"}]}`, "invalid_field", "group[0].idempotency_key: is given inside a canvas"},
		{`{"group":[{"task":"etl.load","labels":{"":""}}]}`, "invalid_field", "group[0].labels: has a name that is empty"},
		{deep, "invalid_field", "is nested deeper than 64 canvases"},
		{`{"group":[{"map":{"task":{"task":"etl.load"},"items":[` + strings.Repeat("0,", 249_999) + `0]}},{"task":"etl.load"}]}`, "invalid_field", "has more than 250000 calls and canvases"},
	} {
		if p := b.do("POST", "/v1/canvas", tc.body).problem(400, tc.code); !strings.Contains(p.Detail, tc.detail) {
			t.Errorf("%.60s: got %q, want %q", tc.body, p.Detail, tc.detail)
		}
	}
	b.do("POST", "/v1/canvas", `{"chain":[{"task":"etl.nothing"}]}`).problem(404, "task_not_found")
	b.do("POST", "/v1/canvas", `{"chain":[{"task":"nothing.main"}]}`).problem(404, "module_not_found")
	if n := len(b.node.runs); n != 0 {
		t.Errorf("%d runs", n)
	}
}

// A large canvas travels in parts, and what is sent again is answered at once.
func TestLargeCanvas(t *testing.T) {
	b := start(t)
	b.node.keep = true
	var body strings.Builder
	body.WriteString(`{"chain":[{"map":{"task":{"task":"etl.load"},"items":[`)
	for i := range 20_000 {
		fmt.Fprintf(&body, `%d,`, i)
	}
	body.WriteString(`0]}},{"group":[`)
	for i := range 20_000 {
		fmt.Fprintf(&body, `{"task":"etl.load","args":[%d],"queue":"q%d"},`, i, i%100)
	}
	body.WriteString(`{"task":"etl.main"}]}]}`)
	id := b.canvas(body.String(), "Idempotency-Key: k")
	parts := 0
	for _, c := range b.node.proposed {
		s, ok := c.(*command.Stage)
		if !ok {
			continue
		}
		parts++
		items := len(s.Run.Part.Nodes)
		for _, x := range s.Run.Part.Items {
			items += len(x.Values)
		}
		if n := len(command.Encode(0, s)); n > command.MaxCommand+8192 || items > maxPart || s.Run.ID != id || (s.Run.Kind == "") != (s.Part > 0) {
			t.Fatalf("part %d has %d bytes and %d nodes and items: %q", s.Part, n, items, s.Run.Kind)
		}
	}
	if parts < 20 || parts > 30 {
		t.Errorf("%d parts", parts)
	}
	r := b.run(id)
	if r.TaskCount != 40_002 || !r.TasksTruncated || r.Tasks != nil {
		t.Errorf("%+v", r)
	}
	a := b.do("POST", "/v1/canvas", body.String(), "Idempotency-Key: k")
	var s wire.Started
	if a.ok(202, &s); s.ID != id.String() || a.header.Get(wire.HeaderReplayed) != "true" {
		t.Errorf("%+v %v", s, a.header)
	}
	b.do("POST", "/v1/canvas", `{"group":[]}`, "Idempotency-Key: k").problem(409, "idempotency_conflict")
}

// A call with callbacks is a run whose first task is answered, alone and in a
// batch.
func TestLinkedCalls(t *testing.T) {
	b := start(t)
	const call = `{"task":"etl.load","link":[{"task":"etl.main"}],"link_error":[{"chain":[{"task":"etl.main"}]}],"idempotency_key":"k"}`
	id := b.submit(call)
	if id.Ordinal() != 1 || b.submit(call) != id {
		t.Fatal(id)
	}
	r := b.run(id.Run())
	if r.Kind != "task" || len(r.Tasks) != 3 || r.Tasks["task"].TaskID != id.String() || r.Tasks["task-link_error-0-chain-0"].Task != "etl.main" {
		t.Errorf("%+v", r)
	}
	body := `[{"task":"etl.load","args":[0],"link":[{"task":"etl.main"}]},{"task":"etl.load","args":[1]},{"task":"etl.load","args":[2],"link":[{"task":"etl.main"}]}]`
	var ids, again wire.Batch
	b.do("POST", "/v1/tasks/batch", body, "Idempotency-Key: b").ok(202, &ids)
	b.do("POST", "/v1/tasks/batch", body, "Idempotency-Key: b").ok(202, &again)
	for i, text := range ids.IDs {
		id, _ := queue.ParseID(text)
		if task := b.task(id); string(task.Args) != fmt.Sprintf("[%d]", i) || again.IDs[i] != text {
			t.Errorf("%d: %+v", i, task)
		}
	}
	many := "[" + strings.Repeat(`{"task":"etl.load","link":[{"task":"etl.main"}]},`, 250) + `{"task":"etl.load"}]`
	b.do("POST", "/v1/tasks/batch", many).problem(413, "too_large")
	b.do("POST", "/v1/tasks/batch", `[{"task":"etl.load","link":[{"chain":[]}]}]`).problem(400, "invalid_field")
	b.do("POST", "/v1/tasks", `{"task":"etl.load","link":[{"task":"etl.main","args":1}]}`).problem(400, "invalid_field")
}

func TestListRuns(t *testing.T) {
	b := start(t)
	var made []string
	for i := range 5 {
		made = append(made, b.canvas([]string{`{"group":[]}`, `{"chain":[{"task":"etl.load"}]}`}[i%2]).String())
	}
	list := func(query string) (ids []string) {
		t.Helper()
		for next := ""; ; {
			var page wire.List[wire.Run]
			b.do("GET", "/v1/runs?limit=2&cursor="+next+query, "").ok(200, &page)
			for _, r := range page.Items {
				ids = append(ids, r.ID)
			}
			if next = page.NextCursor; next == "" {
				return ids
			}
		}
	}
	for query, want := range map[string][]int{"": {4, 3, 2, 1, 0}, "&state=success": {4, 2, 0}, "&state=running,failed": {3, 1}, "&kind=chain": {3, 1},
		"&since=2023-11-14T22:13:20.003Z": {4, 3, 2}, "&until=2023-11-14T22:13:20.003Z": {1, 0}, "&namespace=other": {}} {
		var ids []string
		for _, i := range want {
			ids = append(ids, made[i])
		}
		if got := list(query); strings.Join(got, " ") != strings.Join(ids, " ") {
			t.Errorf("%s: got %v, want %v", query, got, ids)
		}
	}
	for _, query := range []string{"state=success,x", "kind=x", "since=x", "until=x", "limit=0", "cursor=AAAA", "namespace=X"} {
		b.do("GET", "/v1/runs?"+query, "").problem(400, "bad_request")
	}
}

func TestRunTasks(t *testing.T) {
	b := start(t)
	id := b.canvas(`{"group":[{"task":"etl.load"},{"map":{"task":{"task":"etl.main"},"items":[1,2,3]}},{"task":"etl.load"}]}`)
	b.node.finish(id.Plus(3), queue.Success, `{"x":1}`)
	var nodes []string
	for next := ""; ; {
		var page wire.List[wire.RunTask]
		b.do("GET", "/v1/runs/"+id.String()+"/tasks?limit=2&cursor="+next, "").ok(200, &page)
		for _, n := range page.Items {
			nodes = append(nodes, n.Node+string(n.Result))
		}
		if next = page.NextCursor; next == "" {
			break
		}
	}
	if got := strings.Join(nodes, " "); got != `group-0 group-1-map-0 group-1-map-1{"x":1} group-1-map-2 group-2` {
		t.Error(got)
	}
	b.do("GET", "/v1/runs/"+id.String()+"/tasks?cursor=AAAA", "").problem(400, "bad_request")
	b.do("GET", "/v1/runs/"+id.String()+"/tasks?limit=x", "").problem(400, "bad_request")
	b.do("GET", "/v1/runs/"+id.Plus(1).String()+"/tasks", "").problem(404, "not_found")
	b.do("GET", "/v1/runs/x/tasks", "").problem(404, "not_found")
	b.do("GET", "/v1/runs/"+id.String()+"?namespace=other", "").problem(404, "not_found")
	b.do("GET", "/v1/runs/"+id.String()+"?wait=2h", "").problem(400, "bad_request")
}

func TestSteerRun(t *testing.T) {
	b := start(t)
	id := b.canvas(`{"chain":[{"task":"etl.load"},{"task":"etl.main"}]}`)
	path := "/v1/runs/" + id.String()
	var s wire.Started
	if b.do("POST", path+"/pause", "").ok(200, &s); !s.Paused || s.State != "running" || !b.run(id).Paused {
		t.Errorf("%+v", s)
	}
	s = wire.Started{}
	if b.do("POST", path+"/resume", "{}", "Idempotency-Key: r").ok(200, &s); s.Paused {
		t.Errorf("%+v", s)
	}
	b.do("POST", path+"/resume", `{"x":1}`).problem(400, "invalid_field")
	for range 2 {
		if b.do("POST", path+"/cancel", "").ok(200, &s); s.State != "cancelled" {
			t.Errorf("%+v", s)
		}
	}
	if r := b.run(id); r.State != "cancelled" || r.Tasks["chain-0"].State != "revoked" || r.Tasks["chain-1"].State != "revoked" {
		t.Errorf("%+v", r)
	}
	b.do("POST", path+"/pause", "").problem(409, "already_ended")
	b.do("POST", "/v1/runs/"+id.Plus(9).String()+"/cancel", "").problem(404, "not_found")
	b.do("POST", "/v1/runs/x/cancel", "").problem(404, "not_found")
}
