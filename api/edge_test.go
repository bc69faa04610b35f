package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/api/auth"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func TestLoopbackEdge(t *testing.T) {
	b := start(t)
	port := b.url[strings.LastIndexByte(b.url, ':')+1:]
	for _, h := range []string{"Host: localhost", "Host: LOCALHOST:" + port, "Host: 127.0.0.1:" + port, "Host: 127.8.8.8", "Host: [::1]:" + port, "Host: [::1]",
		"Origin: http://127.0.0.1:" + port, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"} {
		b.do("GET", "/v1/queues", "", h).ok(200, nil)
	}
	for _, h := range []string{"Host: evil.example", "Host: 127.0.0.1.evil.example", "Host: localhost.evil.example", "Host: 10.0.0.1:" + port, "Host: 0.0.0.0", "Host: [::]"} {
		b.do("GET", "/v1/queues", "", h).problem(403, "forbidden_host")
	}
	for _, h := range []string{"Origin: https://evil.example", "Origin: null", "Origin: http://127.0.0.1:1", "Origin: http://localhost.evil.example",
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
		b.do("POST", "/v1/tasks", `{"task":"etl.load"}`, h).problem(403, "forbidden_origin")
		b.do("GET", "/v1/queues", "", h).problem(403, "forbidden_origin")
	}
	for _, h := range []string{"Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x", "Content-Type: "} {
		b.do("POST", "/v1/tasks", `{"task":"etl.load"}`, h).problem(415, "unsupported_media_type")
	}
	b.do("POST", "/v1/tasks", `{"task":"etl.load"}`, "Content-Type: Application/JSON; charset=utf-8").ok(202, nil)
	if len(b.node.tasks) != 1 {
		t.Fatal("a refused request took effect")
	}
	// An absolute target does not hide behind a good Host header.
	b.raw("GET http://evil.example/v1/queues HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").problem(403, "forbidden_host")
}

func TestInsecureEdge(t *testing.T) {
	b := start(t, func(c *Config) { c.Insecure = true })
	b.do("GET", "/v1/queues", "", "Host: node.example").ok(200, nil)
}

