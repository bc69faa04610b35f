package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/fake"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func TestProgressText(t *testing.T) {
	for raw, want := range map[string]string{
		``:                                       "",
		`"half way"`:                             "half way",
		`42`:                                     "42",
		`{"done":1,"total":4,"note":"mails"}`:    "█████░░░░░░░░░░░░░░░  25 %  1/4  mails",
		`{"current":9,"total":4,"state":"X"}`:    "████████████████████  100 %  9/4  X",
		`{"done":-1,"total":2}`:                  "░░░░░░░░░░░░░░░░░░░░  0 %  -1/2",
		`{"done":7,"message":"no\u001b[31mred"}`: "7  no[31mred",
		`{"state":"LOADING"}`:                    "LOADING",
		`{"phase":2}`:                            `{"phase":2}`,
		`{"total":"many"}`:                       `{"total":"many"}`,
		`[1,2]`:                                  "[1,2]",
	} {
		if got := progressText(json.RawMessage(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	if got := progressText(json.RawMessage(`"` + strings.Repeat("x", 200) + `"`)); len([]rune(got)) != progressWidth {
		t.Errorf("%d columns", len([]rune(got)))
	}
}

// TestWatched: the log above, the progress below, nothing of which is lost or
// left behind.
func TestWatched(t *testing.T) {
	say := func(kind, text, progress string) *windrow.News {
		return &windrow.News{Type: kind, News: wire.News{Text: text, Progress: json.RawMessage(progress)}}
	}
	list := []*windrow.News{say("log", "one\n\x1b[31mtw", ""), say("progress", "", "1"), say("log", "o\n", ""), say("progress", "", "2"), say("log", "three", "")}
	for _, c := range []struct {
		terminal, log bool
		want          string
	}{
		{true, true, "one\n[31mtw\n1\r\x1b[Ko\n1\r\x1b[K2\r\x1b[Kthree\n2\r\x1b[K"},
		{true, false, "\r\x1b[K1\r\x1b[K2\r\x1b[K"},
		{false, true, "one\n\x1b[31mtwo\nthree"},
		{false, false, ""},
	} {
		var b bytes.Buffer
		w := &watched{out: &b, terminal: c.terminal, log: c.log}
		for _, n := range list {
			if err := w.show(n); err != nil {
				t.Fatal(err)
			}
		}
		w.clear()
		if b.String() != c.want {
			t.Errorf("%+v: %q, want %q", c, b.String(), c.want)
		}
	}
}

// TestLogsGoOn: a node that hangs up costs no line.
func TestLogsGoOn(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("after"))
		n := len(asked)
		fmt.Fprintf(w, "id: 1-%d-w\nevent: log\ndata: {\"attempt\":1,\"text\":\"line %d\\n\"}\n\n", 7*n, n)
		if n == 3 {
			fmt.Fprint(w, "event: end\ndata: {\"state\":\"success\"}\n\n")
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
	o := invoke(t, "", "task", "logs", "-f", idA).want(t, exitOK)
	if o.stdout != "line 1\nline 2\nline 3\n" || o.stderr != "" || strings.Join(asked, " ") != " 1-7-w 1-14-w" {
		t.Errorf("%q, %q, asked after %q", o.stdout, o.stderr, asked)
	}
}

// TestGetShowsProgress of a task that runs.
func TestGetShowsProgress(t *testing.T) {
	told, over := make(chan struct{}), make(chan struct{})
	s := fake.New(map[string]fake.Func{"bar.main": func(_ context.Context, job fake.Job) (any, error) {
		_, _ = io.WriteString(job.Log, "begun\n")
		if err := job.Progress(map[string]any{"done": 1, "total": 2, "note": "mails"}); err != nil {
			return nil, err
		}
		close(told)
		<-over
		return 2, nil
	}})
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
	id := strings.TrimSpace(invoke(t, "", "task", "submit", "bar").want(t, exitOK).stdout)
	<-told
	if o := invoke(t, "", "task", "get", id).want(t, exitOK); !strings.Contains(o.stdout, "██████████░░░░░░░░░░  50 %  1/2  mails") {
		t.Error(o.stdout)
	}
	close(over)
	if o := invoke(t, "", "task", "wait", id, "--logs").want(t, exitOK); o.stdout != "2\n" || o.stderr != "begun\n" {
		t.Errorf("%q %q", o.stdout, o.stderr)
	}
}
