package peer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func mustListen(t testing.TB, name string, cfg Config) *Net {
	t.Helper()
	n, err := listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func listen(name string, cfg Config) (*Net, error) {
	cfg.NodeID, cfg.Log = name, slog.New(slog.DiscardHandler)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Cluster == nil {
		cfg.Cluster = func() ClusterID { return ClusterID{} }
	}
	return Listen(cfg)
}

// echo serves streams and calls that come back as they are.
func echo(n *Net) {
	n.Handle("echo", func(_ context.Context, s Stream) {
		for {
			b, err := s.Recv()
			if err != nil || s.Send(b) != nil {
				return
			}
		}
	})
	n.HandleCall("echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	n.HandleCall("refuse", func(context.Context, []byte) ([]byte, error) {
		return nil, &Error{Code: "no", Message: "not today"}
	})
	n.HandleCall("wait", func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

// authority issues certificates for tests.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
	next int64
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, dir: t.TempDir(), next: 1}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true,
	}
	der := a.must(x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func (a *authority) must(b []byte, err error) []byte {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *authority) write(name, kind string, der []byte) string {
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// issue writes a certificate for an IP address.
func (a *authority) issue(ip string) Files {
	a.next++
	key := a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "node"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ip)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	der := a.must(x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key))
	k := a.must(x509.MarshalPKCS8PrivateKey(key))
	name := fmt.Sprint(a.next)
	return Files{Cert: a.write(name+".pem", "CERTIFICATE", der), Key: a.write(name+".key", "PRIVATE KEY", k), CA: a.file}
}

func TestTalk(t *testing.T) {
	ca := newAuthority(t)
	for name, files := range map[string]Files{"plain": {}, "tls": ca.issue("127.0.0.1")} {
		t.Run(name, func(t *testing.T) {
			a := mustListen(t, "a", Config{TLS: files})
			b := mustListen(t, "b", Config{TLS: files})
			echo(b)
			addr := b.Addr().String()
			t.Run("stream", func(t *testing.T) { talkStream(t, a, addr) })
			t.Run("calls", func(t *testing.T) { talkCalls(t, a, addr) })
			t.Run("raft", func(t *testing.T) { talkRaft(t, a, b) })
		})
	}
}

func talkStream(t *testing.T, a *Net, addr string) {
	s, err := a.Dial(within(t), addr, "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, size := range []int{0, 1, 100, firstRead, firstRead + 1, 1 << 20, MaxFrame} {
		want := bytes.Repeat([]byte{byte(size)}, size)
		done := make(chan error, 1)
		go func() { done <- s.Send(want) }()
		got, err := s.Recv()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes came back as %d: %v", size, len(got), err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Send(make([]byte, MaxFrame+1)); err == nil {
		t.Error("a frame above the bound was sent")
	}
	if s, err := a.Dial(within(t), addr, "nobody serves this"); err == nil {
		if _, err := s.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("stream of an unknown kind: %v", err)
		}
		_ = s.Close()
	}
}

