package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/windrow-dev/windrow/api"
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

// openProxy answers HTTP by asking a server.
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
	var listen net.ListenConfig
	ln, err := listen.Listen(ctx, "tcp", n.cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("listen for HTTP (--http-addr): %w", err)
	}
	if tlsConfig != nil {
		ln = tls.NewListener(ln, tlsConfig)
	}
	srv := &http.Server{Handler: newProxy(n, scheme, transport), ReadHeaderTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute}
	n.run(func() {
		if err := srv.Serve(ln); err != http.ErrServerClosed {
			n.fail(err)
		}
	})
	n.onCloseWithin("HTTP", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		return srv.Shutdown(ctx)
	})
	n.log.Info("ready", "http", scheme+"://"+ln.Addr().String(), "node", n.folder.NodeID(), "role", n.cfg.Role)
	return nil
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
