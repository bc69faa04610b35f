package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
	"github.com/windrow-dev/windrow/api/auth"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Config is what a Server needs. The zero value of everything but Node and Log
// works.
type Config struct {
	Node Node
	Log  *slog.Logger
	// Auth decides who may ask. With nil everybody may, and unless Insecure is
	// set only from this machine and from no web page of another site.
	Auth     auth.Guard
	Insecure bool
	TLS      *tls.Config   // nil serves plain HTTP
	Page     fiber.Handler // answers /, nil shows a line of text
	// Answered is told of each answer, with the route's pattern; nil is nobody.
	Answered func(method, route string, status int, took time.Duration)
	Limits   Limits
	Timeouts Timeouts
}

// Limits bound what one request may ask for and what all may hold together.
type Limits struct {
	Module      int64         // bytes of an upload, decompressed; 64 MiB
	Value       int64         // bytes of an input or a blob; 64 MiB
	Batch       int64         // bytes of a batch's body; 64 MiB
	Memory      int64         // most of an attempt; 512 MiB
	TaskTimeout time.Duration // longest of an attempt; 24 h
	Bodies      int64         // bytes of all bodies above 64 KiB in memory; 256 MiB
	Uploads     int           // modules and blobs on their way in at once, the next ones wait; 4
	Streams     int           // answers that stay open at once; 1,000
	Connections int           // at once; 16,384
}

// Timeouts of connections and answers.
type Timeouts struct {
	Header time.Duration // for request line, headers and a small body; 15 s
	Body   time.Duration // for a large body; 10 min
	Write  time.Duration // for an answer, or the next piece of a stream; 1 min
	Idle   time.Duration // between requests; 2 min
	Answer time.Duration // for the cluster to take or answer a request; 30 s
	Upload time.Duration // for an upload to be received and compiled; 15 min
	Stream time.Duration // for an answer that stays open, then the client asks anew; 1 h
	Probe  time.Duration // between looks whether the client of a stream is still there; 5 s
}

// headerLimit is how many bytes request line and headers may have together.
const headerLimit = 16 << 10

// maxWait is the longest ?wait=.
const maxWait = time.Hour

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (c *Config) defaults() {
	l, t := &c.Limits, &c.Timeouts
	orDefault(&l.Module, 64<<20)
	orDefault(&l.Value, 64<<20)
	orDefault(&l.Batch, 64<<20)
	orDefault(&l.Memory, 512<<20)
	orDefault(&l.TaskTimeout, 24*time.Hour)
	orDefault(&l.Bodies, 256<<20)
	orDefault(&l.Uploads, 4)
	orDefault(&l.Streams, 1000)
	orDefault(&l.Connections, 16<<10)
	orDefault(&t.Header, 15*time.Second)
	orDefault(&t.Body, 10*time.Minute)
	orDefault(&t.Write, time.Minute)
	orDefault(&t.Idle, 2*time.Minute)
	orDefault(&t.Answer, 30*time.Second)
	orDefault(&t.Upload, 15*time.Minute)
	orDefault(&t.Stream, time.Hour)
	orDefault(&t.Probe, 5*time.Second)
}

// Server is the HTTP edge of one node.
type Server struct {
	cfg      Config
	node     Node
	log      *slog.Logger
	app      *fiber.App
	guarded  bool // loopback rules hold
	bodies   budget
	uploads  chan struct{}
	streams  chan struct{}
	ids      idMaker
	manners  manners
	routings routings
	// checking is held by the one that checks large arguments.
	checking chan struct{}
	// reference makes /openapi.json, once somebody asks: a start has no time for it.
	reference func() ([]byte, error)

	mu        sync.Mutex
	listeners []*closedOnce

	// running is done when the server goes down: what waits answers then.
	running context.Context
	stop    context.CancelFunc
}

// New makes a server that serves nothing yet.
func New(cfg Config) (*Server, error) {
	if cfg.Node == nil || cfg.Log == nil {
		return nil, errors.New("api: a node and a log are needed")
	}
	cfg.defaults()
	s := &Server{cfg: cfg, node: cfg.Node, log: cfg.Log, guarded: cfg.Auth == nil && !cfg.Insecure}
	s.bodies.most = cfg.Limits.Bodies
	s.uploads = make(chan struct{}, cfg.Limits.Uploads)
	s.checking = make(chan struct{}, 1)
	s.streams = make(chan struct{}, cfg.Limits.Streams)
	s.running, s.stop = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		Immutable:                    true,
		StrictRouting:                true,
		CaseSensitive:                true,
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		DisableStartupMessage:        true,
		BodyLimit:                    int(max(cfg.Limits.Module, cfg.Limits.Value, cfg.Limits.Batch)) + 1<<20,
		Concurrency:                  cfg.Limits.Connections,
		ReadBufferSize:               headerLimit,
		ReadTimeout:                  cfg.Timeouts.Header,
		WriteTimeout:                 cfg.Timeouts.Write,
		IdleTimeout:                  cfg.Timeouts.Idle,
		ErrorHandler:                 s.fail,
	})
	s.reference = sync.OnceValues(reference)
	s.routes()
	s.harden(s.app.Server())
	return s, nil
}

