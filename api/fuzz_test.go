package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// direct calls the handler without a socket.
type direct struct {
	handler fasthttp.RequestHandler
	node    *fuzzNode
	conn    net.Conn
}

// fuzzNode accepts all that can be written and read again.
type fuzzNode struct {
	*fake
	t testing.TB
}

func (n *fuzzNode) Propose(_ context.Context, c command.Command) (command.Result, uint64, error) {
	b := command.Encode(0, c)
	again, err := command.Decode(bytes.Clone(b))
	if err != nil {
		n.t.Fatalf("%T does not survive its encoding: %v", c, err)
	}
	if !bytes.Equal(command.Encode(0, again), b) {
		n.t.Fatalf("%T changes in its encoding", c)
	}
	return command.Result{}, 1, nil
}

func newDirect(f *testing.F) *direct {
	node := &fuzzNode{fake: newFake()}
	node.index = 10
	s, err := New(Config{Node: node, Log: slog.New(slog.DiscardHandler), Limits: Limits{Value: 1 << 20, Batch: 1 << 20}})
	if err != nil {
		f.Fatal(err)
	}
	conn, other := net.Pipe()
	f.Cleanup(func() { conn.Close(); other.Close() })
	return &direct{handler: s.app.Server().Handler, node: node, conn: conn}
}

// ask sends a request and holds every answer to the contract: never a fault of
// the server, every refusal a problem that says what to do.
func (d *direct) ask(t *testing.T, method, uri string, body []byte, headers ...string) *fasthttp.Response {
	t.Helper()
	d.node.t = t
	var c fasthttp.RequestCtx
	c.Init2(d.conn, nil, true)
	c.Request.Header.SetMethod(method)
	c.Request.SetRequestURI(uri)
	c.Request.Header.SetHost("127.0.0.1")
	c.Request.Header.SetContentType("application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		c.Request.Header.Set(name, value)
	}
	if len(body) > 0 {
		c.Request.SetBodyStream(bytes.NewReader(body), len(body))
	}
	d.handler(&c)
	resp := &c.Response
	if len(resp.Header.Peek(wire.HeaderIndex)) == 0 {
		t.Fatalf("%s %q: no index", method, uri)
	}
	if resp.StatusCode() < 400 {
		return resp
	}
	var p wire.Problem
	if err := json.Unmarshal(resp.Body(), &p); err != nil || p.Status != resp.StatusCode() || p.Code == "" || p.Detail == "" || p.Status >= 500 {
		t.Fatalf("%s %q %q: %d %s %v", method, uri, body, resp.StatusCode(), resp.Body(), err)
	}
	return resp
}

func FuzzTask(f *testing.F) {
	for _, s := range []string{usualCall, `{"task":"etl.load","input":null,"expires":"1h","retry":{"factor":1.5}}`, `{"task":"a.b","timeout":"-1s"}`,
		`{"task":"a.b","labels":{"\u0000":"x"}}`, `{"task":"a.b","eta":"2026-01-01T00:00:00Z","countdown":1e309}`, `{"task":"a.b","stdin":"raw","input":"x"}`,
		`{"task":"a.b","concurrency_key":{"key":"k","limit":2},"rate_limit":"1/s"}`, `[`, `{"task":"a.b","memory":"64MiB"}`} {
		f.Add([]byte(s))
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		resp := d.ask(t, "POST", "/v1/tasks", body)
		if resp.StatusCode() < 300 && !json.Valid(body) {
			t.Fatalf("accepted what is not JSON: %q", body)
		}
		if !json.Valid(resp.Body()) {
			t.Fatalf("%q was answered with %q", body, resp.Body())
		}
	})
}

func FuzzBatch(f *testing.F) {
	for _, s := range []string{usualCall + "\n" + usualCall, "[" + usualCall + "," + usualCall + "]", "[]", "", "[{},]", "{}\n\n{}", usualCall + "\x00"} {
		f.Add([]byte(s))
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		d.ask(t, "POST", "/v1/tasks/batch", body)
	})
}

// FuzzPacked is MessagePack wherever calls come in.
func FuzzPacked(f *testing.F) {
	for _, s := range []string{packedCall("\x92\x01\xc4\x01a"), "\x92" + packedCall("\x90") + packedCall("\x90"), pairs("chain", "\x91"+packedCall("\x90"))} {
		f.Add([]byte(s))
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, uri := range []string{"/v1/tasks", "/v1/tasks/batch", "/v1/canvas"} {
			d.ask(t, "POST", uri, body, msgpackType)
		}
	})
}

