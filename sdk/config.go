package windrow

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// DefaultServer is where a node listens when nothing else was said.
const DefaultServer = "http://127.0.0.1:8080"

// DefaultRetryFor is how long a request is repeated while no server answers;
// longer than a change of leader or the restart of a node takes.
const DefaultRetryFor = 15 * time.Second

// Config says how to reach a cluster. The zero value reaches a node on this
// machine, in the namespace "default".
type Config struct {
	// Servers are the addresses of one or several nodes of one cluster, such
	// as "https://a.example:8080"; without a scheme it is http, or https where
	// CAFile or TLS is set. Any node answers any request: one is used until it
	// fails, then the next.
	Servers []string
	// Namespace of all requests; the server's default where empty.
	Namespace string
	// Token is sent as a bearer token where not empty.
	Token string
	// CAFile is a PEM file of the authorities that sign the servers'
	// certificates, in place of the system's. Verification cannot be
	// turned off.
	CAFile string
	// TLS is used instead of CAFile where more is wanted, such as a client
	// certificate.
	TLS *tls.Config
	// RetryFor is how long a request is repeated while it finds no server that
	// answers; 0 is DefaultRetryFor, negative means each server is asked once.
	RetryFor time.Duration
	// UserAgent is what the requests call themselves; "windrow-go" by default.
	UserAgent string
	// Transport replaces the connections, in tests for example; TLS and CAFile
	// are its own matter then.
	Transport http.RoundTripper
}

// withDefaults fills what was left out and says everything that is wrong.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	if len(c.Servers) == 0 {
		c.Servers = []string{DefaultServer}
	}
	secure := c.CAFile != "" || c.TLS != nil
	servers := make([]string, 0, len(c.Servers))
	for _, s := range c.Servers {
		base, err := serverURL(s, secure)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		servers = append(servers, base)
	}
	c.Servers = servers
	if c.RetryFor == 0 {
		c.RetryFor = DefaultRetryFor
	}
	if c.UserAgent == "" {
		c.UserAgent = "windrow-go"
	}
	if strings.ContainsAny(c.Token, "\r\n") {
		faults = append(faults, errors.New("the token holds a line break; is it the whole file's text?"))
	}
	if c.TLS == nil && c.CAFile != "" {
		pool, err := readAuthorities(c.CAFile)
		if err != nil {
			faults = append(faults, err)
		}
		c.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return c, errors.Join(faults...)
}

// serverURL makes an address as people write it a base URL without a slash at
// its end.
func serverURL(s string, secure bool) (string, error) {
	text := strings.TrimSpace(s)
	if !strings.Contains(text, "://") {
		scheme := "http"
		if secure {
			scheme = "https"
		}
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("server address %q: %w", s, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("server address %q: want http://HOST:PORT or https://HOST:PORT", s)
	}
	return strings.TrimRight(u.Scheme+"://"+u.Host+u.EscapedPath(), "/"), nil
}

func readAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}