// raw writes bytes and reads one answer.
func (b *bench) raw(request string) *answer {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatalf("%.60q: %v", request, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.Header.Get(wire.HeaderIndex) == "" {
		b.t.Errorf("%.60q: no index", request)
	}
	return &answer{b.t, resp.StatusCode, resp.Header, string(body)}
}

// What Fiber and fasthttp refuse on their own is a problem like any other.
func TestFibersOwnErrors(t *testing.T) {
	b := start(t)
	b.do("GET", "/v2/nothing", "").problem(404, "no_route")
	b.do("GET", "/v1/tasks/", "").problem(404, "no_route")
	p := b.do("DELETE", "/v1/tasks", "")
	p.problem(405, "method_not_allowed")
	if !strings.Contains(p.header.Get("Allow"), "POST") {
		t.Errorf("Allow: %q", p.header.Get("Allow"))
	}
	b.do("OPTIONS", "/v1/tasks", "").problem(405, "method_not_allowed")
	b.do("BREW", "/v1/tasks", "").problem(405, "method_not_allowed")
	b.do("GET", "/v1/queues", "", "X-Long: "+strings.Repeat("x", headerLimit)).problem(431, "header_too_large")
	b.do("GET", "/v1/queues?x="+strings.Repeat("x", headerLimit), "").problem(431, "header_too_large")
	b.raw("this is not http\r\n\r\n").problem(400, "bad_request")
	b.raw("GET /v1/queues HTTP/1.1\r\nHost: a b\r\nBad Header\r\n\r\n").problem(400, "bad_request")
	b.raw("POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n").problem(413, "too_large")
	b.raw("POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n").problem(400, "bad_request")
	b.raw("POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").problem(408, "timeout")
	if a := b.do("HEAD", "/v1/queues", ""); a.status != 200 || a.body != "" {
		t.Errorf("%+v", a)
	}
}

// What went wrong inside stays inside: the client gets a name for it.
func TestInternalErrors(t *testing.T) {
	b := start(t)
	for _, node := range []string{"boom", "panic"} {
		a := b.do("DELETE", "/v1/cluster/nodes/"+node, "")
		p := a.problem(500, "internal")
		if strings.Contains(a.body, "secret") || p.Incident == "" || !strings.Contains(b.log.String(), p.Incident) || !strings.Contains(b.log.String(), "secret of the node") {
			t.Fatalf("%s\n%s", a.body, b.log)
		}
	}
}

func TestProbes(t *testing.T) {
	b := start(t)
	b.do("GET", "/livez", "").ok(200, nil)
	b.do("GET", "/readyz", "").ok(200, nil)
	b.node.notReady = errors.New("catching up")
	if p := b.do("GET", "/readyz", "").problem(503, "busy"); !strings.Contains(p.Detail, "catching up") {
		t.Fatal(p)
	}
	if a := b.do("GET", "/metrics", "").ok(200, nil); !strings.Contains(a.body, "windrow_up") {
		t.Fatal(a.body)
	}
	b.do("GET", "/", "").ok(200, nil)
}

func TestToken(t *testing.T) {
	dir := t.TempDir()
	guard, _, err := auth.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dir + "/" + auth.FileName)
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, func(c *Config) { c.Auth = guard })
	token := strings.TrimSpace(string(text))
	a := b.do("GET", "/v1/queues", "")
	a.problem(401, "unauthorized")
	if a.header.Get("WWW-Authenticate") == "" {
		t.Error("no WWW-Authenticate")
	}
	for _, h := range []string{"Authorization: " + token, "Authorization: Bearer " + token + "x", "Authorization: Bearer ", "Authorization: Basic " + token} {
		b.do("GET", "/v1/queues", "", h).problem(401, "unauthorized")
		b.do("POST", "/v1/tasks", `{"task":"etl.load"}`, h).problem(401, "unauthorized")
	}
	b.do("GET", "/metrics", "").problem(401, "unauthorized")
	b.do("GET", "/nothing", "").problem(401, "unauthorized")
	// With a token the node may stand anywhere.
	b.do("GET", "/v1/queues", "", "Authorization: Bearer "+token, "Host: node.example").ok(200, nil)
	b.do("GET", "/livez", "").ok(200, nil)
	b.do("GET", "/", "").ok(200, nil)
}

func TestTLS(t *testing.T) {
	other := httptest.NewUnstartedServer(nil)
	other.StartTLS()
	defer other.Close()
	b := start(t, func(c *Config) {
		c.TLS = &tls.Config{Certificates: other.TLS.Certificates, MinVersion: tls.VersionTLS13}
	})
	resp, err := other.Client().Get(strings.Replace(b.url, "http:", "https:", 1) + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	other.Client().CloseIdleConnections()
	if resp.StatusCode != 200 || resp.TLS == nil {
		t.Fatal(resp.Status)
	}
}

// A client that sends a byte now and then is let go, and its place with it.
func TestSlowloris(t *testing.T) {
	b := start(t, func(c *Config) {
		c.Timeouts.Header, c.Timeouts.Body, c.Timeouts.Idle = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	})
	addr := strings.TrimPrefix(b.url, "http://")
	for name, begin := range map[string]string{
		"nothing": "",
		"head":    "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nX-A: ",
		"body":    "POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"large":   "PUT /v1/modules/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/wasm\r\nContent-Length: 10000000\r\n\r\n\x00asm",
		"chunked": "PUT /v1/modules/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/wasm\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"idle":    "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for name != "nothing" && name != "idle" {
					select {
					case <-stop:
						return
					case <-time.After(50 * time.Millisecond):
						if _, err := conn.Write([]byte("x")); err != nil {
							return
						}
					}
				}
			}()
			// A generous bound: a body that never ends must not be waited for.
			if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection is still open")
			}
		})
	}
}

