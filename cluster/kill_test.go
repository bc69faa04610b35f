package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process of these tests is this test binary again, as one node whose
// callers propose without end and print what was acknowledged. It lives until
// it is killed, or its parent is.
const (
	childDir  = "WINDROW_TEST_NODE_DIR"
	childName = "WINDROW_TEST_NODE_NAME"
	childAddr = "WINDROW_TEST_NODE_ADDR"
	childJoin = "WINDROW_TEST_NODE_JOIN"
)

// childCallers is how many commands a child has under way.
const childCallers = 8

func childMain() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { // the parent holds the other end
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(3)
	}()
	s := &server{t: nil, dir: os.Getenv(childDir), name: os.Getenv(childName), addr: os.Getenv(childAddr)}
	if join := os.Getenv(childJoin); join != "" {
		s.cfg.Join = strings.Split(join, ",")
		s.cfg.BootstrapExpect = len(s.cfg.Join)
	}
	if err := s.start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var out sync.Mutex
	say := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
	var work sync.WaitGroup
	for caller := range childCallers {
		work.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				text := fmt.Sprintf("%s-%d-%d-%d", s.name, os.Getpid(), caller, k)
				if _, _, err := s.Propose(ctx, []byte(text)); err == nil {
					say("acked", text)
				}
			}
		})
	}
	go func() { // as the store does
		for range time.Tick(100 * time.Millisecond) {
			_ = s.shard.Checkpoint(ctx)
		}
	}()
	go func() {
		for {
			l, changed := s.Leadership()
			if l.Self {
				say("leads", l.Term)
			}
			<-changed
		}
	}()
	<-ctx.Done()
	work.Wait()
	if err := errors.Join(s.Close(), s.net.Close(), s.folder.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a child seen from its parent.
type process struct {
	t     *testing.T
	env   []string
	cmd   *exec.Cmd
	stdin interface{ Close() error }
	done  chan struct{} // its output has ended

	mu    *sync.Mutex
	acked map[string]bool // of all processes
	leads func(p *process)
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			p.mu.Lock()
			if word == "acked" {
				p.acked[rest] = true
			} else if word == "leads" && p.leads != nil {
				p.leads(p)
			}
			p.mu.Unlock()
		}
	}()
}

// kill ends the process by SIGKILL, as a crash would.
func (p *process) kill() {
	p.t.Helper()
	if p.cmd == nil {
		return
	}
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	<-p.done // before Wait, which closes the pipe
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
	p.cmd = nil
}

func newProcesses(t *testing.T, count int) []*process {
	if testing.Short() {
		t.Skip("starts processes")
	}
	var addrs []string
	for range count {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, ln.Addr().String())
		defer ln.Close()
	}
	var mu sync.Mutex
	acked := map[string]bool{}
	var list []*process
	for i, addr := range addrs {
		p := &process{t: t, mu: &mu, acked: acked, env: []string{
			childDir + "=" + t.TempDir(), childName + "=n" + fmt.Sprint(i), childAddr + "=" + addr,
		}}
		if count > 1 {
			p.env = append(p.env, childJoin+"="+strings.Join(addrs, ","))
		}
		list = append(list, p)
		t.Cleanup(p.kill)
	}
	return list
}

func (p *process) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

// progress waits until so many more commands are acknowledged.
func (p *process) progress(more int) {
	p.t.Helper()
	want := p.count() + more
	eventually(p.t, "work goes on", func() bool { return p.count() >= want })
}

// reopen starts the nodes of killed processes in this one.
func reopen(t *testing.T, list []*process) servers {
	t.Helper()
	var c servers
	for _, p := range list {
		get := func(key string) string {
			for _, e := range p.env {
				if v, ok := strings.CutPrefix(e, key+"="); ok {
					return v
				}
			}
			return ""
		}
		c = append(c, mustStartNamed(t, get(childDir), get(childName), get(childAddr)))
	}
	return c
}

func mustStartNamed(t *testing.T, dir, name, addr string) *server {
	t.Helper()
	s := &server{t: t, dir: dir, name: name, addr: addr}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

// checkAcked wants everything that was acknowledged to be there, once.
func checkAcked(t *testing.T, acked map[string]bool, all []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, text := range all {
		if seen[text] {
			t.Fatalf("%s is there twice", text)
		}
		seen[text] = true
	}
	lost := 0
	for text := range acked {
		if !seen[text] {
			lost++
		}
	}
	t.Logf("%d acknowledged, %d there", len(acked), len(all))
	if lost > 0 {
		t.Fatalf("%d of %d acknowledged commands are lost", lost, len(acked))
	}
}

func TestKillLoneServer(t *testing.T) {
	list := newProcesses(t, 1)
	p := list[0]
	for range 5 {
		p.start()
		p.progress(300)
		p.kill()
	}
	c := reopen(t, list)
	c[0].waitLead()
	checkAcked(t, p.acked, c[0].shard.all())
}

// TestKillServers kills the leader, kills a follower, and stops the leader for
// a while without killing it, while all three propose.
func TestKillServers(t *testing.T) {
	list := newProcesses(t, 3)
	var leader *process
	for _, p := range list {
		p.leads = func(p *process) { leader = p }
		p.start()
	}
	lead := func() *process {
		var now *process
		eventually(t, "there is a leader", func() bool {
			list[0].mu.Lock()
			defer list[0].mu.Unlock()
			now = leader
			return now != nil && now.cmd != nil
		})
		return now
	}
	for round := range 6 {
		list[0].progress(200)
		victim := lead()
		if round%3 == 1 { // a follower
			for _, p := range list {
				if p != lead() {
					victim = p
				}
			}
		}
		began := time.Now()
		if round%3 == 2 {
			if err := victim.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			list[0].progress(200)
			t.Logf("went on %v after the leader was stopped", time.Since(began))
			if err := victim.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			continue
		}
		victim.kill()
		list[0].progress(200)
		t.Logf("went on %v after a kill", time.Since(began))
		victim.start()
	}
	for _, p := range list {
		p.kill()
	}
	c := reopen(t, list)
	c.leader().mustPropose("the end")
	checkAcked(t, list[0].acked, c.same())
}
