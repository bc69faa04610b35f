package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write expected.json anew")

// TestExpected runs the job as the README does and compares its result with
// the file that the README shows.
func TestExpected(t *testing.T) {
	log, err := os.ReadFile("data/access.log")
	if err != nil {
		t.Fatal(err)
	}
	out, logged := runJob(t, bytes.NewReader(log), 0)
	var got bytes.Buffer
	if err := json.Indent(&got, out, "", "  "); err != nil {
		t.Fatalf("the result is no JSON: %v", err)
	}
	if *update {
		if err := os.WriteFile("expected.json", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the result is not expected.json; see the difference with go test -update and git diff")
	}
	if !strings.Contains(logged, "4000 lines read,") || !strings.Contains(logged, "done: 4000 lines") {
		t.Errorf("no progress in the log:\n%s", logged)
	}
}

// TestNothingIsLost: every line is a request or dropped for one reason, and
// every grouping adds up to the requests.
func TestNothingIsLost(t *testing.T) {
	log, err := os.Open("data/access.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	out, _ := runJob(t, log, 0)
	var r struct {
		Lines, Requests int
		Dropped         map[string]int
		ByStatus        map[string]int `json:"by_status"`
		ByMethod        map[string]int `json:"by_method"`
		ByMinute        []struct {
			Requests int
		} `json:"by_minute"`
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	minutes := 0
	for _, m := range r.ByMinute {
		minutes += m.Requests
	}
	if sum(r.Dropped)+r.Requests != r.Lines {
		t.Errorf("%d dropped and %d requests are not %d lines", sum(r.Dropped), r.Requests, r.Lines)
	}
	for name, n := range map[string]int{"by_status": sum(r.ByStatus), "by_method": sum(r.ByMethod), "by_minute": minutes} {
		if n != r.Requests {
			t.Errorf("%s adds up to %d of %d requests", name, n, r.Requests)
		}
	}
}

func sum(m map[string]int) int {
	total := 0
	for _, n := range m {
		total += n
	}
	return total
}

func TestInputForms(t *testing.T) {
	const line = `203.0.113.9 - - [24/Nov/2026:09:00:00 +0100] "GET /a HTTP/1.1" 200 512 "-" "curl/8.5" 0.012`
	asString, err := json.Marshal(line + "\n" + line)
	if err != nil {
		t.Fatal(err)
	}
	asObject, err := json.Marshal(options{Lines: []string{line, line}, Top: 3})
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := runJob(t, strings.NewReader(line+"\r\n"+line), 0)
	for name, in := range map[string]string{"string": string(asString), "object": string(asObject)} {
		if got, _ := runJob(t, strings.NewReader(in), 0); !bytes.Equal(got, raw) {
			t.Errorf("%s: %s\nis not the raw text's %s", name, got, raw)
		}
	}
}

func TestUselessInput(t *testing.T) {
	cases := map[string]string{
		``:                          "empty input",
		`{"lines": []}`:             "no lines",
		`{"lines": ["x"], "top":0}`: "top is 0",
		`{"rows": ["x"]}`:           "unknown field",
		`"unfinished`:               "JSON string",
	}
	for in, want := range cases {
		if _, logged := runJob(t, strings.NewReader(in), 1); !strings.Contains(logged, want) {
			t.Errorf("%q: log %q does not say %q", in, logged, want)
		}
	}
}

func TestUnreadableInput(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("a line\n"), failing{})
	if _, logged := runJob(t, broken, 1); !strings.Contains(logged, "read line 2: disk on fire") {
		t.Errorf("log %q", logged)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestParseLine(t *testing.T) {
	const good = `203.0.113.9 - bob [24/Nov/2026:09:00:00 +0100] "GET /orders/81/?page=2 HTTP/1.1" 200 512 "-" "A \"b\" Bot" 1.5`
	e, reason := parseLine(good)
	if reason != "" {
		t.Fatalf("dropped: %s", reason)
	}
	if e.Path != "/orders/:id" || e.Method != http.MethodGet || e.Micros != 1_500_000 || e.Bytes != 512 || !e.Bot || e.Time.Hour() != 8 {
		t.Errorf("read as %+v", e)
	}
	cases := map[string]string{
		"":                                     dropEmpty,
		"   ":                                  dropEmpty,
		strings.Repeat("a", maxLine):           dropTooLong,
		good[:40]:                              dropTruncated,
		strings.TrimSuffix(good, " 1.5"):       dropTruncated,
		strings.Replace(good, "203", "903", 1): dropAddress,
		strings.Replace(good, "Nov", "Nev", 1): dropTime,
		strings.Replace(good, "GET /", "GET ", 1):     dropRequest,
		strings.Replace(good, " HTTP/1.1", "", 1):     dropRequest,
		strings.Replace(good, `" 200 `, `" 20x `, 1):  dropStatus,
		strings.Replace(good, `" 200 `, `" 700 `, 1):  dropStatus,
		strings.Replace(good, " 512 ", " -512 ", 1):   dropBytes,
		strings.Replace(good, " 1.5", " 1.5s", 1):     dropDuration,
		strings.Replace(good, " 1.5", " -1.5", 1):     dropDuration,
		strings.Replace(good, "1.5", "1.1234567s", 1): dropDuration,
	}
	for line, want := range cases {
		if _, got := parseLine(line); got != want {
			t.Errorf("%.120q: %q, want %q", line, got, want)
		}
	}
}

func TestLongLineIsOneLine(t *testing.T) {
	long := strings.Repeat("x", 5*maxLine) + "\n"
	out, _ := runJob(t, strings.NewReader("first\n"+long+"last"), 0)
	if !bytes.Contains(out, []byte(`{"lines":3,"requests":0,"dropped":{"too_long":1,"truncated":2}`)) {
		t.Errorf("got %s", out)
	}
}

func TestPercentile(t *testing.T) {
	values := []int64{50, 10, 40, 20, 30}
	for p, want := range map[int]int64{0: 10, 20: 10, 21: 20, 50: 30, 95: 50, 100: 50} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile %d is %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

// FuzzParseLine: no line makes it panic, and what it accepts is clean.
func FuzzParseLine(f *testing.F) {
	f.Add(`203.0.113.9 - - [24/Nov/2026:09:00:00 +0100] "GET /a HTTP/1.1" 200 512 "-" "curl/8.5" 0.012`)
	f.Add(`::1 - - [24/Nov/2026:09:00:00 +0100] "GET /\" HTTP/1.1" 200 - "\\" "\"" 999999`)
	f.Fuzz(func(t *testing.T, line string) {
		e, reason := parseLine(line)
		if reason != "" {
			return
		}
		if !strings.HasPrefix(e.Path, "/") || strings.Contains(e.Path, "?") || e.Bytes < 0 || e.Micros < 0 || e.Status < 100 || e.Status > 599 {
			t.Errorf("accepted as %+v", e)
		}
	})
}

// runJob runs the program and checks its exit code.
func runJob(t *testing.T, in io.Reader, wantExit int) (stdout []byte, stderr string) {
	t.Helper()
	var out, logged bytes.Buffer
	if exit := run(in, &out, &logged); exit != wantExit {
		t.Fatalf("exit code %d, want %d; log:\n%s", exit, wantExit, logged.String())
	}
	return out.Bytes(), logged.String()
}