// Fiber uses a request's memory again once its handler has returned. What was
// proposed must not change with it: a thousand bodies are kept and compared.
func TestKeptBodies(t *testing.T) {
	b := start(t)
	b.node.keep = true
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 125 {
				name := fmt.Sprintf("%03d-%d", i, client)
				body := fmt.Sprintf(`{"task":"etl.load","args":[%q],"queue":"q-%s","unique_key":"u-%s","fairness_key":"f-%s","labels":{"l":"l-%s"},"retry":{"on":["t-%s"]}}`, name, name, name, name, name, name)
				resp, err := http.Post(b.url+"/v1/tasks?namespace=default", wire.TypeJSON, strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != 202 {
					t.Errorf("status %d", resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	if len(b.node.proposed) != 1000 {
		t.Fatalf("%d were proposed", len(b.node.proposed))
	}
	for _, c := range b.node.proposed {
		s := c.(*command.Submit)
		call, spec := s.Calls.List[0], s.Calls.Specs[0]
		p, err := queue.DecodePayload(call.Payload)
		name, ok := strings.CutPrefix(spec.Queue, "q-")
		if err != nil || !ok || string(p.Args) != fmt.Sprintf("[%q]", name) || call.UniqueKey != "u-"+name || call.FairnessKey != "f-"+name ||
			string(p.Labels) != `{"l":"l-`+name+`"}` || spec.Retry.On[0] != "t-"+name {
			t.Fatalf("%+v %+v %s", call, spec, p.Args)
		}
	}
}

// The same without the copy that the fake makes: the very strings and slices
// that a node is handed outlive the request.
func TestHandedMemory(t *testing.T) {
	keeper := &keeper{fake: newFake()}
	b := start(t, func(c *Config) { c.Node = keeper })
	for i := range 1000 {
		body := fmt.Sprintf(`{"task":"etl.load","args":["%04d"],"queue":"q%04d","idempotency_key":"k%04d"}`, i, i, i)
		b.do("POST", "/v1/tasks", body, wire.HeaderNamespace+": "+fmt.Sprintf("n%04d", i)).ok(202, nil)
	}
	for i, s := range keeper.kept {
		want := fmt.Sprintf("n%04d q%04d k%04d", i, i, i)
		if got := s.Namespace + " " + s.Calls.Specs[0].Queue + " " + s.Idem.Key; got != want || !bytes.Contains(s.Calls.List[0].Payload, fmt.Appendf(nil, `["%04d"]`, i)) {
			t.Fatalf("got %s %q, want %s", got, s.Calls.List[0].Payload, want)
		}
	}
}

type keeper struct {
	*fake
	kept []*command.Submit
}

func (k *keeper) Propose(_ context.Context, c command.Command) (command.Result, uint64, error) {
	k.kept = append(k.kept, c.(*command.Submit))
	return command.Result{}, 1, nil
}

func TestLogs(t *testing.T) {
	b := start(t)
	b.node.log = "line 1\n"
	id := b.submit(`{"task":"etl.load"}`)
	path := "/v1/tasks/" + id.String() + "/logs"
	if a := b.do("GET", path, "").ok(200, nil); a.body != "line 1\n" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		t.Fatal(a)
	}
	b.do("GET", "/v1/tasks/01890a5d-ac96-774b-bcce-b302099a8057/logs", "").problem(404, "not_found")
	b.do("GET", path+"?follow=maybe", "").problem(400, "bad_request")
	b.do("GET", path+"?attempt=0", "").problem(400, "bad_request")

	resp, err := http.Get(b.url + path + "?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for i := 1; i <= 3; i++ {
		if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprintf("line %d\n", i) {
			t.Fatalf("%q %v", line, err)
		}
		if i < 3 {
			b.node.more <- fmt.Sprintf("line %d\n", i+1)
		}
	}
	close(b.node.more)
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Fatalf("%q %v", rest, err)
	}
}

// A log that is followed as events goes on from the id of any of them, keeps
// characters whole, and says when the task has ended.
func TestLogEvents(t *testing.T) {
	b := start(t)
	b.node.log = "line 1\n"
	id := b.submit(`{"task":"etl.load"}`)
	follow := func(last string) *bufio.Reader {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, b.url+"/v1/tasks/"+id.String()+"/logs?follow=true", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Last-Event-ID", last)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
			t.Fatalf("content type %s", kind)
		}
		return bufio.NewReader(resp.Body)
	}
	expect := func(r *bufio.Reader, want ...string) {
		t.Helper()
		for _, w := range append(want, "") {
			if line, err := r.ReadString('\n'); err != nil || line != w+"\n" {
				t.Fatalf("got %q, %v, want %q", line, err, w)
			}
		}
	}
	whole := follow("")
	expect(whole, "id: 1-7-w-1", "event: log", `data: {"attempt":1,"text":"line 1\n"}`)
	b.node.more <- "caf\xc3"
	expect(whole, "id: 1-10-w-1", "event: log", `data: {"attempt":1,"text":"caf"}`)
	b.node.more <- "\xa9\n"
	expect(whole, "id: 1-13-w-1", "event: log", `data: {"attempt":1,"text":"é\n"}`)
	b.node.more <- `progress {"done":1}`
	expect(whole, "id: 1-13-w-1", "event: progress", `data: {"attempt":1,"progress":{"done":1}}`)
	part := follow("1-4-w-1")
	expect(part, "id: 1-7-w-1", "event: log", `data: {"attempt":1,"text":" 1\n"}`)
	b.node.finish(id, queue.Success, "1")
	close(b.node.more)
	expect(whole, "id: 1-13-w-1", "event: end", `data: {"state":"success"}`)
	if rest, err := io.ReadAll(whole); err != nil || len(rest) > 0 {
		t.Fatalf("%q %v", rest, err)
	}
	for _, last := range []string{"x", "1", "1-2", "0-1-w", "1--3-w", "99999999999-1-w"} {
		if a := b.do("GET", "/v1/tasks/"+id.String()+"/logs?after="+last, "").problem(400, "bad_request"); !strings.Contains(a.Detail, "no place in a log") {
			t.Errorf("%s: %s", last, a.Detail)
		}
	}
}

// A server that goes down ends what waits and what streams.
func TestShutdownEndsWaits(t *testing.T) {
	b := start(t)
	id := b.submit(`{"task":"etl.load"}`)
	got := make(chan *answer, 1)
	go func() { got <- b.do("GET", "/v1/tasks/"+id.String()+"?wait=1h", "") }()
	resp, err := http.Get(b.url + "/v1/tasks/" + id.String() + "/logs?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b.until(func() bool { return b.node.waiting.Load() > 0 })
	b.srv.stop()
	(<-got).ok(200, nil)
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
}

func TestBodyBudget(t *testing.T) {
	b := start(t, func(c *Config) { c.Limits.Bodies = 1 << 20 })
	b.do("POST", "/v1/tasks", `{"task":"etl.load","input":"`+strings.Repeat("x", 2<<20)+`"}`).problem(503, "busy")
	b.do("POST", "/v1/tasks", `{"task":"etl.load","input":"`+strings.Repeat("x", 100<<10)+`"}`).ok(202, nil)
	if b.srv.bodies.used.Load() != 0 {
		t.Fatal("budget was not given back")
	}
}

// A stream of a silent guest ends when its client has left, and a HEAD begins
// none.
func TestAbandonedStream(t *testing.T) {
	b := start(t, func(c *Config) { c.Timeouts.Probe = 10 * time.Millisecond })
	id := b.submit(`{"task":"etl.load"}`)
	url := b.url + "/v1/tasks/" + id.String() + "/logs?follow=true"
	ctx, leave := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b.do("HEAD", "/v1/tasks/"+id.String()+"/logs?follow=true", "").ok(200, nil)
	if n := len(b.srv.streams); n != 1 {
		t.Fatalf("%d streams", n)
	}
	leave()
	b.until(func() bool { return len(b.srv.streams) == 0 })
}
