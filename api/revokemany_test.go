package api

import (
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestRevokeTasks goes through pages, up to a limit, and refuses to revoke
// everything for want of a word.
func TestRevokeTasks(t *testing.T) {
	b := start(t)
	b.do("POST", "/v1/tasks/batch", "["+strings.Repeat(`{"task":"etl.load","labels":{"a":"1"}},`, 1200)+`{"task":"etl.load","labels":{"a":"2"}}]`).ok(202, nil)
	revoke := func(body string, headers ...string) (out wire.RevokedMany) {
		b.do("POST", "/v1/tasks/revoke", body, headers...).ok(200, &out)
		return out
	}
	if got := revoke(`{"labels":{"a":"1"},"limit":700}`); got != (wire.RevokedMany{Revoked: 700, More: true}) {
		t.Errorf("the first 700: %+v", got)
	}
	if got := revoke(`{"labels":{"a":"1"},"states":["pending"]}`, "Idempotency-Key: k"); got != (wire.RevokedMany{Revoked: 500}) {
		t.Errorf("the rest: %+v", got)
	}
	b.submit(`{"task":"etl.load","labels":{"a":"1"}}`)
	if got := revoke(`{"labels":{"a":"1"},"states":["pending"]}`, "Idempotency-Key: k"); got.Revoked != 0 {
		t.Errorf("the same request again revokes what has come since: %+v", got)
	}
	left := 0
	b.node.mu.Lock()
	for _, task := range b.node.tasks {
		if task.State != queue.Revoked {
			left++
		}
	}
	b.node.mu.Unlock()
	if left != 2 {
		t.Errorf("%d are left", left)
	}
	for body, field := range map[string]string{
		`{}`: "labels", `{"terminate":true}`: "labels", `{"states":["pending"]}`: "labels", `{"queue":"/"}`: "queue", `{"task":"A.b"}`: "task",
		`{"queue":"a","limit":10001}`: "limit", `{"queue":"a","states":["success"]}`: "states", `{"queue":"a","states":["what"]}`: "states",
	} {
		if p := b.do("POST", "/v1/tasks/revoke", body).problem(400, wire.CodeInvalidField); p.Field != field {
			t.Errorf("%s blames %q, want %q", body, p.Field, field)
		}
	}
	for _, query := range []string{"label=", "label=a", "label==b"} {
		b.do("GET", "/v1/tasks?"+query, "").problem(400, wire.CodeBadRequest)
	}
}
