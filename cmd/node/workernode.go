package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// A node of role worker holds no state: it runs attempts for the servers, and
// passes every HTTP request on to one of them.

// openServers finds the cluster.
func (n *node) openServers(ctx context.Context) error {
	n.servers = &servers{net: n.net, resolve: n.resolve, join: n.cfg.Join}
	if err := n.servers.refresh(ctx); err != nil {
		n.log.Warn("the cluster is not reached yet", "err", err)
	}
	return nil
}

// openProxy answers HTTP by asking a server. The Host and Origin headers stay
// as they came, so that the server's own rules hold here too.
func (n *node) openProxy(ctx context.Context) error {
	tlsConfig, err := n.serverTLS()
	if err != nil {
		return err
	}
	transport, err := n.transport()
	if err != nil {
		return err
	}
	scheme := "http"
	if n.cfg.TLSCert != "" {
		scheme = "https"
	}
	proxy := &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			host := r.In.Host
			r.SetURL(&url.URL{Scheme: scheme, Host: n.someServer()})
			r.Out.Host = host
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			n.log.Info("no server answered", "path", r.URL.Path, "err", err)
			_ = n.servers.refresh(r.Context())
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, `{"status":503,"title":"No server can be reached","code":%q,"detail":"this node is a worker and none of the servers it knows answered; try again in a moment, or ask a server itself"}`, wire.CodeNoLeader)
		},
	}
	var listen net.ListenConfig
	ln, err := listen.Listen(ctx, "tcp", n.cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP (--http-addr): %w", err)
	}
	if tlsConfig != nil {
		ln = tls.NewListener(ln, tlsConfig)
	}
	srv := &http.Server{Handler: n.proxied(proxy), ReadHeaderTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute}
	n.run(func() {
		if err := srv.Serve(ln); err != http.ErrServerClosed {
			n.fail(err)
		}
	})
	n.onClose("HTTP", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		return srv.Shutdown(ctx)
	})
	n.log.Info("ready", "http", scheme+"://"+ln.Addr().String(), "node", n.folder.NodeID(), "role", n.cfg.Role)
	return nil
}

// proxied answers for this node itself where the question is about it.
func (n *node) proxied(rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("/", rest)
	return mux
}

// someServer is the HTTP address of the leader, or of another server.
func (n *node) someServer() string {
	for _, s := range n.servers.list() {
		if s.HTTPAddr != "" {
			return s.HTTPAddr
		}
	}
	return "no-server.invalid"
}

// transport reaches the servers' HTTP.
func (n *node) transport() (*http.Transport, error) {
	t := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if n.cfg.TLSCA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(n.cfg.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("read --tls-ca: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tls-ca %s holds no PEM certificate", n.cfg.TLSCA)
	}
	return t, nil
}

var _ api.Node = (*node)(nil)
