package api

import (
	"fmt"
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func TestQueues(t *testing.T) {
	b := start(t)
	var q wire.Queue
	b.do("GET", "/v1/queues/default", "").ok(200, &q)
	b.do("GET", "/v1/queues/other", "").problem(404, "not_found")
	b.do("GET", "/v1/queues/a%20b", "").problem(400, "bad_request")
	b.submit(`{"task":"etl.load","queue":"other"}`)
	b.do("GET", "/v1/queues/other", "").ok(200, &q)
	if q.Name != "other" || q.Pending != 1 || q.OldestSeconds <= 0 || q.Paused {
		t.Fatalf("%+v", q)
	}
	b.do("PUT", "/v1/queues/other", `{"rate_limit":"10/m"}`).ok(200, &q)
	b.do("POST", "/v1/queues/other/pause", "").ok(200, &q)
	if !q.Paused || q.RateLimit == nil || q.RateLimit.String() != "10/m" {
		t.Fatalf("%+v", q)
	}
	b.do("POST", "/v1/queues/other/resume", "{}").ok(200, &q)
	b.do("PUT", "/v1/queues/other", `{"rate_limit":"","paused":true}`).ok(200, &q)
	if !q.Paused || q.RateLimit.N != 10 && q.RateLimit != nil {
		t.Fatalf("%+v", q)
	}
	b.do("PUT", "/v1/queues/other", `{"dead_letter_ttl":"12h"}`).ok(200, &q)
	if q.DeadLetterTTL.String() != "12h" || q.RateLimit != nil && q.RateLimit.N != 10 {
		t.Fatalf("%+v", q)
	}
	b.do("GET", "/v1/queues/other", "").ok(200, &q)
	if q.DeadLetterTTL.String() != "12h" {
		t.Fatalf("read back %+v", q)
	}
	b.do("PUT", "/v1/queues/other", `{"dead_letter_ttl":"soon"}`).problem(400, "invalid_field")
	b.do("PUT", "/v1/queues/other", `{"rate_limit":"10"}`).problem(400, "invalid_field")
	b.do("PUT", "/v1/queues/other", `{"paus":true}`).problem(400, "invalid_field")
	b.do("PUT", "/v1/queues/other", `{"paused":1}`).problem(400, "invalid_field")

	b.do("POST", "/v1/queues/other/purge", "", "Idempotency-Key: p").ok(200, &q)
	if q.Pending != 0 {
		t.Fatalf("%+v", q)
	}
	// A repeat leaves alone what has come since.
	b.submit(`{"task":"etl.load","queue":"other"}`)
	a := b.do("POST", "/v1/queues/other/purge", "", "Idempotency-Key: p").ok(200, &q)
	if q.Pending != 1 || a.header.Get(wire.HeaderReplayed) != "true" {
		t.Fatalf("%+v", q)
	}
	// A late repeat does not undo what came after.
	b.do("POST", "/v1/queues/other/pause", "", "Idempotency-Key: h").ok(200, &q)
	b.do("POST", "/v1/queues/other/resume", "", "Idempotency-Key: h").ok(200, &q)
	a = b.do("POST", "/v1/queues/other/pause", "", "Idempotency-Key: h").ok(200, &q)
	if q.Paused || a.header.Get(wire.HeaderReplayed) != "true" {
		t.Fatalf("%+v", q)
	}
	var list wire.List[wire.Queue]
	b.do("GET", "/v1/queues", "").ok(200, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
}

func TestDeadLetters(t *testing.T) {
	b := start(t)
	var ids []queue.ID
	for i := range 3 {
		id := b.submit(fmt.Sprintf(`{"task":"etl.load","args":[%d],"fairness_key":"f"}`, i))
		b.node.finish(id, queue.Failure, "")
		b.node.tasks[id].Dead = true
		ids = append(ids, id)
	}
	var list wire.List[wire.Task]
	b.do("GET", "/v1/queues/default/dead?limit=2", "").ok(200, &list)
	if len(list.Items) != 2 || list.NextCursor == "" || !list.Items[0].Dead {
		t.Fatalf("%+v", list)
	}
	var done, again wire.Replayed
	body := fmt.Sprintf(`{"ids":["%s"]}`, ids[0])
	b.do("POST", "/v1/queues/default/dead/replay", body, "Idempotency-Key: k").ok(200, &done)
	if len(done.IDs) != 1 || done.IDs[0] != ids[0].String() || len(done.Replayed) != 1 {
		t.Fatalf("%+v", done)
	}
	id, _ := queue.ParseID(done.Replayed[0])
	task := b.task(id)
	if task.ReplayOf != ids[0].String() || string(task.Args) != "[0]" || task.FairnessKey != "f" || b.task(ids[0]).ReplayedAs != id.String() {
		t.Fatalf("%+v", task)
	}
	a := b.do("POST", "/v1/queues/default/dead/replay", body, "Idempotency-Key: k").ok(200, &again)
	if again.Replayed[0] != done.Replayed[0] || again.IDs[0] != done.IDs[0] || a.header.Get(wire.HeaderReplayed) != "true" {
		t.Fatalf("%+v", again)
	}
	b.do("POST", "/v1/queues/default/dead/replay", `{"limit":1}`).ok(200, &done)
	if len(done.IDs) != 1 || !done.More {
		t.Fatalf("%+v", done)
	}
	b.do("POST", "/v1/queues/default/dead/replay", "").ok(200, &done)
	if len(done.IDs) != 1 || done.More {
		t.Fatalf("%+v", done)
	}
	b.do("POST", "/v1/queues/default/dead/replay", "").ok(200, &done)
	if len(done.IDs) != 0 || len(done.Replayed) != 0 {
		t.Fatalf("%+v", done)
	}
	b.do("POST", "/v1/queues/other/dead/replay", body).problem(404, "not_found")
	b.do("POST", "/v1/queues/default/dead/replay", `{"ids":["x"]}`).problem(400, "invalid_field")
	b.do("POST", "/v1/queues/default/dead/replay", `{"limit":0}`).problem(400, "invalid_field")
}

func TestPools(t *testing.T) {
	b := start(t)
	var p wire.Pool
	b.do("GET", "/v1/pools/db", "").problem(404, "pool_not_found")
	b.do("PUT", "/v1/pools/db", `{"slots":4}`).ok(201, &p)
	b.do("PUT", "/v1/pools/db", `{"slots":5}`).ok(200, &p)
	b.do("GET", "/v1/pools/db", "").ok(200, &p)
	if p.Slots != 5 {
		t.Fatalf("%+v", p)
	}
	b.do("PUT", "/v1/pools/db", `{}`).problem(400, "invalid_field")
	b.do("PUT", "/v1/pools/db", `{"slots":-1}`).problem(400, "invalid_field")
	b.do("PUT", "/v1/pools/db", `{"slots":4294967296}`).problem(400, "invalid_field")
	var list wire.List[wire.Pool]
	b.do("GET", "/v1/pools", "").ok(200, &list)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list)
	}
	b.do("DELETE", "/v1/pools/db", "").ok(204, nil)
	b.do("DELETE", "/v1/pools/db", "").problem(404, "pool_not_found")
}

