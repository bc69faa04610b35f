package testnode

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// Answer is what a node answered to a plain request.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte
	Problem wire.Problem // where the answer is one
}

// Do asks the node as a program without our client would. A header stands as
// "Name: value"; Host is one, too. A body that knows its Size says it. It fails the test only where no answer
// comes.
func (n *Node) Do(method, path string, body io.Reader, headers ...string) *Answer {
	n.t.Helper()
	a, err := n.Try(method, path, body, headers...)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Try is Do where no answer is one of the things that may happen.
func (n *Node) Try(method, path string, body io.Reader, headers ...string) (*Answer, error) {
	n.t.Helper()
	req, err := http.NewRequest(method, n.URL()+path, body)
	if err != nil {
		n.t.Fatal(err)
	}
	if claim, ok := body.(interface{ Size() int64 }); ok {
		req.ContentLength = claim.Size()
	}
	if n.Token != "" {
		req.Header.Set("Authorization", "Bearer "+n.Token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := n.plain().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &Answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	if resp.Header.Get("Content-Type") == wire.TypeProblem {
		if err := json.Unmarshal(a.Body, &a.Problem); err != nil {
			n.t.Errorf("%s %s answered a problem that is none: %s", method, path, a.Body)
		}
	}
	return a, nil
}

// plain is the node's own HTTP client.
func (n *Node) plain() *http.Client {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.http == nil {
		n.http = &http.Client{Transport: n.transport(), Timeout: 10 * time.Minute}
	}
	return n.http
}

// transport reaches this node and all others that are reached in its way.
func (n *Node) transport() *http.Transport {
	n.t.Helper()
	t := &http.Transport{DialContext: n.Dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	if n.CAFile != "" {
		pem, err := os.ReadFile(n.CAFile)
		if err != nil {
			n.t.Fatal(err)
		}
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	n.t.Cleanup(t.CloseIdleConnections)
	return t
}
