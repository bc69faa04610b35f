package testnode

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Network is several hosts, each a network namespace of its own, on one switch
// whose cables can be pulled.
type Network struct {
	t      testing.TB
	prefix string
	hosts  int
}

// NewNetwork makes a network of so many hosts. Where that is not permitted the
// test is skipped, with a line that says so.
func NewNetwork(t testing.TB, hosts int) *Network {
	t.Helper()
	w := &Network{t: t, prefix: fmt.Sprintf("wr%d", os.Getpid()), hosts: hosts}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need the command ip (Debian: apt-get install iproute2)")
	}
	if out, err := exec.Command("ip", "netns", "add", w.name(0)).CombinedOutput(); err != nil {
		t.Skipf("network namespaces need root: %s", strings.TrimSpace(string(out)))
	}
	t.Cleanup(w.remove)
	w.ip("-n", w.name(0), "link", "add", "switch", "type", "bridge")
	w.ip("-n", w.name(0), "link", "set", "switch", "up")
	for i := 1; i <= hosts; i++ {
		w.ip("netns", "add", w.name(i))
		w.ip("-n", w.name(0), "link", "add", w.cable(i), "type", "veth", "peer", "name", "eth0", "netns", w.name(i))
		w.ip("-n", w.name(0), "link", "set", w.cable(i), "master", "switch", "up")
		w.ip("-n", w.name(i), "link", "set", "lo", "up")
		w.ip("-n", w.name(i), "address", "add", w.IP(i)+"/24", "dev", "eth0")
		w.ip("-n", w.name(i), "link", "set", "eth0", "up")
	}
	return w
}

func (w *Network) name(host int) string  { return fmt.Sprintf("%s-%d", w.prefix, host) }
func (w *Network) cable(host int) string { return fmt.Sprintf("cable%d", host) }

// IP is a host's address; hosts count from 1.
func (w *Network) IP(host int) string { return fmt.Sprintf("10.77.0.%d", host) }

func (w *Network) ip(args ...string) {
	w.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (w *Network) remove() {
	for i := range w.hosts + 1 {
		_ = exec.Command("ip", "netns", "delete", w.name(i)).Run() // it may never have been made
	}
}

// Pull takes a host off the network, Plug puts it back.
func (w *Network) Pull(host int) {
	w.t.Helper()
	w.ip("-n", w.name(0), "link", "set", w.cable(host), "down")
}

// Plug ends a Pull.
func (w *Network) Plug(host int) {
	w.t.Helper()
	w.ip("-n", w.name(0), "link", "set", w.cable(host), "up")
}

// Node makes a node on a host. Its clients sit on the same host, so that they
// reach it whatever becomes of the network.
func (w *Network) Node(host int, flags ...string) *Node {
	w.t.Helper()
	n := New(w.t, flags...)
	n.HTTPAddr, n.RaftAddr = w.IP(host)+":8080", w.IP(host)+":8090"
	n.Wrap = []string{"ip", "netns", "exec", w.name(host)}
	n.Dial = w.dial
	return n
}

// dial connects from within the namespace of the host that is dialled.
func (w *Network) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host := 0
	for i := 1; i <= w.hosts; i++ {
		if strings.HasPrefix(addr, w.IP(i)+":") {
			host = i
		}
	}
	if host == 0 {
		return nil, fmt.Errorf("%s is nobody's address", addr)
	}
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer home.Close()
	there, err := os.Open(filepath.Join("/run/netns", w.name(host)))
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("enter %s: %w", w.name(host), err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back == nil {
		runtime.UnlockOSThread() // else the thread ends with the goroutine
	}
	return conn, err
}
