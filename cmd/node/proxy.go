package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// A worker node passes HTTP requests on to a server. The Host and Origin
// headers stay as they came, so that the server's own rules hold here too.
type proxy struct {
	node   *node
	scheme string
	rest   httputil.ReverseProxy
	warn   sync.Once
}

func newProxy(n *node, scheme string, transport http.RoundTripper) *proxy {
	p := &proxy{node: n, scheme: scheme}
	p.rest = httputil.ReverseProxy{Transport: transport, FlushInterval: -1, Rewrite: p.rewrite, ErrorHandler: p.failed}
	return p
}

// ServeHTTP implements http.Handler. What is about this node itself it answers.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/livez" {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	if err := p.allowed(r.Context()); err != nil {
		refuse(w, err)
		return
	}
	limitBody(w, r, bodyTime(r))
	p.rest.ServeHTTP(w, r)
}

// allowed tells whether this node may serve strangers: only if they need a token,
// which is for the servers to ask for.
func (p *proxy) allowed(ctx context.Context) error {
	n := p.node
	if n.cfg.Insecure || loopback(n.cfg.HTTPAddr) || n.servers.guarded() {
		return nil
	}
	if err := n.servers.refreshSoon(ctx); err != nil {
		return &api.Error{Code: wire.CodeNoLeader,
			Detail: "nothing was done; this node is a worker and has not heard from a server yet whether a token is needed; try again in a moment"}
	}
	if n.servers.guarded() {
		return nil
	}
	p.warn.Do(func() {
		n.log.Error("the servers ask for no token, so this node passes no request on: start the servers with --auth token, or this node with --insecure")
	})
	return &api.Error{Code: wire.CodeBusy,
		Detail: "nothing was done; this worker node can be reached from other machines and its servers ask for no token; start the servers with --auth token, or this node with --insecure if everybody there may do everything"}
}

// sentKey is under what a request's context has whether it may have been sent.
type sentKey struct{}

func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	host := r.In.Host
	r.SetURL(&url.URL{Scheme: p.scheme, Host: p.node.someServer()})
	r.Out.Host = host
	sent := new(atomic.Bool)
	ctx := context.WithValue(r.Out.Context(), sentKey{}, sent)
	// From a connection on, nobody can tell how much of the request has left.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	r.Out = r.Out.WithContext(ctx)
}

// failed answers where no server did. Whether a change was made is not known
// once it may have been sent.
func (p *proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	p.node.log.Info("no server answered", "path", r.URL.Path, "err", err)
	_ = p.node.servers.refresh(r.Context())
	sent, _ := r.Context().Value(sentKey{}).(*atomic.Bool)
	if sent != nil && sent.Load() && r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		refuse(w, api.ErrUnknownOutcome)
		return
	}
	refuse(w, &api.Error{Code: wire.CodeNoLeader,
		Detail: "nothing was done; this node is a worker and none of the servers it knows answered; try again in a moment, or ask a server itself"})
}

// refuse answers with a problem, as a server would.
func refuse(w http.ResponseWriter, err error) {
	p := api.Problem(err)
	body, err := json.Marshal(p)
	if err != nil {
		body = nil
	}
	w.Header().Set("Content-Type", wire.TypeProblem)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// How long a body may take to arrive: as long as a server would wait.
const (
	smallBody     = 64 << 10
	smallBodyTime = 15 * time.Second
	largeBodyTime = 10 * time.Minute
)

func bodyTime(r *http.Request) time.Duration {
	if r.ContentLength >= 0 && r.ContentLength <= smallBody {
		return smallBodyTime
	}
	return largeBodyTime
}

// limitBody bounds how long the client may take to send the body, and nothing
// else: an answer may stay open for long.
func limitBody(w http.ResponseWriter, r *http.Request, limit time.Duration) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	c := http.NewResponseController(w)
	if c.SetReadDeadline(time.Now().Add(limit)) != nil {
		return // the connection is gone
	}
	r.Body = &timedBody{ReadCloser: r.Body, control: c}
}

// timedBody lifts the deadline once the body is here.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read implements io.Reader.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
