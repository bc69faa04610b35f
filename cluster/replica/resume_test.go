package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

// shelf keeps values in memory.
type shelf map[string][]byte

func (s shelf) OpenValue(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	if v, ok := s[digest]; ok {
		return io.NopCloser(bytes.NewReader(v)), int64(len(v)), nil
	}
	return nil, 0, errors.New("no such value")
}

func (s shelf) KeepValue(_ context.Context, r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	digest := fmt.Sprint("sha256:", len(s))
	s[digest] = b
	return digest, nil
}

func (s shelf) HasValue(digest string) bool { return s[digest] != nil }

// asked is a run of so many tasks side by side, and a join of them.
func asked(id queue.ID, tasks int, labels string) command.NewRun {
	p := command.GraphPart{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}
	join := command.GraphNode{Node: workflow.Node{Name: "join", Kind: workflow.Join, Listed: uint32(tasks), From: workflow.NoNode}}
	for n := range tasks {
		p.Nodes = append(p.Nodes, command.GraphNode{Node: workflow.Node{Name: fmt.Sprint("group-", n), Kind: workflow.Task, From: workflow.NoNode},
			Call: command.Call{Payload: (&queue.Payload{Labels: []byte(labels)}).Append(nil)}})
		join.Ups = append(join.Ups, uint32(n))
	}
	p.Nodes = append(p.Nodes, join)
	return command.NewRun{ID: id, Kind: "group", TTL: 1e12, Part: p}
}

// TestResume: what a task goes on with is put together of its own state and of
// how the runs have ended that it has waited for.
func TestResume(t *testing.T) {
	r := newRig(t)
	kept := shelf{}
	r.opt.Values = kept
	r.ended(queue.ID{1})
	id := queue.ID{5: 1, 6: 0x70, 8: 0x80, 15: 9}
	good, bad, gone := queue.ID{5: 2, 6: 0x70, 8: 0x80}, queue.ID{5: 3, 6: 0x70, 8: 0x80}, queue.ID{5: 4, 6: 0x70, 8: 0x80}
	call := command.Call{ID: id, Payload: (&queue.Payload{Args: []byte("[7]"), Labels: []byte(`{"team":"a"}`)}).Append(nil)}
	r.do(&command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}, List: []command.Call{call}}})
	r.do(&command.OpenSession{Worker: "w"})
	s := queue.Fence{Index: r.index}
	r.do(&command.SetLimit{Session: s, Seq: 1, Running: 10})
	if raw, err := r.Payload(id); err != nil || string(raw) != string(call.Payload) {
		t.Fatalf("before a deferral: %q, %v", raw, err)
	}
	end := func(id queue.ID, o queue.Outcome, runs ...command.NewRun) {
		t.Helper()
		v, _ := r.Machine().Task(id)
		r.do(&command.Complete{Session: s, Results: []command.TaskResult{{ID: id, Fence: v.Fence, Outcome: o, Runs: runs}}})
	}
	end(id, queue.Outcome{OK: true, Defer: &queue.Deferral{State: []byte(`{"step":2}`), Wait: []queue.ID{good, bad, gone}}},
		asked(good, 2, `{"team":"b"}`), asked(bad, 1, ""))
	if runs, err := r.Awaits(id); err != nil || len(runs) != 3 || runs[0] != good {
		t.Errorf("waits for %v, %v", runs, err)
	}
	for of, want := range map[queue.ID]string{id: `{"team":"a"}`, good.Plus(1): `{"team":"b"}`} {
		if labels, err := r.Labels(of); err != nil || string(labels) != want {
			t.Errorf("labels %s, %v", labels, err)
		}
	}
	end(good.Plus(2), queue.Outcome{OK: true, Result: []byte(`"two"`)})
	end(bad.Plus(1), queue.Outcome{Error: &queue.Error{Type: "no_stock", Message: "sold out"}})
	long := `"` + strings.Repeat("1", queue.MaxInline-100) + `"`
	end(good.Plus(1), queue.Outcome{OK: true, Result: []byte(long)})

	raw, err := r.Payload(id)
	if err != nil {
		t.Fatal(err)
	}
	p, err := queue.DecodePayload(raw)
	if err != nil || string(p.Args) != "[7]" || p.Resume != nil || p.ResumeBlob == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	var got struct {
		State json.RawMessage
		Runs  []struct {
			ID     queue.ID
			State  string
			Result json.RawMessage
			Error  *queue.Error
		}
	}
	if err := json.Unmarshal(kept[p.ResumeBlob], &got); err != nil {
		t.Fatalf("%v: %.300s", err, kept[p.ResumeBlob])
	}
	if string(got.State) != `{"step":2}` || len(got.Runs) != 3 {
		t.Fatalf("%s", kept[p.ResumeBlob])
	}
	if x := got.Runs[0]; x.ID != good || x.State != "success" || string(x.Result) != `[`+long+`,"two"]` || x.Error != nil {
		t.Errorf("%+v", x)
	}
	if x := got.Runs[1]; x.State != "failed" || string(x.Result) != "null" || x.Error == nil || x.Error.Type != "no_stock" {
		t.Errorf("%+v", x)
	}
	if x := got.Runs[2]; x.State != "unknown" || x.ID != gone {
		t.Errorf("%+v", x)
	}
}
