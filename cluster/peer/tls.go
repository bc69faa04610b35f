package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Files names the PEM files of mutual TLS. Every node's certificate must be
// signed by CA, carry the host of its advertised Raft address among its
// subject alternative names (an IP address or a DNS name), and allow both
// server and client authentication. Files that change are read again for the
// next connection.
type Files struct{ Cert, Key, CA string }

// Given reports whether TLS is wanted at all.
func (f Files) Given() bool { return f != Files{} }

// credentials are the loaded files.
type credentials struct {
	files Files

	mu      sync.Mutex
	changed [3]time.Time
	cert    tls.Certificate
	ca      *x509.CertPool
}

func openCredentials(f Files) (*credentials, error) {
	if f.Cert == "" || f.Key == "" || f.CA == "" {
		return nil, errors.New("TLS between nodes needs all three of --tls-cert, --tls-key and --tls-ca")
	}
	c := &credentials{files: f}
	_, _, err := c.load()
	return c, err
}

// load gives the newest certificate and authority. A file that has become
// unreadable leaves the last good ones in use, so that a half-done rotation
// does not cut a running cluster.
func (c *credentials) load() (tls.Certificate, *x509.CertPool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var now [3]time.Time
	for i, name := range []string{c.files.Cert, c.files.Key, c.files.CA} {
		if st, err := os.Stat(name); err == nil {
			now[i] = st.ModTime()
		}
	}
	if c.ca != nil && now == c.changed {
		return c.cert, c.ca, nil
	}
	cert, ca, err := readFiles(c.files)
	if err != nil && c.ca == nil {
		return cert, ca, err
	}
	if err == nil {
		c.cert, c.ca, c.changed = cert, ca, now
	}
	return c.cert, c.ca, nil
}

func readFiles(f Files) (tls.Certificate, *x509.CertPool, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return cert, nil, fmt.Errorf("load node certificate: %w", err)
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return cert, nil, fmt.Errorf("load certificate authority: %w", err)
	}
	ca := x509.NewCertPool()
	if !ca.AppendCertsFromPEM(pem) {
		return cert, nil, fmt.Errorf("load certificate authority: %s holds no PEM certificate", f.CA)
	}
	return cert, ca, nil
}

// server wraps an accepted connection.
func (c *credentials) server(conn net.Conn) (net.Conn, error) {
	cert, ca, err := c.load()
	if err != nil {
		return nil, err
	}
	return tls.Server(conn, &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    ca,
	}), nil
}

// client wraps a connection to host, which the peer's certificate must name.
func (c *credentials) client(conn net.Conn, host string) (net.Conn, error) {
	cert, ca, err := c.load()
	if err != nil {
		return nil, err
	}
	return tls.Client(conn, &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		RootCAs:      ca,
		ServerName:   host,
	}), nil
}
