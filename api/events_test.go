package api

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/queue"
)

// readEvents reads server-sent events until there are n.
func readEvents(t *testing.T, url, last string, n int) (events []string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("content type %s", kind)
	}
	s := bufio.NewScanner(resp.Body)
	var id, kind string
	for len(events) < n && s.Scan() {
		switch key, value, _ := strings.Cut(s.Text(), ": "); key {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			events = append(events, id+" "+kind)
		}
	}
	return events
}

func TestEvents(t *testing.T) {
	b := start(t)
	one, two := queue.ID{1}, queue.ID{2}
	b.node.events = []Event{
		{ID: "5-0", Namespace: "default", TaskID: one, Task: "m.main", Queue: "q", To: queue.Pending},
		{ID: "5-1", Namespace: "other", TaskID: two, Task: "m.main", Queue: "q", To: queue.Pending},
		{ID: "6-0", Namespace: "default", TaskID: two, Task: "m.two", Queue: "r", To: queue.Pending},
		{ID: "7-0", Namespace: "default", TaskID: one, Task: "m.main", Queue: "q", To: queue.Success},
	}
	b.node.gone = "1-0"
	for name, c := range map[string]struct {
		query, last string
		want        string
	}{
		"from an id":          {"?after=4-0", "", "[5-0 task.pending 6-0 task.pending 7-0 task.success]"},
		"the header beats":    {"?after=4-0", "6-0", "[7-0 task.success]"},
		"one task":            {"?after=4-0&task=" + one.String(), "", "[5-0 task.pending 7-0 task.success]"},
		"a task's name":       {"?after=4-0&task=m.two", "", "[6-0 task.pending]"},
		"a queue":             {"?after=4-0&queue=r", "", "[6-0 task.pending]"},
		"a type":              {"?after=4-0&type=task.success,task.failure", "", "[7-0 task.success]"},
		"all types of a kind": {"?after=4-0&type=task.", "", "[5-0 task.pending 6-0 task.pending 7-0 task.success]"},
		"another namespace":   {"?after=4-0&namespace=other", "", "[5-1 task.pending]"},
		"too old":             {"", "1-0", "[7-0 reset]"},
	} {
		if got := readEvents(t, b.url+"/v1/events"+c.query, c.last, strings.Count(c.want, "-")); fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
