package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// neighbour runs a small task again and again while others misbehave.
type neighbour struct {
	t       *testing.T
	n       *testnode.Node
	stop    chan struct{}
	done    sync.WaitGroup
	worst   time.Duration
	count   int
	rssThen int64
}

func newNeighbour(t *testing.T, n *testnode.Node) *neighbour {
	t.Helper()
	b := &neighbour{t: t, n: n, stop: make(chan struct{})}
	b.rssThen, _ = n.RSS()
	c := n.Client()
	b.done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-tick.C:
			}
			began := time.Now()
			task, err := c.SubmitWait(t.Context(), windrow.Call{Task: "echo.main", Input: json.RawMessage(`"next door"`)})
			if err != nil || string(task.Result) != `"next door"` {
				t.Errorf("the neighbour's task: %+v, %v", task, err)
				return
			}
			b.worst = max(b.worst, time.Since(began))
			b.count++
		}
	})
	return b
}

// check ends the neighbour. It must have been served all the while, and the
// node must not have held much more memory than before.
func (b *neighbour) check(memory int64) {
	b.t.Helper()
	close(b.stop)
	b.done.Wait()
	_, peak := b.n.RSS()
	b.t.Logf("the neighbour's %d tasks took %v at worst; the node held %d MiB before and %d at most", b.count, b.worst.Round(time.Millisecond), b.rssThen>>20, peak>>20)
	if b.count == 0 || b.worst > 10*time.Second {
		b.t.Errorf("the neighbour's %d tasks took %v at worst", b.count, b.worst)
	}
	if peak-b.rssThen > memory {
		b.t.Errorf("the node grew by %d MiB", (peak-b.rssThen)>>20)
	}
}

// refused wants a request to be answered with what to do, and never as a fault
// of the node.
func refused(t *testing.T, a *testnode.Answer, status int, code string, says ...string) {
	t.Helper()
	if a.Status != status || a.Problem.Code != code || a.Problem.Detail == "" {
		t.Errorf("answer %d %s, want %d %s", a.Status, a.Body, status, code)
	}
	for _, s := range says {
		if !strings.Contains(string(a.Body), s) {
			t.Errorf("the answer does not say %q: %s", s, a.Body)
		}
	}
}

// zeros yields n bytes of nothing.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

// claim says how many bytes it has.
type claim struct{ io.Reader }

