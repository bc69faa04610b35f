package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// selfHosted is what a user has on three machines: servers that talk TLS to
// each other and to clients, one administrator's token, and a worker on a
// fourth machine.
type selfHosted struct {
	*testnode.Cluster
	net *testnode.Network
}

func newSelfHosted(t *testing.T, workers int, flags ...string) *selfHosted {
	t.Helper()
	h := &selfHosted{net: testnode.NewNetwork(t, 3+workers)}
	authority := testnode.NewAuthority(t)
	machine := func(i int) *testnode.Node {
		n := h.net.Node(i, "--auth", "token")
		authority.Secure(n, h.net.IP(i))
		return n
	}
	h.Cluster = testnode.Of(t, machine(1), machine(2), machine(3))
	h.Found(flags...)
	h.token(t)
	for i := range workers {
		h.Join(machine(4 + i))
	}
	return h
}

// token finds the token that the first leader has written down.
func (h *selfHosted) token(t *testing.T) {
	t.Helper()
	testnode.Poll(t, "the administrator's token", func() error {
		for _, n := range h.Nodes {
			b, err := os.ReadFile(filepath.Join(n.DataDir(), "admin.token"))
			if err != nil {
				continue
			}
			for _, n := range h.Nodes {
				n.Token = strings.TrimSpace(string(b))
			}
			return nil
		}
		return fmt.Errorf("no server has one")
	})
	for _, n := range h.Nodes {
		testnode.Poll(t, "the token to have reached all", func() error {
			_, err := n.Impatient().Cluster(context.Background())
			return err
		})
	}
}

func (h *selfHosted) host(n *testnode.Node) int { return slices.Index(h.Nodes, n) + 1 }

