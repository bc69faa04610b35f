package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// quick is a node that accepts at once, so that the edge alone is measured.
type quick struct{ *fake }

func (quick) Propose(context.Context, command.Command) (command.Result, uint64, error) {
	return command.Result{}, 12345, nil
}
func (quick) Index() uint64 { return 12345 }

const usualCall = `{"task":"etl.load","args":[12345,"some text",{"key":"value"}],"queue":"fast","priority":7,"timeout":"30s"}`

// BenchmarkSubmit is POST /v1/tasks without a socket.
func BenchmarkSubmit(b *testing.B) {
	s := start(b, func(c *Config) { c.Node = quick{newFake()} }).srv
	handler := s.app.Server().Handler
	b.ReportAllocs()
	for b.Loop() {
		var c fasthttp.RequestCtx
		c.Init(&c.Request, nil, nil)
		c.Request.Header.SetMethod("POST")
		c.Request.SetRequestURI("/v1/tasks")
		c.Request.Header.SetHost("127.0.0.1:8080")
		c.Request.Header.SetContentType("application/json")
		c.Request.SetBodyStream(strings.NewReader(usualCall), len(usualCall))
		handler(&c)
		if c.Response.StatusCode() != 202 {
			b.Fatal(c.Response.String())
		}
	}
}

// BenchmarkSubmitHTTP is the same over 64 loopback connections, client and
// server on the same cores.
func BenchmarkSubmitHTTP(b *testing.B) {
	s := start(b, func(c *Config) { c.Node = quick{newFake()} })
	addr := strings.TrimPrefix(s.url, "http://")
	request := fmt.Appendf(nil, "POST /v1/tasks HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", addr, len(usualCall), usualCall)
	var left atomic.Int64
	left.Store(int64(b.N))
	done := make(chan error, 64)
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		go func() { done <- hammer(addr, request, &left) }()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

func hammer(addr string, request []byte, left *atomic.Int64) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for left.Add(-1) >= 0 {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 202 {
			return fmt.Errorf("status %d, %w", resp.StatusCode, err)
		}
	}
	return nil
}

// BenchmarkBatchHTTP submits 10,000 calls at a time.
func BenchmarkBatchHTTP(b *testing.B) {
	s := start(b, func(c *Config) { c.Node = quick{newFake()} })
	body := strings.Repeat(usualCall+"\n", 10_000)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := http.Post(s.url+"/v1/tasks/batch", "application/x-ndjson", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 202 {
			b.Fatal(resp.Status)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkView writes one task of a list.
func BenchmarkView(b *testing.B) {
	v := queue.View{Spec: queue.DefaultSpec("default", "etl", "load"), State: queue.Success, CreatedAt: 1e18, FinishedAt: 1e18, StartedAt: 1e18,
		Usage: queue.Usage{WallNanos: 1_234_567}, Worker: "node-1"}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendView(buf[:0], &v)
	}
}
