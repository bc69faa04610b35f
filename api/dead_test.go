package api

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// TestReplayOfARunsTask: it runs with what its run has given it, or not at all.
func TestReplayOfARunsTask(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load","args":[1]}`)
	b.node.finish(id, queue.Failure, "")
	b.node.tasks[id].Dead = true
	b.node.tasks[id].Run = id.Run()
	body := fmt.Sprintf(`{"ids":["%s"]}`, id)
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("the result of a task is not here"), 409, "conflict"},
		{&queue.Lasting{Err: &queue.Error{Type: queue.ErrInputTooLarge}}, 409, "conflict"},
		{fmt.Errorf("%w: large values", ErrBusy), 503, "busy"},
		{fmt.Errorf("keep: %w", ErrDiskFull), 507, "disk_full"},
	} {
		b.node.given = func(queue.ID) (queue.Payload, error) { return queue.Payload{}, c.err }
		b.do("POST", "/v1/queues/default/dead/replay", body).problem(c.status, c.code)
	}
	if n := len(b.node.tasks); n != 1 {
		t.Fatalf("%d tasks", n)
	}
	digest := "sha256:" + strings.Repeat("0", 64)
	b.node.given = func(queue.ID) (queue.Payload, error) { return queue.Payload{Args: []byte("[]"), Blob: digest}, nil }
	var done wire.Replayed
	b.do("POST", "/v1/queues/default/dead/replay", body).ok(200, &done)
	if len(done.Replayed) != 1 {
		t.Fatalf("%+v", done)
	}
	again, _ := queue.ParseID(done.Replayed[0])
	if p := b.node.tasks[again].Payload; p.Blob != digest {
		t.Errorf("it is given %+v", p)
	}
}