// Size is what is claimed.
func (claim) Size() int64 { return 1 << 30 }

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestBadModules uploads what is no module, or one that would choke whoever
// compiles it.
func TestBadModules(t *testing.T) {
	n := testnode.Start(t)
	testnode.Push(t, n.Client(), guests.Echo)
	b := newNeighbour(t, n)
	echo := guests.Wasm(guests.Echo)
	var bomb bytes.Buffer
	z, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	giant := int64(size(256<<20, 1<<30))
	if _, err := io.Copy(z, zeros(giant)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		body   io.Reader
		header string
		status int
		code   string
		says   []string
	}{
		{"empty", bytes.NewReader(nil), "", 400, "bad_request", nil},
		{"text", strings.NewReader("hello"), "", 422, "invalid_module", []string{"text"}},
		{"1 GiB, it says", &claim{zeros(1 << 30)}, "", 413, "too_large", nil},
		{"truncated", bytes.NewReader(echo[:len(echo)/2]), "", 422, "invalid_module", nil},
		{"gzip without saying so", bytes.NewReader(bomb.Bytes()), "", 422, "invalid_module", []string{"gzip"}},
		{"gzip bomb", bytes.NewReader(bomb.Bytes()), "Content-Encoding: gzip", 413, "too_large", nil},
		{"without a length, and too much", zeros(giant), "", 413, "too_large", nil},
		{"component", strings.NewReader("\x00asm\x0d\x00\x01\x00"), "", 422, "invalid_module", []string{"wasm32-wasip1"}},
		{"go for JavaScript", bytes.NewReader(importing("gojs", "runtime.wasmExit")), "", 422, "invalid_module", []string{"GOOS=wasip1"}},
		{"wasm-bindgen", bytes.NewReader(importing("__wbindgen_placeholder__", "x")), "", 422, "invalid_module", []string{"wasm32-wasip1"}},
		{"an import of nobody", bytes.NewReader(importing("env", "magic")), "", 422, "invalid_module", []string{"env.magic"}},
		{"2^28 locals", bytes.NewReader(manyLocals()), "", 422, "invalid_module", nil},
		{"br_table of 500,000", bytes.NewReader(wideBranch(500_000)), "", 422, "invalid_module", nil},
		{"a table without bound", bytes.NewReader(growingTable(0x70, 0, 1)), "", 422, "invalid_module", []string{"maximum"}},
		{"no entry point", strings.NewReader("\x00asm\x01\x00\x00\x00"), "", 422, "invalid_module", []string{"_start"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := []string{"Content-Type: application/wasm"}
			if c.header != "" {
				headers = append(headers, c.header)
			}
			a, err := n.Try("PUT", "/v1/modules/bad", c.body, headers...)
			if err != nil && c.status == 413 { // the node need not read on to answer
				t.Logf("the connection broke: %v", err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			refused(t, a, c.status, c.code, c.says...)
		})
	}
	if a := n.Do("GET", "/v1/modules/bad", nil); a.Status != 404 {
		t.Errorf("a bad module is there: %s", a.Body)
	}
	first := n.Do("PUT", "/v1/modules/twice", bytes.NewReader(echo), "Content-Type: application/wasm")
	again := n.Do("PUT", "/v1/modules/twice", bytes.NewReader(echo), "Content-Type: application/wasm")
	if first.Status != 201 || again.Status != 200 || !bytes.Contains(again.Body, []byte(`"version":1`)) {
		t.Errorf("the same bytes twice: %d, %d %s", first.Status, again.Status, again.Body)
	}
	b.check(512 << 20)
}

// TestHostileModules runs guests that harm whom they can: each hurts its own
// task only, and leaves no sandbox behind.
func TestHostileModules(t *testing.T) {
	n := testnode.Start(t, "--concurrency", "4", "--memory", "4GiB")
	cl := n.Client()
	testnode.Push(t, cl, guests.Echo, guests.Spin, guests.Recursion, guests.Hog, guests.BigOut, guests.Trap, guests.OutOfBounds, guests.BadText)
	for name, body := range map[string][]byte{"doubling": doubling(60), "table": growingTable(0x70, 1, 1, 0xa0, 0x8d, 0x06)} {
		if _, _, err := cl.PushModule(t.Context(), name, bytes.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	b := newNeighbour(t, n)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var work sync.WaitGroup
	for _, c := range []struct{ task, input, timeout, want string }{
		{"doubling", `null`, "500ms", "timeout"},
		{"spin", `null`, "500ms", "timeout"},
		{"table", `null`, "5s", ""},
		{"recursion", `null`, "5s", "stack_overflow"},
		{"hog", `null`, "5s", "out_of_memory trap"},
		{"bigout", `80000000`, "10s", "output_too_large"},
		{"trap", `null`, "5s", "trap"},
		{"oob", `null`, "5s", "trap"},
		{"badtext", `null`, "5s", "invalid_output"},
	} {
		for range size(1, 20) {
			work.Go(func() {
				timeout, err := time.ParseDuration(c.timeout)
				if err != nil {
					t.Error(err)
				}
				task, err := cl.SubmitWait(ctx, windrow.Call{Task: c.task + ".main", Input: json.RawMessage(c.input), Timeout: windrow.After(timeout)})
				if err != nil {
					t.Errorf("%s: %v", c.task, err)
					return
				}
				if c.want == "" {
					return // it may get what it asks for, within its memory
				}
				if task.State != "failure" || !strings.Contains(c.want, task.Error.Type) {
					t.Errorf("%s ended as %s %+v, want %s", c.task, task.State, task.Error, c.want)
				}
			})
		}
	}
	work.Wait()
	b.check(256 << 20)
	// A guest that never asks anything outlives nobody either.
	forever := windrow.Call{Task: "doubling.main", Timeout: windrow.After(time.Hour)}
	enlist(t, cl, 1, forever).until("it to be started", started)
	testnode.Poll(t, "its sandbox to compute", func() error { return n.Computes(300 * time.Millisecond) })
	n.Kill()
	testnode.NoOrphans(t, n)
}

// TestBadRequests asks for nonsense: each is refused with what to do, and
// leaves nothing behind.
func TestBadRequests(t *testing.T) {
	n := testnode.Start(t)
	testnode.Push(t, n.Client(), guests.Echo, guests.Sleep)
	b := newNeighbour(t, n)
	const asJSON = "Content-Type: application/json"
	for _, c := range []struct {
		body   string
		status int
		code   string
		says   string
	}{
		{`{"task":"nope.main"}`, 404, "module_not_found", "nope"},
		{`{"task":"echo.nope"}`, 404, "task_not_found", "main"},
		{`{"task":"echo"}`, 400, "invalid_field", "MODULE.TASK"},
		{`{"task":5}`, 400, "invalid_field", "task"},
		{`{}`, 400, "invalid_field", "task"},
		{`{"task":"echo.main","prioritty":1}`, 400, "invalid_field", "priority"},
		{`{"task":"echo.main","priority":"high"}`, 400, "invalid_field", "priority"},
		{`{"task":"echo.main","priority":10}`, 400, "invalid_field", "9"},
		{`{"task":"echo.main","priority":-1}`, 400, "invalid_field", "priority"},
		{`{"task":"echo.main","priority":1e99}`, 400, "invalid_field", "priority"},
		{`{"task":"echo.main","countdown":"soon"}`, 400, "invalid_field", "countdown"},
		{`{"task":"echo.main","countdown":"-5s"}`, 400, "invalid_field", "countdown"},
		{`{"task":"echo.main","countdown":1e308}`, 400, "invalid_field", "countdown"},
		{`{"task":"echo.main","timeout":"0s"}`, 400, "invalid_field", "timeout"},
		{`{"task":"echo.main","timeout":"1000000h"}`, 400, "invalid_field", "timeout"},
		{`{"task":"echo.main","memory":"1TiB"}`, 400, "invalid_field", "memory"},
		{`{"task":"echo.main","memory":-1}`, 400, "invalid_field", "memory"},
		{`{"task":"echo.main","eta":"yesterday"}`, 400, "invalid_field", "eta"},
		{`{"task":"echo.main","retry":{"max":-1}}`, 400, "invalid_field", "retry"},
		{`{"task":"echo.main","retry":{"max":99999999999999999999}}`, 400, "invalid_field", "retry"},
		{`{"task":"echo.main","result_ttl":"-1h"}`, 400, "invalid_field", "result_ttl"},
		{`{"task":"echo.main","labels":[1]}`, 400, "invalid_field", "labels"},
		{`{"task":"echo.main","args":{},"kwargs":[]}`, 400, "invalid_field", "args"},
		{`{"task":"echo.main","rate_limit":"1/fortnight"}`, 400, "invalid_field", "rate_limit"},
		{`{"task":"echo.main","pool":"none"}`, 404, "pool_not_found", "none"},
		{`{"task":"echo.main","version":99}`, 404, "module_not_found", "99"},
		{`{"task":"echo.main","input":1,"input":2}`, 400, "invalid_field", "input"},
		{``, 400, "invalid_json", ""},
		{`{`, 400, "invalid_json", ""},
		{`null`, 400, "invalid_field", "null"},
		{`[]`, 400, "invalid_field", "a list"},
		{`{"task":"echo.main"} and more`, 400, "invalid_json", ""},
		{"{\"task\":\"echo.main\",\"input\":\"\xff\"}", 400, "invalid_json", "UTF-8"},
		{`{"task":"echo.main","input":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, 400, "invalid_json", "200"},
		{strings.Repeat("[", 1_000_000), 400, "invalid_json", ""},
	} {
		a := n.Do("POST", "/v1/tasks", strings.NewReader(c.body), asJSON)
		if a.Status != c.status || a.Problem.Code != c.code || a.Problem.Detail == "" || !strings.Contains(string(a.Body), c.says) {
			t.Errorf("%.80s: answer %d %s, want %d %s with %q", c.body, a.Status, a.Body, c.status, c.code, c.says)
		}
	}
	for _, c := range []struct{ body, code string }{
		{"{\"task\":\"echo.main\"}\n{\"task\":\"echo.nope\"}\n", "task_not_found"},
		{strings.Repeat("{\"task\":\"sleep.main\"}\n", 10_001), "too_large"},
		{"", "bad_request"},
	} {
		if a := n.Do("POST", "/v1/tasks/batch", strings.NewReader(c.body), "Content-Type: application/x-ndjson"); a.Status/100 != 4 || a.Problem.Code != c.code {
			t.Errorf("batch %.60q: answer %d %s, want %s", c.body, a.Status, a.Body, c.code)
		}
	}
	const good = `{"task":"sleep.main","input":1}`
	for _, c := range []struct {
		header string
		status int
		code   string
	}{
		{"Content-Type: text/plain", 415, "unsupported_media_type"},
		{"Content-Type: application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"Origin: https://evil.example", 403, "forbidden_origin"},
		{"Sec-Fetch-Site: cross-site", 403, "forbidden_origin"},
		{"Host: evil.example", 403, "forbidden_host"},
		{"Content-Encoding: compress", 415, "unsupported_media_type"},
		{"X-Windrow-Namespace: ../..", 400, "bad_request"},
	} {
		headers := []string{asJSON, c.header}
		refused(t, n.Do("POST", "/v1/tasks", strings.NewReader(good), headers...), c.status, c.code)
	}
	for _, path := range []string{"/v1/tasks/no-id", "/v1/tasks/../../etc/passwd", "/v1/tasks?limit=-1", "/v1/tasks?limit=x", "/v1/tasks?state=dead",
		"/v1/tasks?cursor=%00", "/v1/tasks?since=then", "/v1/blobs/sha256:x", "/v1/modules/..%2f..", "/v1/queues/" + strings.Repeat("q", 5000), "/v2"} {
		if a := n.Do("GET", path, nil); a.Status/100 != 4 || a.Problem.Detail == "" {
			t.Errorf("GET %.60s: answer %d %.200s", path, a.Status, a.Body)
		}
	}
	refused(t, n.Do("POST", "/v1/tasks", cat64(65<<20), asJSON), 413, "too_large")
	if a := n.Do("GET", "/v1/tasks?task=sleep.main", nil); string(a.Body) != `{"items":[]}` {
		t.Errorf("something of it was taken: %.300s", a.Body)
	}
	b.check(512 << 20)
}

// cat64 is a call whose input has so many bytes.
func cat64(n int64) io.Reader {
	return io.MultiReader(strings.NewReader(`{"task":"sleep.main","input":"`), &xs{n}, strings.NewReader(`"}`))
}

type xs struct{ left int64 }

func (x *xs) Read(b []byte) (int, error) {
	if x.left == 0 {
		return 0, io.EOF
	}
	n := copy(b, bytes.Repeat([]byte("x"), int(min(int64(len(b)), x.left))))
	x.left -= int64(n)
	return n, nil
}

// TestModuleInUse: a module whose tasks wait is not removed.
func TestModuleInUse(t *testing.T) {
	n := testnode.Start(t)
	cl := n.Client()
	testnode.Push(t, cl, guests.Sleep)
	waiting := enlist(t, cl, 3, windrow.Call{Task: "sleep.main", Input: json.RawMessage(`1`), Countdown: windrow.After(time.Hour)})
	refused(t, n.Do("DELETE", "/v1/modules/sleep", nil), 409, "module_in_use", "3")
	for _, id := range waiting.ids {
		if _, err := cl.Revoke(t.Context(), id, false); err != nil {
			t.Fatal(err)
		}
	}
	if a := n.Do("DELETE", "/v1/modules/sleep", nil); a.Status/100 != 2 {
		t.Errorf("with nothing waiting: %d %s", a.Status, a.Body)
	}
	if a := n.Do("POST", "/v1/tasks", strings.NewReader(`{"task":"sleep.main"}`), "Content-Type: application/json"); a.Status != 404 {
		t.Errorf("a task of a removed module: %d %s", a.Status, a.Body)
	}
	if task, err := cl.Task(t.Context(), waiting.ids[0]); err != nil || task.State != "revoked" {
		t.Errorf("its old task is %+v, %v", task, fmt.Sprint(err))
	}
}
