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

const ndjson = "Content-Type: application/x-ndjson"

func TestBatch(t *testing.T) {
	b := start(t)
	var ids wire.Batch
	b.do("POST", "/v1/tasks/batch", `[{"task":"etl.load","args":[0]},{"task":"etl.main","args":[1]}]`).ok(202, &ids)
	b.do("POST", "/v1/tasks/batch", "{\"task\":\"etl.load\",\"args\":[0]}\n\n{\"task\":\"etl.main\",\"args\":[1]}\n", ndjson).ok(202, &ids)
	if len(ids.IDs) != 2 || len(b.node.tasks) != 4 {
		t.Fatal(ids)
	}
	for i, text := range ids.IDs {
		id, _ := queue.ParseID(text)
		if task := b.task(id); string(task.Args) != fmt.Sprintf("[%d]", i) {
			t.Errorf("%+v", task)
		}
	}
}

// A large batch travels in parts that each fit a command, keeps its order, and
// has ids that follow one another.
func TestLargeBatch(t *testing.T) {
	b := start(t)
	b.node.keep = true
	var body strings.Builder
	for i := range wire.MaxBatch {
		fmt.Fprintf(&body, `{"task":"etl.load","args":[%d],"queue":"q%d","priority":%d}`+"\n", i, i%3, i%10)
	}
	var ids, again wire.Batch
	b.do("POST", "/v1/tasks/batch", body.String(), ndjson, "Idempotency-Key: k").ok(202, &ids)
	if len(ids.IDs) != wire.MaxBatch || !slices.IsSorted(ids.IDs) {
		t.Fatalf("%d ids", len(ids.IDs))
	}
	first, _ := queue.ParseID(ids.IDs[0])
	for i, text := range ids.IDs {
		if text != first.Plus(uint32(i)).String() {
			t.Fatalf("id %d is %s", i, text)
		}
	}
	id, _ := queue.ParseID(ids.IDs[7777])
	if task := b.task(id); string(task.Args) != "[7777]" || task.Queue != "q1" || task.Priority != 7 {
		t.Fatalf("%+v", task)
	}
	for _, c := range b.node.proposed {
		if s, ok := c.(*command.Stage); ok {
			if n := len(command.Encode(0, s)); n > command.MaxCommand+4096 || len(s.Calls.List) > command.MaxSubmit || len(s.Calls.Specs) > 30 {
				t.Fatalf("a part has %d calls, %d specs, %d bytes", len(s.Calls.List), len(s.Calls.Specs), n)
			}
		}
	}
	a := b.do("POST", "/v1/tasks/batch", body.String(), ndjson, "Idempotency-Key: k").ok(202, &again)
	if !slices.Equal(ids.IDs, again.IDs) || a.header.Get(wire.HeaderReplayed) != "true" || len(b.node.tasks) != wire.MaxBatch {
		t.Fatal("the repeat made tasks")
	}
	body.WriteString(`{"task":"etl.load"}`)
	b.do("POST", "/v1/tasks/batch", body.String(), ndjson).problem(413, "too_large")
}

// Large payloads cut parts by their bytes.
func TestBatchOfLargeCalls(t *testing.T) {
	b := start(t)
	b.node.keep = true
	call := `{"task":"etl.load","input":"` + strings.Repeat("x", 60_000) + `"}`
	b.do("POST", "/v1/tasks/batch", "["+strings.Repeat(call+",", 19)+call+"]").ok(202, nil)
	stages := 0
	for _, c := range b.node.proposed {
		if s, ok := c.(*command.Stage); ok {
			stages++
			if n := len(command.Encode(0, s)); n > command.MaxCommand+4096 {
				t.Errorf("a part has %d bytes", n)
			}
		}
	}
	if stages != 5 || len(b.node.tasks) != 20 {
		t.Fatalf("%d parts, %d tasks", stages, len(b.node.tasks))
	}
}

func TestBadBatches(t *testing.T) {
	b := start(t)
	for body, want := range map[string]struct {
		code string
		line int
	}{
		"":     {"bad_request", 0},
		"[]":   {"bad_request", 0},
		"[{}]": {"invalid_field", 1},
		"{\"task\":\"etl.load\"}\n{\"task\":\"etl.load\",\"timeout\":\"-5s\"}": {"invalid_field", 2},
		"{\"task\":\"etl.load\"}\n{\"task\":\"etl.lo":                          {"invalid_json", 2},
		`[{"task":"etl.load"},{"task":"etl.load","idempotency_key":"x"}]`:      {"invalid_field", 2},
	} {
		p := b.do("POST", "/v1/tasks/batch", body, ndjson).problem(400, want.code)
		if p.Line != want.line {
			t.Errorf("%s: line %d", body, p.Line)
		}
	}
	b.do("POST", "/v1/tasks/batch", `[{"task":"etl.load"},{"task":"nope.load"}]`).problem(404, "module_not_found")
	if len(b.node.tasks) != 0 {
		t.Fatalf("%d tasks were made", len(b.node.tasks))
	}
}

func TestIDs(t *testing.T) {
	var m idMaker
	last := m.next()
	for range 100_000 {
		id := m.next()
		if id.Compare(last) <= 0 {
			t.Fatalf("%s came after %s", id, last)
		}
		if id[6]>>4 != 7 || id[8]>>6 != 2 || id[12]>>7 != 0 {
			t.Fatalf("%s", id)
		}
		last = id
	}
}
