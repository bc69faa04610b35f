package api

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

const msgpackType = "Content-Type: application/msgpack"

// pstr packs a string of less than 32 bytes, pairs a map of keys and packed values.
func pstr(s string) string { return string([]byte{0xa0 + byte(len(s))}) + s }

func packedCall(args string) string { return pairs("task", pstr("etl.load"), "args", args) }

func pairs(keysValues ...string) string {
	out := string([]byte{0x80 + byte(len(keysValues)/2)})
	for i := 0; i < len(keysValues); i += 2 {
		out += pstr(keysValues[i]) + keysValues[i+1]
	}
	return out
}

func TestPackedCall(t *testing.T) {
	b := start(t)
	args := "\x94\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xc4\x02\x00\xff\xd6\xff\x00\x00\x00\x01\xc0"
	for _, name := range packedTypes {
		id := b.submit(packedCall(args), "Content-Type: "+name+"; version=1")
		if task := b.task(id); string(task.Args) != `[18446744073709551615,"AP8=","1970-01-01T00:00:01Z",null]` {
			t.Fatalf("%s: %s", name, task.Args)
		}
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	fmt.Fprint(w, packedCall("\x91\x07"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if task := b.task(b.submit(z.String(), msgpackType, "Content-Encoding: gzip")); string(task.Args) != "[7]" {
		t.Fatalf("%+v", task)
	}
	// The key goes by what the body says, not by how.
	first := b.submit(`{"task":"etl.load","args":[7]}`, "Idempotency-Key: k")
	if again := b.submit(packedCall("\x91\x07"), msgpackType, "Idempotency-Key: k"); again != first {
		t.Fatal("the repeat made a task")
	}
}

func TestPackedBatchAndCanvas(t *testing.T) {
	b := start(t)
	one, two := packedCall("\x91\x00"), packedCall("\x91\x01")
	for _, body := range []string{one + two, "\x92" + one + two} {
		var ids wire.Batch
		b.do("POST", "/v1/tasks/batch", body, msgpackType).ok(202, &ids)
		for i, text := range ids.IDs {
			id, _ := queue.ParseID(text)
			if task := b.task(id); string(task.Args) != fmt.Sprintf("[%d]", i) || len(ids.IDs) != 2 {
				t.Fatalf("%q: %+v", body, task)
			}
		}
	}
	if p := b.do("POST", "/v1/tasks/batch", one+pairs("task", pstr("etl.load"), "timeout", pstr("-5s")), msgpackType).problem(400, "invalid_field"); p.Line != 2 || p.Field != "timeout" {
		t.Fatalf("%+v", p)
	}
	var started wire.Started
	b.do("POST", "/v1/canvas", pairs("chain", "\x92"+one+two), msgpackType).ok(202, &started)
	if started.Kind != "chain" {
		t.Fatalf("%+v", started)
	}
}

func TestBadPacked(t *testing.T) {
	b := start(t, func(c *Config) { c.Limits.Batch = 1 << 20; c.Limits.Value = 1 << 20 })
	long := "\xdb\x00\x08\x00\x00" + strings.Repeat("\x00", 1<<19) // six times as long in JSON
	for _, tc := range []struct {
		body, code string
		status     int
		detail     string
	}{
		{packedCall("\x91\xc1"), "bad_request", 400, "at byte 22 is 0xc1"},
		{packedCall("\x91"), "bad_request", 400, "ends within a value"},
		{packedCall("\x81\x01\x01"), "bad_request", 400, "no string"},
		{packedCall("\x91\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), "bad_request", 400, "+Inf"},
		{pairs("task", pstr("etl.load"), "argz", "\x90"), "invalid_field", 400, `did you mean "args"?`},
		{pairs("task", pstr("etl.load"), "priority", "\x0a"), "invalid_field", 400, "from 0 to 9"},
		{packedCall("\x91\xa1\xff"), "invalid_json", 400, "not UTF-8"},
		{packedCall(strings.Repeat("\x91", 300) + "\x90"), "invalid_json", 400, "nesting deeper than 200 levels"},
		{packedCall("\x90") + packedCall("\x90"), "invalid_json", 400, ""},
		{pairs("task", pstr("etl.load"), "input", long), "too_large", 413, "written as JSON"},
		{"\xdf\xff\xff\xff\xff", "bad_request", 400, "ends within"},
	} {
		if p := b.do("POST", "/v1/tasks", tc.body, msgpackType).problem(tc.status, tc.code); !strings.Contains(p.Detail, tc.detail) {
			t.Errorf("%.40q: %s", tc.body, p.Detail)
		}
	}
	b.do("PUT", "/v1/queues/q", "\x80", msgpackType).problem(415, "unsupported_media_type")
	if len(b.node.tasks) != 0 || b.srv.bodies.used.Load() != 0 {
		t.Fatalf("%d tasks, %d bytes are held", len(b.node.tasks), b.srv.bodies.used.Load())
	}
}
