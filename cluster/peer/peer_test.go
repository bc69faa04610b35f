package peer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/windrow-dev/windrow/cluster/peer"
	"github.com/windrow-dev/windrow/cluster/peer/peertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func mustListen(t testing.TB, name string, cfg peer.Config) *peer.Net {
	t.Helper()
	n, err := listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func listen(name string, cfg peer.Config) (*peer.Net, error) {
	cfg.NodeID, cfg.Log = name, slog.New(slog.DiscardHandler)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Cluster == nil {
		cfg.Cluster = func() peer.ClusterID { return peer.ClusterID{} }
	}
	return peer.Listen(cfg)
}

// echo serves streams and calls that come back as they are.
func echo(n *peer.Net) {
	n.Handle("echo", func(_ context.Context, s peer.Stream) {
		for {
			b, err := s.Recv()
			if err != nil || s.Send(b) != nil {
				return
			}
		}
	})
	n.HandleCall("echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	n.HandleCall("refuse", func(context.Context, []byte) ([]byte, error) {
		return nil, &peer.Error{Code: "no", Message: "not today"}
	})
	n.HandleCall("wait", func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
}

func TestTalk(t *testing.T) {
	ca := peertest.NewAuthority(t)
	for name, files := range map[string]peer.Files{"plain": {}, "tls": ca.Issue("127.0.0.1")} {
		t.Run(name, func(t *testing.T) {
			a := mustListen(t, "a", peer.Config{TLS: files})
			b := mustListen(t, "b", peer.Config{TLS: files})
			echo(b)
			addr := b.Addr().String()
			t.Run("stream", func(t *testing.T) { talkStream(t, a, addr) })
			t.Run("calls", func(t *testing.T) { talkCalls(t, a, addr) })
			t.Run("raft", func(t *testing.T) { talkRaft(t, a, b) })
		})
	}
}

func talkStream(t *testing.T, a *peer.Net, addr string) {
	s, err := a.Dial(within(t), addr, "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, size := range []int{0, 1, 100, peer.FirstRead, peer.FirstRead + 1, 1 << 20, peer.MaxFrame} {
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
	if err := s.Send(make([]byte, peer.MaxFrame+1)); err == nil {
		t.Error("a frame above the bound was sent")
	}
	if s, err := a.Dial(within(t), addr, "nobody serves this"); err == nil {
		if _, err := s.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("stream of an unknown kind: %v", err)
		}
		_ = s.Close()
	}
}

func talkCalls(t *testing.T, a *peer.Net, addr string) {
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
	var answer *peer.Error
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
	if _, err := a.Call(within(t), addr, "echo", make([]byte, peer.MaxRequest+1)); err == nil {
		t.Error("a request above the bound was sent")
	}
	if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
		t.Errorf("the connection did not outlive that: %v", err)
	}
}

func talkRaft(t *testing.T, a, b *peer.Net) {
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
	ca, other := peertest.NewAuthority(t), peertest.NewAuthority(t)
	b := mustListen(t, "b", peer.Config{TLS: ca.Issue("127.0.0.1"), Cluster: func() peer.ClusterID { return peer.ClusterID{1} }})
	echo(b)
	addr := b.Addr().String()
	cases := map[string]peer.Config{
		"no TLS":             {},
		"another authority":  {TLS: other.Issue("127.0.0.1")},
		"another cluster":    {TLS: ca.Issue("127.0.0.1"), Cluster: func() peer.ClusterID { return peer.ClusterID{2} }},
		"trusts another one": {TLS: peer.Files{Cert: ca.Issue("127.0.0.1").Cert, Key: "", CA: other.File}},
	}
	for name, cfg := range cases {
		t.Run(name, func(t *testing.T) {
			a, err := listen("a", cfg)
			if err != nil {
				return // refused even earlier
			}
			defer func() { _ = a.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, err := a.Call(ctx, addr, "echo", nil); err == nil {
				t.Error("was let in")
			} else if name == "another cluster" && !errors.Is(err, peer.ErrOtherCluster) {
				t.Errorf("want peer.ErrOtherCluster, got %v", err)
			}
		})
	}
	t.Run("certificate of another host", func(t *testing.T) {
		c := mustListen(t, "c", peer.Config{TLS: ca.Issue("10.1.2.3")})
		a := mustListen(t, "a", peer.Config{TLS: ca.Issue("127.0.0.1")})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Call(ctx, c.Addr().String(), "echo", nil); err == nil {
			t.Error("was believed")
		}
	})
	t.Run("same cluster", func(t *testing.T) {
		a := mustListen(t, "a", peer.Config{TLS: ca.Issue("127.0.0.1"), Cluster: func() peer.ClusterID { return peer.ClusterID{1} }})
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
		if err := peer.CheckPlain(addr); (err == nil) != fine {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if _, err := listen("a", peer.Config{Addr: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "--tls-cert") {
		t.Errorf("listened in the clear: %v", err)
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	ca := peertest.NewAuthority(t)
	files := ca.Issue("10.0.0.1") // of another host at first
	b := mustListen(t, "b", peer.Config{TLS: files})
	echo(b)
	a := mustListen(t, "a", peer.Config{TLS: ca.Issue("127.0.0.1")})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, b.Addr().String(), "echo", nil); err == nil {
		t.Fatal("a certificate of another host was believed")
	}
	good := ca.Issue("127.0.0.1")
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
	a := mustListen(t, "a", peer.Config{})
	b := mustListen(t, "b", peer.Config{})
	echo(b)
	addr := b.Addr().String()
	s, err := a.Dial(within(t), addr, "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	lost := make(chan error, 1)
	go func() {
		_, err := a.Call(within(t), addr, "wait", nil)
		lost <- err
	}()
	if _, err := a.Call(within(t), addr, "echo", nil); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	if err := <-lost; !errors.Is(err, peer.ErrLost) && !errors.As(err, new(*peer.Error)) {
		t.Errorf("a call under way ended with %v", err)
	}
	if _, err := s.Recv(); err == nil {
		t.Error("the stream goes on")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.Call(ctx, addr, "echo", nil); !errors.Is(err, peer.ErrUnreachable) {
		t.Errorf("calling nobody: %v", err)
	}
	b = mustListen(t, "b", peer.Config{Addr: addr})
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
		if err := peer.Receive(conn); err != nil {
			t.Error(err)
		}
		_, _ = io.Copy(io.Discard, conn) // reads, and never answers
		_ = conn.Close()
	}()
	a := mustListen(t, "a", peer.Config{})
	began := time.Now()
	_, err = a.Call(within(t), ln.Addr().String(), "echo", nil)
	if !errors.Is(err, peer.ErrLost) {
		t.Fatalf("want peer.ErrLost, got %v", err)
	}
	t.Logf("noticed after %v", time.Since(began))
}
