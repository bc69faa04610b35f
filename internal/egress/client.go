package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Options bound what a client does.
type Options struct {
	Guard Guard
	// Timeout is that of one request with its answer; ctx may end it sooner.
	Timeout time.Duration
	// Redirects is how many are followed; each is a connection that is checked
	// as any other. 0 follows none, and gives the answer that asked for one.
	Redirects int
	// Body is how much of an answer may be read, bytes.
	Body int64
}

const (
	connectWithin = 10 * time.Second
	headerBytes   = 64 << 10
	idleFor       = 30 * time.Second
)

// Client makes an HTTP client that stays within bounds. It takes no proxy from
// the environment: a proxy would be asked for addresses that nobody checks.
func Client(o Options) *http.Client {
	dialer := &net.Dialer{Timeout: connectWithin, Control: o.Guard.Control}
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectWithin,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: headerBytes,
		IdleConnTimeout:        idleFor,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    4,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport: bounded{transport, o.Body},
		Timeout:   o.Timeout,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case o.Redirects == 0:
				return http.ErrUseLastResponse
			case len(via) > o.Redirects:
				return fmt.Errorf("more than %d redirects", o.Redirects)
			case via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https":
				return fmt.Errorf("%w: a redirect from https to %s", ErrRefused, r.URL.Scheme)
			}
			return CheckURL(r.URL)
		},
	}
}

// CheckURL refuses what no client here reaches whatever its address is.
func CheckURL(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: the scheme is %q, not https or http", ErrRefused, u.Scheme)
	case u.Hostname() == "":
		return fmt.Errorf("%w: the URL names no host", ErrRefused)
	case u.User != nil:
		return fmt.Errorf("%w: the URL holds a user or a password", ErrRefused)
	}
	return nil
}

// bounded cuts what answers may hold.
type bounded struct {
	*http.Transport
	body int64
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := CheckURL(r.URL); err != nil {
		return nil, err
	}
	resp, err := b.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &limited{ReadCloser: resp.Body, left: b.body}
	return resp, nil
}

// ErrTooLarge says that an answer has more than may be read.
var ErrTooLarge = errors.New("the answer is too large")

type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if n, err := l.ReadCloser.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, ErrTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	return n, err
}
