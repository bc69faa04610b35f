package windrow

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// errSlow is the cause with which an attempt ends that took too long.
var errSlow = errors.New("the server took too long to answer")

// do sends r and reads the answer's JSON into out, which may be nil. It gives
// an *APIError for a refusal.
func (c *Client) do(ctx context.Context, r *request, out any) (*answer, error) {
	a, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if out == nil || len(a.body) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return nil, fmt.Errorf("%s %s: the answer is not what a Windrow server says: %w", r.method, r.path, err)
	}
	return a, nil
}

// history is what the attempts at one request have come to so far.
type history struct {
	last     error
	unknown  bool // an attempt may have reached a server, with no answer
	hopeless int  // servers of this round that no repetition can help
}

// briefFor is up to which time of retries a key of ours need be known for five
// minutes only.
const briefFor = 4 * time.Minute

// send makes attempts, each at the server in use and after a failure at the
// next one, until one is answered or the time is up. Only when all servers
// have failed it waits before the next round.
func (c *Client) send(ctx context.Context, r *request) (*answer, error) {
	if r.method == http.MethodPost && r.key == "" {
		r.key, r.brief = NewIdempotencyKey(), c.config.RetryFor < briefFor
	}
	servers := c.config.Servers
	deadline := time.Now().Add(c.config.RetryFor)
	var h history
	for round := 0; ; round++ {
		var pause time.Duration
		h.hopeless = 0
		for range servers {
			n := c.current.Load()
			a, err := c.attempt(ctx, r, servers[n])
			if done, a, err := c.judge(ctx, r, &h, a, err); done {
				return a, err
			}
			if a != nil && !HasCode(h.last, wire.CodeNoLeader) {
				// An election is shorter than the second that the header can say.
				pause = max(pause, retryAfter(a.header))
			}
			c.current.CompareAndSwap(n, (n+1)%uint32(len(servers)))
		}
		pause = max(pause, backoff(round))
		if h.hopeless == len(servers) || c.config.RetryFor < 0 || time.Now().Add(pause).After(deadline) {
			return nil, c.giveUp(r, &h)
		}
		if err := c.sleep(ctx, pause); err != nil {
			return nil, c.interrupted(ctx, r, &h)
		}
	}
}

// judge says whether an attempt was the last one, and what it came to.
func (c *Client) judge(ctx context.Context, r *request, h *history, a *answer, err error) (bool, *answer, error) {
	var local *localError
	switch {
	case errors.As(err, &local):
		return true, nil, local.err
	case err != nil:
		h.last = err
		h.unknown = h.unknown || mayHaveArrived(err)
		if isHopeless(err) {
			h.hopeless++
		}
		if ctx.Err() != nil {
			return true, nil, c.interrupted(ctx, r, h)
		}
		return false, nil, nil
	case again(a.status):
		refused := readAPIError(a.status, a.body)
		h.last = refused
		h.unknown = h.unknown || refused.Code == wire.CodeUnknownOutcome
		return false, a, nil
	case a.status == http.StatusNotFound && r.method == http.MethodDelete && h.unknown:
		// An attempt before this one may have deleted it.
		return true, &answer{status: http.StatusNoContent, header: a.header}, nil
	case a.status >= 300:
		return true, nil, readAPIError(a.status, a.body)
	}
	return true, a, nil
}

func (c *Client) giveUp(r *request, h *history) error {
	var refused *APIError
	if errors.As(h.last, &refused) && (!h.unknown || r.method == http.MethodGet) {
		return refused
	}
	return &UnreachableError{Servers: c.Servers(), Unknown: h.unknown && r.method != http.MethodGet, Key: r.key, Err: h.last}
}

// interrupted tells of the caller's own end, and of a request that may have
// been carried out all the same.
func (c *Client) interrupted(ctx context.Context, r *request, h *history) error {
	if h.unknown && r.method != http.MethodGet {
		return &UnreachableError{Servers: c.Servers(), Unknown: true, Key: r.key, Err: ctx.Err()}
	}
	return fmt.Errorf("%s %s: %w", r.method, r.path, ctx.Err())
}