// TestSelfHosted runs a cluster over network namespaces: tasks go round by way
// of every node, and nobody is let in without the token.
func TestSelfHosted(t *testing.T) {
	h := newSelfHosted(t, 1, "--role", "server")
	testnode.Push(t, h.Client(), guests.Echo)
	for i, n := range append(slices.Clone(h.Nodes), h.Workers...) {
		// The worker passes on what it is asked.
		task, err := n.Client().SubmitWait(t.Context(), windrow.Call{Task: "echo.main", Input: json.RawMessage(fmt.Sprint(i))})
		if err != nil || string(task.Result) != fmt.Sprint(i) || task.Worker != "w1" {
			t.Fatalf("by way of %s: %+v, %v", n.HTTPAddr, task, err)
		}
		token := n.Token
		for _, bad := range []string{"", "wrt_" + strings.Repeat("A", 43), token[:len(token)-1]} {
			for _, path := range []string{"/v1/tasks", "/v1/cluster", "/metrics"} {
				n.Token = bad
				if a := n.Do("GET", path, nil); a.Status != 401 || a.Problem.Code != "unauthorized" {
					t.Errorf("%s%s with the token %q answers %d: %s", n.HTTPAddr, path, bad, a.Status, a.Body)
				}
			}
			if a := n.Do("POST", "/v1/tasks", strings.NewReader(`{"task":"echo.main"}`), "Content-Type: application/json"); a.Status != 401 {
				t.Errorf("a task with the token %q: %d", bad, a.Status)
			}
		}
		n.Token = token
		if a := n.Do("GET", "/livez", nil); a.Status != 200 {
			t.Errorf("/livez: %d", a.Status)
		}
	}
	// Nobody without the authority's signature is talked to, nor in plain.
	stranger := h.net.Node(4, "--role", "worker", "--join", h.Nodes[0].RaftAddr, "--auth", "token")
	stranger.HTTPAddr, stranger.RaftAddr = h.net.IP(4)+":9080", h.net.IP(4)+":9090"
	testnode.NewAuthority(t).Secure(stranger, h.net.IP(4))
	// It trusts the cluster, but the cluster does not trust it.
	stranger.Flags = append(stranger.Flags, "--tls-ca", h.Nodes[0].CAFile)
	stranger.Start()
	testnode.Poll(t, "the stranger to be turned away", func() error {
		if !strings.Contains(stranger.Log(), "the cluster is not reached yet") {
			return errors.New(stranger.Log())
		}
		return nil
	})
	if ids := sessions(t, h.Client()); len(ids) != 1 {
		t.Errorf("sessions: %v", ids)
	}
	if code := h.Workers[0].Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestPartitionedLeader takes the leader off the network while clients submit:
// the others go on, it neither acknowledges nor answers from the past, and what
// it took up alone gives way once it is back.
func TestPartitionedLeader(t *testing.T) {
	h := newSelfHosted(t, 0)
	testnode.Push(t, h.Client(), guests.Echo, guests.Noop)
	l := testnode.NewLoad(t, 8, size(600, 20_000), h.ClientFrom)
	l.Start()
	for _, at := range moments(l.Total, size(1, 10)) {
		l.WaitAcked(at)
		known, err := h.Client().Submit(t.Context(), windrow.Call{Task: "noop.main", Countdown: windrow.After(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		old := h.Leader()
		rest := h.Others(old)
		began := time.Now()
		h.net.Pull(h.host(old))
		promised(t, "leader cut off to first acknowledgement by another", rest[0].FirstAck(began), 2*time.Second)
		if _, err := rest[0].Client().Revoke(t.Context(), known.ID, false); err != nil {
			t.Fatal(err)
		}
		alone, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if task, err := old.Impatient().Task(alone, known.ID); err == nil {
			t.Errorf("cut off from the others it says that a task is %s which is revoked by now", task.State)
		}
		cancel()
		if a := old.Do("GET", "/v1/tasks/"+known.ID+"?consistency=stale", nil); a.Status != 200 {
			t.Errorf("it has no old answer for who wants one: %d %s", a.Status, a.Body)
		}
		alone, cancel = context.WithTimeout(t.Context(), 2*time.Second)
		if s, err := old.Impatient().Submit(alone, windrow.Call{Task: "echo.main", Input: json.RawMessage(`"alone"`)}); err == nil {
			t.Errorf("cut off from the others it acknowledged %+v", s)
		}
		cancel()
		h.net.Plug(h.host(old))
		h.WaitCaughtUp(old)
		if a := old.Do("GET", "/v1/tasks/"+known.ID, nil); a.Status != 200 || !strings.Contains(string(a.Body), `"revoked"`) {
			t.Errorf("back on the network it answers %d %s", a.Status, a.Body)
		}
	}
	l.Others = true // one of what was submitted to it alone may have come through in the end
	l.Wait()
	l.Check(h.Nodes[0].Client(), h.Nodes[1].Client(), h.Nodes[2].Client())
}

// TestPartitionedWorker takes a worker off the network: it kills its sandboxes
// by itself before its tasks run anywhere else.
func TestPartitionedWorker(t *testing.T) {
	t.Parallel() // it waits for others most of the time
	h := newSelfHosted(t, 2, "--role", "server")
	cl := h.Leader().Client()
	testnode.Push(t, cl, guests.Sleep)
	crew := enlist(t, cl, 6, sleepFor(9000))
	crew.until("all to be started", started)
	cut := h.Workers[0]
	orphaned := crew.of("w1")
	testnode.Poll(t, "a sandbox for each task", func() error {
		if n := len(cut.Children()); n < len(orphaned.ids) || n == 0 {
			return fmt.Errorf("%d sandboxes for %d tasks", n, len(orphaned.ids))
		}
		return nil
	})
	began := time.Now()
	h.net.Pull(4)
	testnode.NoOrphans(t, cut)
	killed := time.Now()
	t.Logf("its sandboxes were gone after %v", killed.Sub(began).Round(time.Millisecond))
	orphaned.until("its tasks to be another's", func(task *windrow.Task) bool { return task.Worker == "w2" && started(task) })
	promised(t, "worker cut off to its tasks started elsewhere", time.Since(began), lost)
	h.net.Plug(4)
	h.WaitWorker("w1")
	for id, task := range orphaned.until("all to end", succeeded) {
		if task.Worker != "w2" || task.StartedAt.Before(killed) || task.Delivery != 2 {
			t.Errorf("task %s ran at %s from %v on, %d deliveries; the first sandbox was killed at %v", id, task.Worker, task.StartedAt, task.Delivery, killed)
		}
	}
}
