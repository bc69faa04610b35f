package api

import (
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestRoutes has routes give what calls and modules do not say: the first that
// fits, from the moment they are set until they are removed.
func TestRoutes(t *testing.T) {
	b := start(t)
	b.node.offered = []wire.ModuleTask{{Name: "heavy", Defaults: []byte(`{"queue":"own"}`)}}
	b.do("PUT", "/v1/modules/mod", "\x00asm\x01\x00\x00\x00", "Content-Type: application/wasm").ok(201, nil)
	b.do("PUT", "/v1/routes", `{"routes":[{"match":"etl.lo?d","queue":"first","priority":7,"labels":{"by":"route"}},{"match":"*","queue":"rest","retry":{"max":4},"timeout":"7s"}]}`).ok(200, nil)
	for _, c := range []struct{ call, queue string }{
		{`{"task":"etl.load"}`, "first"},
		{`{"task":"etl.load","queue":"asked"}`, "asked"},
		{`{"task":"etl.main"}`, "rest"},
		{`{"task":"mod.heavy"}`, "own"},
		{`{"task":"mod.main"}`, "rest"},
	} {
		got := b.task(b.submit(c.call))
		if got.Queue != c.queue {
			t.Errorf("%s stands in %q, want %q", c.call, got.Queue, c.queue)
		}
		if strings.HasPrefix(c.call, `{"task":"etl.load"`) && (got.Priority != 7 || got.Labels["by"] != "route") {
			t.Errorf("%s has priority %d and labels %v", c.call, got.Priority, got.Labels)
		}
	}
	var ids wire.Batch
	b.do("POST", "/v1/tasks/batch", `[{"task":"etl.load"},{"task":"etl.main"},{"task":"etl.load"}]`).ok(202, &ids)
	var shown wire.Task
	b.do("GET", "/v1/tasks/"+ids.IDs[2], "").ok(200, &shown)
	if shown.Queue != "first" {
		t.Errorf("the third of a batch stands in %q", shown.Queue)
	}
	var routes wire.Routes
	b.do("GET", "/v1/routes", "").ok(200, &routes)
	if len(routes.Routes) != 2 || routes.Routes[1].Retry == nil || routes.Routes[1].Retry.Max != 4 {
		t.Errorf("shown %+v", routes)
	}
	b.do("GET", "/v1/routes?namespace=other", "").ok(200, &routes)
	if len(routes.Routes) != 0 {
		t.Errorf("another namespace has %+v", routes)
	}
	b.do("PUT", "/v1/routes", `{"routes":[{"match":"*","queue":"new"}]}`).ok(200, nil)
	if got := b.task(b.submit(`{"task":"etl.load"}`)); got.Queue != "new" {
		t.Errorf("after a change it stands in %q", got.Queue)
	}
	b.do("DELETE", "/v1/routes", "").ok(204, nil)
	if got := b.task(b.submit(`{"task":"etl.load"}`)); got.Queue != "default" {
		t.Errorf("without routes it stands in %q", got.Queue)
	}
}

func TestBadRoutes(t *testing.T) {
	b := start(t)
	for body, field := range map[string]string{
		`{}`:                                     "routes",
		`{"routes":[{"queue":"a"}]}`:             "routes[0].match",
		`{"routes":[{"match":"["}]}`:             "routes[0].match",
		`{"routes":[{"match":"a","queue":"/"}]}`: "routes[0].queue",
		`{"routes":[{"match":"a"},{"match":"b","priority":10}]}`:                  "routes[1].priority",
		`{"routes":[{"match":"a","pool_slots":2}]}`:                               "routes[0].pool_slots",
		`{"routes":[{"match":"a","task":"b.c"}]}`:                                 "task",
		`{"routes":[` + strings.Repeat(`{"match":"a"},`, 256) + `{"match":"a"}]}`: "routes",
	} {
		if p := b.do("PUT", "/v1/routes", body).problem(400, wire.CodeInvalidField); p.Field != field {
			t.Errorf("%.60s blames %q, want %q: %s", body, p.Field, field, p.Detail)
		}
	}
}