func talkCalls(t *testing.T, a *Net, addr string) {
	var work sync.WaitGroup
	for i := range 50 {
		work.Go(func() {
			want := []byte(strings.Repeat("x", i*997))
			got, err := a.Call(within(t), addr, "echo", want)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("call %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	work.Wait()
	var answer *Error
	if _, err := a.Call(within(t), addr, "refuse", nil); !errors.As(err, &answer) || answer.Code != "no" || answer.Message != "not today" {
		t.Errorf("refusal came as %v", err)
	}
	if _, err := a.Call(within(t), addr, "nobody", nil); !errors.As(err, &answer) || answer.Code != "unknown_method" {
		t.Errorf("unknown method: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, addr, "wait", nil); err == nil {
		t.Error("a call outlived its time")
	}
	if _, err := a.Call(within(t), addr, "echo", make([]byte, MaxRequest+1)); err == nil {
		t.Error("a request above the bound was sent")
	}
	if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
		t.Errorf("the connection did not outlive that: %v", err)
	}
}

func talkRaft(t *testing.T, a, b *Net) {
	got := make(chan string, 1)
	go func() {
		conn, err := b.Raft().Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn)
		got <- string(text)
	}()
	conn, err := a.DialRaft(b.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("log entries")); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if text := <-got; text != "log entries" {
		t.Errorf("Raft's connection carried %q", text)
	}
}

func TestStrangersAreTurnedAway(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	b := mustListen(t, "b", Config{TLS: ca.issue("127.0.0.1"), Cluster: func() ClusterID { return ClusterID{1} }})
	echo(b)
	addr := b.Addr().String()
	cases := map[string]Config{
		"no TLS":             {},
		"another authority":  {TLS: other.issue("127.0.0.1")},
		"another cluster":    {TLS: ca.issue("127.0.0.1"), Cluster: func() ClusterID { return ClusterID{2} }},
		"trusts another one": {TLS: Files{Cert: ca.issue("127.0.0.1").Cert, Key: "", CA: other.file}},
	}
	for name, cfg := range cases {
		t.Run(name, func(t *testing.T) {
			a, err := listen("a", cfg)
			if err != nil {
				return // refused even earlier
			}
			defer a.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, err := a.Call(ctx, addr, "echo", nil); err == nil {
				t.Error("was let in")
			} else if name == "another cluster" && !errors.Is(err, ErrOtherCluster) {
				t.Errorf("want ErrOtherCluster, got %v", err)
			}
		})
	}
	t.Run("certificate of another host", func(t *testing.T) {
		c := mustListen(t, "c", Config{TLS: ca.issue("10.1.2.3")})
		a := mustListen(t, "a", Config{TLS: ca.issue("127.0.0.1")})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Call(ctx, c.Addr().String(), "echo", nil); err == nil {
			t.Error("was believed")
		}
	})
	t.Run("same cluster", func(t *testing.T) {
		a := mustListen(t, "a", Config{TLS: ca.issue("127.0.0.1"), Cluster: func() ClusterID { return ClusterID{1} }})
		if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestPlainOnlyOnLoopback(t *testing.T) {
	for addr, fine := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "127.9.9.9:1": true,
		"0.0.0.0:0": false, ":8090": false, "192.168.1.4:8090": false, "node7:8090": false, "[::]:1": false, "nonsense": false,
	} {
		if err := CheckPlain(addr); (err == nil) != fine {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := listen("a", Config{Addr: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
		t.Errorf("listened in the clear: %v", err)
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	ca := newAuthority(t)
	files := ca.issue("10.0.0.1") // of another host at first
	b := mustListen(t, "b", Config{TLS: files})
	echo(b)
	a := mustListen(t, "a", Config{TLS: ca.issue("127.0.0.1")})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, b.Addr().String(), "echo", nil); err == nil {
		t.Fatal("a certificate of another host was believed")
	}
	good := ca.issue("127.0.0.1")
	later := time.Now().Add(time.Second)
	for from, to := range map[string]string{good.Cert: files.Cert, good.Key: files.Key} {
		if err := errors.Join(os.Rename(from, to), os.Chtimes(to, later, later)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Call(within(t), b.Addr().String(), "echo", nil); err != nil {
		t.Fatalf("the new certificate is not in use: %v", err)
	}
}

func TestReconnect(t *testing.T) {
	a := mustListen(t, "a", Config{})
	b := mustListen(t, "b", Config{})
	echo(b)
	addr := b.Addr().String()
	s, err := a.Dial(within(t), addr, "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	lost := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), addr, "wait", nil)
		lost <- err
	}()
	if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	if err := <-lost; !errors.Is(err, ErrLost) && !errors.As(err, new(*Error)) {
		t.Errorf("a call under way ended with %v", err)
	}
	if _, err := s.Recv(); err == nil {
		t.Error("the stream goes on")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, addr, "echo", nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("calling nobody: %v", err)
	}
	b = mustListen(t, "b", Config{Addr: addr})
	echo(b)
	if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
		t.Errorf("the node is back: %v", err)
	}
}

// TestSilentPeer: a peer whose machine has vanished says nothing at all, not
// even that the connection is closed.
func TestSilentPeer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		if _, err := receive(conn, ClusterID{}); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, conn) // reads, and never answers
		_ = conn.Close()
	}()
	a := mustListen(t, "a", Config{})
	began := time.Now()
	_, err = a.Call(within(t), ln.Addr().String(), "echo", nil)
	if !errors.Is(err, ErrLost) {
		t.Fatalf("want ErrLost, got %v", err)
	}
	t.Logf("noticed after %v", time.Since(began))
}
