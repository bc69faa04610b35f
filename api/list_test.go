package api

import (
	"fmt"
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func TestListTasks(t *testing.T) {
	b := start(t)
	var ids []queue.ID
	for i := range 25 {
		ids = append(ids, b.submit(fmt.Sprintf(`{"task":"etl.%s","queue":"q%d"}`, []string{"load", "main"}[i%2], i%5)))
	}
	b.node.finish(ids[3], queue.Success, "1")
	b.node.finish(ids[4], queue.Failure, "1")
	count := func(query string) int {
		var list wire.List[wire.Task]
		b.do("GET", "/v1/tasks"+query, "").ok(200, &list)
		return len(list.Items)
	}
	for query, want := range map[string]int{
		"": 25, "?limit=7": 7, "?state=success": 1, "?state=success,failure": 2, "?state=success&state=failure": 2,
		"?task=etl.load": 13, "?task=etl": 25, "?task=etl.": 25, "?queue=q1": 5, "?queue=q1&task=etl.main": 3, "?queue=none": 0,
		"?namespace=other": 0, "?since=1h": 0, "?until=1h": 25, "?since=2020-01-01T00:00:00Z": 25, "?until=2020-01-01T00:00:00Z": 0,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: got %d, want %d", query, got, want)
		}
	}
	// Page by page, newest first, each once.
	next, n := "", 0
	for {
		var list wire.List[wire.Task]
		b.do("GET", "/v1/tasks?limit=10&cursor="+next, "").ok(200, &list)
		for _, item := range list.Items {
			if n++; item.ID != ids[25-n].String() {
				t.Fatalf("place %d has %s", n, item.ID)
			}
		}
		if next = list.NextCursor; next == "" {
			break
		}
	}
	if n != 25 {
		t.Fatalf("%d tasks", n)
	}
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?state=done", "?task=ETL", "?queue=a%20b", "?since=yesterday",
		"?cursor=%25", "?cursor=AAAA", "?consistency=x", "?namespace=%2F"} {
		b.do("GET", "/v1/tasks"+query, "").problem(400, "bad_request")
	}
}
