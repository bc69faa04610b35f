package windrow

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzServerURL(f *testing.F) {
	for _, s := range []string{"", "localhost:8080", "http://127.0.0.1:8080/", "https://[::1]:1/x", "http://a b", "ftp://x", "://", "http://u:p@h", "HTTP://h?q#f", "a/b/c"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, secure bool) {
		base, err := serverURL(s, secure)
		if err != nil {
			return
		}
		u, err := url.Parse(base + "/v1/tasks")
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
			t.Errorf("%q became %q: %v", s, base, err)
		}
		if again, err := serverURL(base, secure); err != nil || again != base {
			t.Errorf("%q became %q, and that %q: %v", s, base, again, err)
		}
	})
}

func FuzzProblem(f *testing.F) {
	f.Add(400, []byte(`{"title": "T", "code": "c", "detail": "d", "line": 3}`))
	f.Add(502, []byte("<html>\xff"))
	f.Add(0, []byte(nil))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := readAPIError(status, body)
		if e.Status != status || e.Title == "" && e.Code == "" || e.Error() == "" {
			t.Errorf("%d %q became %+v", status, body, e)
		}
		if e.Code == "" && (!utf8.ValidString(e.Error()) || strings.Contains(e.Detail, "\n")) {
			t.Errorf("%q became %q", body, e.Error())
		}
	})
}

// FuzzEventMessage holds that whatever a server streams becomes an event, none
// or an error.
func FuzzEventMessage(f *testing.F) {
	f.Add("id: 1-0\nevent: task.success\ndata: {\"id\":\"1-0\"}\n\n")
	f.Add(": alive\n\nevent:reset\n\n")
	f.Add("data: {\ndata: }\r\n\n:\nid\n")
	f.Fuzz(func(t *testing.T, text string) {
		var m message
		for line := range strings.Lines(text) {
			if !m.add([]byte(strings.TrimRight(line, "\r\n"))) {
				continue
			}
			if e, err := m.event(); err != nil && e != nil {
				t.Errorf("%q became %+v and %v", text, e, err)
			}
			m = message{}
		}
	})
}
