package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/queue"
)

// parent is a task of the module etl, version 1.
func parent() *queue.View {
	s := queue.DefaultSpec("default", "etl", "main")
	s.Version = 1
	return &queue.View{Spec: s}
}

func TestCompileChild(t *testing.T) {
	b := start(t)
	id := queue.ID{5: 9, 6: 0x70, 8: 0x80, 11: 7}
	child := &queue.Child{ID: id, Canvas: []byte(`{"chord":{"header":[{"task":".load","args":[1],"labels":{"team":"b"}},{"map":{"task":{"task":".main"},"items":[1,2]}}],
		"body":{"task":"etl.main","link":[{"task":".load"}]}},"labels":{"own":"1"}}`)}
	run, fits, failed, err := b.srv.CompileChild(t.Context(), parent(), []byte(`{"team":"a","of":"parent"}`), child)
	if err != nil || failed != nil || !fits || run.ID != id || run.Kind != "chord" || run.TTL == 0 {
		t.Fatalf("%+v %v %+v %v", run, fits, failed, err)
	}
	if want := `{"labels":{"of":"parent","own":"1","team":"a"},"calls":["etl.load","etl.main"]}`; string(run.Meta) != want {
		t.Errorf("the run keeps %s", run.Meta)
	}
	versions := map[string]bool{}
	for _, s := range run.Part.Specs {
		versions[fmt.Sprint(s.Module, ".", s.Task, " ", s.Version)] = true
	}
	if len(versions) != 3 || !versions["etl.load 1"] || !versions["etl.main 1"] || !versions["etl.main 0"] {
		t.Errorf("%v", versions)
	}
	p, err := queue.DecodePayload(run.Part.Nodes[0].Call.Payload)
	var labels map[string]string
	if err != nil || json.Unmarshal(p.Labels, &labels) != nil || labels["team"] != "b" || labels["of"] != "parent" || labels["own"] != "1" {
		t.Errorf("%s, %v", p.Labels, err)
	}
}

func TestCompileChildRefuses(t *testing.T) {
	b := start(t)
	many := strings.TrimSuffix(strings.Repeat("1,", 600), ",")
	for canvas, want := range map[string]string{
		`{"chain":[]}`: "chain",
		`{"group":[{"task":"etl.load"},{"tsk":""}]}`: "group[1].tsk",
		`{"task":"etl.load","idempotency_key":"k"}`:  "idempotency_key",
		`{}`: "task",
	} {
		run, _, failed, err := b.srv.CompileChild(t.Context(), parent(), nil, &queue.Child{Canvas: []byte(canvas)})
		if err != nil || failed == nil || failed.Type != "invalid_canvas" || !strings.Contains(failed.Message, want) || len(run.Part.Nodes) != 0 {
			t.Errorf("%s: %+v, %v", canvas, failed, err)
		}
	}
	large := &queue.Child{Canvas: []byte(`{"map":{"task":{"task":"etl.main"},"items":[` + many + `]}}`)}
	if _, fits, failed, err := b.srv.CompileChild(t.Context(), parent(), nil, large); fits || failed != nil || err != nil {
		t.Errorf("600 items fit: %+v, %v", failed, err)
	}
	labels := map[string]string{}
	for i := range maxLabels {
		labels[fmt.Sprint("l", i)] = "x"
	}
	all, _ := json.Marshal(labels)
	if _, _, failed, _ := b.srv.CompileChild(t.Context(), parent(), all, &queue.Child{Canvas: []byte(`{"task":"etl.main","labels":{"one":"more"}}`)}); failed == nil {
		t.Error("65 labels")
	}
}
