package egress

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRefused(t *testing.T) {
	var g Guard
	for _, s := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.127.255.255", "224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "192.0.0.170", "192.0.2.7", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "192.88.99.1",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
		"2001:db8::1", "2002:7f00:1::", "2001::1", "100::1", "3fff::1", "5f00::1", "4000::1",
	} {
		if err := g.Check(netip.MustParseAddr(s)); !errors.Is(err, ErrRefused) {
			t.Errorf("%s is let through: %v", s, err)
		}
	}
	for _, s := range []string{"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "169.253.255.255", "223.255.255.255",
		"::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"} {
		if err := g.Check(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestNoFormOfALocalAddressPasses draws addresses that Go's own judgement calls
// local, in every form that leads to them.
func TestNoFormOfALocalAddressPasses(t *testing.T) {
	var g Guard
	locals := []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10", "224.0.0.0/4", "0.0.0.0/8"}
	rapid.Check(t, func(t *rapid.T) {
		p := netip.MustParsePrefix(rapid.SampledFrom(locals).Draw(t, "prefix"))
		base, host := p.Addr().As4(), rapid.Uint32().Draw(t, "host")
		mask := uint32(1)<<(32-p.Bits()) - 1
		n := (uint32(base[0])<<24 | uint32(base[1])<<16) | host&mask
		v4 := [4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		forms := []netip.Addr{netip.AddrFrom4(v4)}
		for _, prefix := range []string{"::ffff:0:0", "::", "64:ff9b::", "::ffff:0:0:0"} {
			b := netip.MustParseAddr(prefix).As16()
			copy(b[12:], v4[:])
			forms = append(forms, netip.AddrFrom16(b))
		}
		six := netip.MustParseAddr("2002::").As16()
		copy(six[2:], v4[:])
		forms = append(forms, netip.AddrFrom16(six))
		for _, a := range forms {
			if !errors.Is(g.Check(a), ErrRefused) {
				t.Fatalf("%s, a form of %s, is let through", a, forms[0])
			}
			if err := g.Control("tcp4", netip.AddrPortFrom(a, 80).String(), nil); !errors.Is(err, ErrRefused) {
				t.Fatalf("the dialer lets %s through: %v", a, err)
			}
		}
	})
}

// TestAgreesWithGo holds that whatever Go does not call global unicast, or calls
// private, is refused.
func TestAgreesWithGo(t *testing.T) {
	var g Guard
	rapid.Check(t, func(t *rapid.T) {
		var b [16]byte
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
		a := netip.AddrFrom16(b).Unmap()
		if rapid.Bool().Draw(t, "v4") {
			a = netip.AddrFrom4([4]byte(b[:4]))
		}
		if (!a.IsGlobalUnicast() || a.IsPrivate()) && g.Check(a) == nil {
			t.Fatalf("%s is let through", a)
		}
	})
}

func TestAllow(t *testing.T) {
	allow, err := ParseAllow([]string{"10.1.0.0/16", "127.0.0.1", "::1"})
	if err != nil {
		t.Fatal(err)
	}
	g := Guard{Allow: allow}
	for s, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "127.0.0.1": true, "127.0.0.2": false, "::1": true} {
		if got := g.Check(netip.MustParseAddr(s)) == nil; got != want {
			t.Errorf("%s let through: %v", s, got)
		}
	}
	for _, bad := range []string{"", "10.0.0.0/99", "host", "::ffff:10.0.0.0/104", "fe80::1%eth0"} {
		if _, err := ParseAllow([]string{bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func loopback(t *testing.T) Guard {
	t.Helper()
	allow, err := ParseAllow([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return Guard{Allow: allow}
}

func TestClientRefuses(t *testing.T) {
	asked := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	t.Setenv("HTTP_PROXY", s.URL)
	c := Client(Options{Timeout: 5 * time.Second, Body: 100})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, u := range []string{s.URL, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://2130706433:" + port, "ftp://127.0.0.1/", "http://u:p@127.0.0.1:" + port} {
		r, err := c.Get(u)
		if err == nil {
			_ = r.Body.Close()
			t.Errorf("%s is reached", u)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
}

func TestRedirects(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inner") }))
	defer inner.Close()
	target := strings.Replace(inner.URL, "127.0.0.1", "127.0.0.2", 1)
	hops := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hops++; r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	follow := Client(Options{Guard: loopback(t), Timeout: 5 * time.Second, Redirects: 3, Body: 100})
	if r, err := follow.Get(s.URL); err == nil || !errors.Is(err, ErrRefused) {
		t.Errorf("a redirect to an address that is not allowed gives %v, %v", r, err)
	}
	hops = 0
	if _, err := follow.Get(s.URL + "/loop"); err == nil || hops != 4 {
		t.Errorf("a loop of redirects ended after %d answers with %v", hops, err)
	}
	r, err := Client(Options{Guard: loopback(t), Timeout: 5 * time.Second, Body: 100}).Get(s.URL)
	if err != nil || r.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("without redirects: %v, %v", r, err)
	}
}

func TestBounds(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-stop
			return
		}
		_, _ = w.Write(make([]byte, 101))
	}))
	defer s.Close()
	defer close(stop)
	c := Client(Options{Guard: loopback(t), Timeout: 300 * time.Millisecond, Body: 100})
	r, err := c.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); len(b) != 100 || !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes were read, %v", len(b), err)
	}
	if r, err := c.Get(s.URL + "/slow"); err == nil {
		t.Errorf("a silent server answers %v", r)
	}
}