func TestCluster(t *testing.T) {
	b := start(t)
	b.node.workers = []queue.WorkerView{{Worker: "n1", Running: 8, Held: true}, {Worker: "n2", Running: 8, Queues: []string{"a"}}, {Worker: "n3"}}
	var workers wire.List[wire.Worker]
	b.do("GET", "/v1/workers", "").ok(200, &workers)
	if len(workers.Items) != 3 || workers.Items[0].State != "silent" || workers.Items[1].State != "ready" || workers.Items[2].State != "draining" {
		t.Fatalf("%+v", workers)
	}
	var st wire.Cluster
	b.do("GET", "/v1/cluster", "").ok(200, &st)
	if st.Leader != "n1" || len(st.Nodes) != 1 {
		t.Fatalf("%+v", st)
	}
	b.do("POST", "/v1/cluster/join", `{"id":"n2","raft_addr":"127.0.0.1:1"}`).ok(200, &st)
	b.do("POST", "/v1/cluster/join", `{"id":"n2"}`).problem(400, "invalid_field")
	b.do("POST", "/v1/cluster/transfer", `{"to":"n2"}`, "Idempotency-Key: t").ok(200, &st)
	b.do("POST", "/v1/cluster/transfer", `{"to":"n2"}`, "Idempotency-Key: t").ok(200, &st)
	for range 2 { // what was not done leaves its key free
		b.do("POST", "/v1/cluster/transfer", `{"to":"nobody"}`, "Idempotency-Key: f").problem(404, "not_found")
	}
	b.do("POST", "/v1/cluster/transfer", `{"to":"n1"}`, "Idempotency-Key: t").problem(409, "idempotency_conflict")
	b.do("DELETE", "/v1/cluster/nodes/n2", "").ok(204, nil)
	if len(b.node.joined) != 1 || len(b.node.moved) != 1 || b.node.removed[0] != "n2" {
		t.Fatalf("%+v", b.node)
	}
}