// harden sets what Fiber does not pass on.
func (s *Server) harden(h *fasthttp.Server) {
	inner := s.app.Handler()
	known := map[string]bool{}
	for _, m := range fiber.DefaultMethods {
		known[m] = true
	}
	h.Handler = func(c *fasthttp.RequestCtx) {
		// Fiber answers an unknown method with text of its own.
		if !known[string(c.Method())] {
			c.Request.Header.SetMethod(fiber.MethodOptions)
		}
		inner(c)
	}
	h.CloseOnShutdown = true
	h.HeaderReceived = func(head *fasthttp.RequestHeader) fasthttp.RequestConfig {
		if n := head.ContentLength(); n > 1<<20 || n == -1 {
			return fasthttp.RequestConfig{ReadTimeout: s.cfg.Timeouts.Body}
		}
		return fasthttp.RequestConfig{}
	}
	h.ExpectHandler = func(c *fasthttp.RequestCtx) int {
		if c.Request.Header.ContentLength() <= h.MaxRequestBodySize {
			return fasthttp.StatusContinue
		}
		f := s.app.AcquireCtx(c)
		defer s.app.ReleaseCtx(f)
		if err := s.fail(f, fiber.ErrRequestEntityTooLarge); err != nil {
			s.log.Error("answer failed", slog.Any("error", err))
		}
		return fasthttp.StatusRequestEntityTooLarge
	}
}

// Serve answers on a listener until Shutdown; it may be called for several, and
// returns at once after a Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	once := &closedOnce{Listener: ln}
	s.mu.Lock()
	s.listeners = append(s.listeners, once)
	down := s.running.Err() != nil
	s.mu.Unlock()
	if down {
		return once.Close()
	}
	ln = once
	if s.cfg.TLS != nil {
		ln = tls.NewListener(ln, s.cfg.TLS)
	}
	if err := s.app.Server().Serve(ln); err != nil {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Shutdown lets every request that waits answer with what it has, takes no new
// ones and returns when all are answered or ctx is done.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stop()
	// fasthttp closes those that it has begun to serve, which Serve may be
	// about to do only now.
	for _, ln := range s.listeners {
		if err := ln.Close(); err != nil {
			s.log.Warn("close listener", slog.Any("error", err))
		}
	}
	s.mu.Unlock()
	if err := s.app.Server().ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("shut http down: %w", err)
	}
	return nil
}

// closedOnce is a listener that may be closed again.
type closedOnce struct {
	net.Listener
	once sync.Once
	err  error
}

// Close implements net.Listener.
func (l *closedOnce) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// observe tells how a request was answered. An error is answered here, since
// its status is not known before.
func (s *Server) observe(c *fiber.Ctx) error {
	begun := time.Now()
	if err := c.Next(); err != nil {
		if err := s.fail(c, err); err != nil {
			return err
		}
	}
	route := c.Route().Path
	if route == "/" && c.Path() != "/" {
		route = "none"
	}
	s.cfg.Answered(c.Method(), route, c.Response().StatusCode(), time.Since(begun))
	return nil
}

// enter is around every request: it keeps strangers out, catches panics and
// says the index.
func (s *Server) enter(c *fiber.Ctx) (err error) {
	defer catch(&err)
	if s.guarded {
		if err := loopbackOnly(c); err != nil {
			return err
		}
	}
	if s.cfg.Auth != nil && !free[c.Path()] {
		if !s.cfg.Auth.Allow(c.Request().Header.Peek(fiber.HeaderAuthorization)) {
			return refuse(wire.CodeUnauthorized, "send the header Authorization: Bearer TOKEN; the administrator's token is in the data folder of the node that was started first")
		}
	}
	if err := c.Next(); err != nil {
		drain(c)
		return err
	}
	s.tellIndex(c, 0)
	return compress(c)
}

// free lists the paths that need no token: probes, the page, which asks for one
// itself, and the description.
var free = func() map[string]bool {
	paths := map[string]bool{}
	for _, r := range table {
		paths[r.path] = r.traits&open != 0
	}
	return paths
}()
