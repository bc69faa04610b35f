package metrics

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const document = "../../docs/metrics.md"

type source struct{ queues int }

func (s source) QueueSizes() (list []queue.QueueView) {
	for i := range s.queues {
		list = append(list, queue.QueueView{Namespace: "n", Name: fmt.Sprintf("q%04d", i), Pending: 1})
	}
	return list
}

func (source) Workers() []queue.WorkerView { return []queue.WorkerView{{Running: 4, Outstanding: 1}} }
func (source) Now() int64                  { return 0 }
func (source) Figures() Figures            { return Figures{Leader: true} }

func text(t *testing.T, s *Set) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryMetricIsWritten(t *testing.T) {
	s := New(source{queues: 1})
	s.Moved(queue.Success, "")
	s.Moved(queue.Failure, queue.ErrTrap)
	s.Moved(queue.Failure, "MyOwnError")
	s.Answered("POST", "/v1/tasks", 202, time.Millisecond)
	out := text(t, s)
	for _, m := range List {
		if !strings.Contains(out, "# HELP "+m.Name+" ") {
			t.Errorf("%s is on the list and not written", m.Name)
		}
	}
	for _, line := range []string{`windrow_task_transitions_total{state="failure"} 2`, `windrow_task_failures_total{type="guest"} 1`,
		`windrow_http_requests_total{code="202",method="POST",route="/v1/tasks"} 1`, "windrow_leader 1"} {
		if !strings.Contains(out, line) {
			t.Errorf("no line %s", line)
		}
	}
	for _, name := range regexp.MustCompile(`(?m)^# HELP (windrow_\w+)`).FindAllStringSubmatch(out, -1) {
		found := false
		for _, m := range List {
			found = found || m.Name == name[1]
		}
		if !found {
			t.Errorf("%s is written and not on the list", name[1])
		}
	}
}

func TestQueuesAreBounded(t *testing.T) {
	out := text(t, New(source{queues: MaxQueues + 50}))
	if n := strings.Count(out, "\nwindrow_queue_pending{"); n != MaxQueues+1 {
		t.Errorf("%d queues are told apart", n)
	}
	if !strings.Contains(out, `windrow_queue_pending{namespace="",queue="other"} 50`) {
		t.Error("the rest is not counted")
	}
}

// TestDocumentIsCurrent: go test ./internal/metrics -update writes it anew.
func TestDocumentIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Metrics\n\nPrometheus reads them at `/metrics` of each node. Names and labels stay; new ones may come.\nBeside these there are Go's and the process's own (`go_…`, `process_…`).\n\n| metric | kind | labels | |\n| --- | --- | --- | --- |\n")
	for _, m := range List {
		labels := "–"
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, labels, m.Help)
	}
	if *update {
		if err := os.WriteFile(document, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(document)
	if err != nil || string(have) != b.String() {
		t.Errorf("docs/metrics.md is not the list as it is; run: go test ./internal/metrics -update (%v)", err)
	}
}
