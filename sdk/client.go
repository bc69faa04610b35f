package windrow

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Client speaks to one cluster. It may be used by many goroutines at once.
type Client struct {
	*connection
	namespace string
}

// connection is what clients of several namespaces share.
type connection struct {
	config Config
	http   *http.Client
	// current is the place in config.Servers of the server in use.
	current atomic.Uint32
	// index is the highest log index that an answer carried; reads ask for a
	// state at least as new.
	index atomic.Uint64
	// sleep waits between attempts; tests replace it.
	sleep func(context.Context, time.Duration) error
}

// New makes a client. It connects when it is first used.
func New(config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	transport := config.Transport
	if transport == nil {
		transport = newTransport(&config)
	}
	c := &connection{config: config, http: &http.Client{Transport: transport}, sleep: sleep}
	return &Client{connection: c, namespace: config.Namespace}, nil
}

// newTransport keeps many idle connections a server, since a client usually
// has one server and many requests under way.
func newTransport(config *Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config.TLS,
		TLSHandshakeTimeout:   5 * time.Second,
		MaxIdleConns:          512,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       60 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
	}
}

// In gives a client of another namespace that shares connections and what has
// been seen with this one.
func (c *Client) In(namespace string) *Client {
	return &Client{connection: c.connection, namespace: namespace}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Index is the highest log index that this client has seen. Handed to another
// process's client by Seen, it makes that one read what this one wrote.
func (c *Client) Index() uint64 { return c.index.Load() }

// Servers are the addresses in use.
func (c *Client) Servers() []string { return append([]string(nil), c.config.Servers...) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