// attempt asks one server once.
func (c *Client) attempt(ctx context.Context, r *request, server string) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	limit := time.AfterFunc(attemptTime+r.wait, func() {
		if !r.slow {
			cancel(errSlow)
		}
	})
	stop := func() { limit.Stop(); cancel(nil) }
	sent := &sentBody{}
	req, err := c.build(ctx, r, server, sent)
	if err != nil {
		stop()
		return nil, &localError{err}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		defer stop()
		if local := sent.fault(); local != nil {
			return nil, &localError{local}
		}
		if errors.Is(context.Cause(ctx), errSlow) {
			err = errSlow
		}
		return nil, trim(err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header}
	c.note(resp.Header)
	if r.stream && resp.StatusCode < 300 {
		limit.Stop()
		a.stream = &openBody{resp.Body, stop}
		return a, nil
	}
	defer stop()
	defer resp.Body.Close()
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", trim(err))
	}
	if len(a.body) > answerLimit {
		return nil, &localError{fmt.Errorf("the answer is longer than %d bytes", answerLimit)}
	}
	return a, nil
}

func (c *Client) build(ctx context.Context, r *request, server string, sent *sentBody) (*http.Request, error) {
	target := server + "/v1" + r.path
	query := url.Values{}
	maps.Copy(query, r.query)
	if index := c.index.Load(); index > 0 && r.method == http.MethodGet {
		query.Set("min_index", strconv.FormatUint(index, 10))
	}
	if r.wait > 0 {
		query.Set("wait", r.wait.String())
	}
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, nil)
	if err != nil {
		return nil, err
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	set("User-Agent", c.config.UserAgent)
	set("Accept", r.accept)
	set(wire.HeaderNamespace, c.namespace)
	set(wire.HeaderIdempotencyKey, r.key)
	if r.brief {
		set(wire.HeaderKeyTTL, wire.BriefKey)
	}
	if c.config.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.config.Token)
	}
	if r.body == nil {
		return req, nil
	}
	set("Content-Type", r.body.contentType)
	req.ContentLength = r.body.size
	if r.body.size > expectContinue {
		req.Header.Set("Expect", "100-continue")
	}
	req.GetBody = func() (io.ReadCloser, error) { return sent.watch(r.body.open()) }
	req.Body, err = req.GetBody()
	return req, err
}

// note remembers how far the cluster was when it answered.
func (c *connection) note(h http.Header) {
	if n, err := strconv.ParseUint(h.Get(wire.HeaderIndex), 10, 64); err == nil {
		c.Seen(n)
	}
}

// Seen makes later reads at least as new as the state at index.
func (c *connection) Seen(index uint64) {
	for {
		old := c.index.Load()
		if index <= old || c.index.CompareAndSwap(old, index) {
			return
		}
	}
}

// backoff is the pause after a round in which every server failed: 50 ms,
// doubled up to a second, less up to a third so that clients spread.
func backoff(round int) time.Duration {
	d := min(50*time.Millisecond<<min(round, 10), time.Second)
	return d - rand.N(d/3)
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 60)) * time.Second
}

// mayHaveArrived reports whether a failed attempt may have reached a server:
// only a connection that was never made surely has not.
func mayHaveArrived(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return !isHopeless(err)
}

// isHopeless reports whether the fault is in how the server is addressed or
// identified, which another attempt does not mend.
func isHopeless(err error) bool {
	var (
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		record  tls.RecordHeaderError
		dns     *net.DNSError
	)
	return errors.As(err, &verify) || errors.As(err, &unknown) || errors.As(err, &host) ||
		errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) ||
		errors.As(err, &dns) && dns.IsNotFound
}

// trim takes the method and address off an error; whoever reports it names
// the servers.
func trim(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// localError is a fault on this side, which no other attempt mends.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }

// sentBody keeps the fault of a body that could not be read to its end, which
// the HTTP client would report as a broken connection.
type sentBody struct {
	mu  sync.Mutex
	err error
}

func (s *sentBody) watch(r io.ReadCloser, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, err
	}
	return &watchedBody{ReadCloser: r, sent: s}, nil
}

func (s *sentBody) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

type watchedBody struct {
	io.ReadCloser
	sent   *sentBody
	closed atomic.Bool
}

func (b *watchedBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && !b.closed.Load() {
		b.sent.mu.Lock()
		b.sent.err = err
		b.sent.mu.Unlock()
	}
	return n, err
}

// openBody ends its attempt when it is closed.
type openBody struct {
	io.ReadCloser
	stop func()
}

func (b *openBody) Close() error {
	err := b.ReadCloser.Close()
	b.stop()
	return err
}