func FuzzCanvasBody(f *testing.F) {
	for _, s := range []string{usualCall, `{"chain":[` + usualCall + `,{"group":[{"task":"etl.main"}]}],"link":[{"task":"a.b"}]}`, `{"chord":{"header":[{"task":"a.b"}],"body":{"task":"a.b","args":[]}}}`,
		`{"map":{"task":{"task":"a.b"},"items":[1,{"a":[]}]}}`, `{"chunks":{"task":{"task":"a.b"},"items":[[1]],"size":1},"labels":{"a":"b"}}`, `{"chain":[]}`} {
		f.Add([]byte(s))
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		resp := d.ask(t, "POST", "/v1/canvas", body)
		if resp.StatusCode() < 300 && !json.Valid(body) || !json.Valid(resp.Body()) {
			t.Fatalf("%q was answered with %q", body, resp.Body())
		}
	})
}

func FuzzScheduleBody(f *testing.F) {
	for _, s := range []string{`{"every":"15m","task":"etl.load","args":[1]}`, `{"cron":"0 9 * * mon-fri","timezone":"Europe/Berlin","jitter":"1m","canvas":{"chain":[{"task":"etl.main"}]},"labels":{"a":"b"}}`,
		`{"at":["2027-01-01T00:00:00Z"],"task":"etl.main","overlap":"skip","misfire":"once","misfire_grace":1}`, `{"solar":{"event":"sunset","latitude":1,"longitude":2},"task":"etl.main","start":"2026-01-01T00:00:00Z","catchup":true}`} {
		f.Add([]byte(s))
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, q := range []string{"", "?dry_run=true"} {
			resp := d.ask(t, "PUT", "/v1/schedules/s"+q, body)
			if !json.Valid(resp.Body()) || resp.StatusCode() < 300 && !json.Valid(body) {
				t.Fatalf("%q was answered with %q", body, resp.Body())
			}
		}
	})
}

// FuzzSmall is every other route with a body.
func FuzzSmall(f *testing.F) {
	for _, s := range []string{`{"terminate":true}`, `{"paused":true,"rate_limit":"1/s"}`, `{"slots":3}`, `{"ids":["01890a5d-ac96-774b-bcce-b302099a8057"],"limit":3}`,
		`{"id":"n","raft_addr":"a","http_addr":"b"}`, `{"to":"n"}`, `{`, `null`, `[]`} {
		f.Add([]byte(s), "gzip")
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		for _, r := range []string{"POST /v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057/revoke", "PUT /v1/queues/q", "PUT /v1/pools/p",
			"POST /v1/queues/q/dead/replay", "POST /v1/cluster/join", "POST /v1/cluster/transfer", "POST /v1/queues/q/purge", "POST /v1/runs/01890a5d-ac96-774b-bcce-b30200000000/cancel"} {
			method, uri, _ := strings.Cut(r, " ")
			d.ask(t, method, uri, body)
			d.ask(t, method, uri, body, "Content-Encoding: "+encoding)
		}
		d.ask(t, "PUT", "/v1/modules/m", body, "Content-Type: application/wasm", "Content-Encoding: "+encoding)
	})
}

// FuzzURI is paths and query strings.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"/v1/tasks?limit=1&cursor=AAAA&state=success,failure&since=1h", "/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057?wait=0",
		"/v1/modules/a/wasm?version=1", "/v1/blobs/sha256%3Aab", "/v1/queues/%2e%2e/dead", "/v1/tasks?namespace=%00", "//", "/v1/pools/x?min_index=1",
		"/v1/runs?kind=chain&state=running&cursor=AAAA", "/v1/runs/01890a5d-ac96-774b-bcce-b30200000000/tasks?cursor=MQ"} {
		f.Add(s)
	}
	d := newDirect(f)
	f.Fuzz(func(t *testing.T, uri string) {
		// A node that is asked to wait for an index, or for a task, waits.
		if !strings.HasPrefix(uri, "/") || strings.Contains(uri, "wait") || strings.Contains(uri, "min") || strings.Contains(uri, "readyz") {
			return
		}
		d.ask(t, "GET", uri, nil)
		d.ask(t, "DELETE", uri, nil)
	})
}

func FuzzLogPlace(f *testing.F) {
	for _, s := range []string{"", "1-0-", "2-17-n-1", "1-9223372036854775807-w", "01-1-w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlace(text)
		if err != nil || text == "" {
			return
		}
		again, err := parsePlace(p.String())
		if err != nil || again != p {
			t.Fatalf("%q is %+v, and that %+v, %v", text, p, again, err)
		}
	})
}
