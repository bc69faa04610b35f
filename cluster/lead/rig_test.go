package lead_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
	"github.com/windrow-dev/windrow/runtime/worker"
)

// records is a state.Sink in memory, and the payloads that the leader reads.
type records struct {
	fault func(queue.ID) error // of a payload; nil: none
	mu    sync.Mutex
	m     map[string][]byte
}

func (r *records) Put(k, v []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.m[string(k)] = append([]byte(nil), v...)
}

func (r *records) Delete(k []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, string(k))
}

func (r *records) Expire(uint16, int64, queue.ID, uint32) {}

func (r *records) ExpireRun(uint16, int64, queue.ID, uint32) {}

func (r *records) get(k []byte) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.m[string(k)]
	return v, ok
}

func (r *records) Payload(id queue.ID) ([]byte, error) {
	if r.fault != nil {
		if err := r.fault(id); err != nil {
			return nil, err
		}
	}
	if v, ok := r.get(state.InputKey(0, id)); ok {
		return v, nil
	}
	return (&queue.Payload{}).Append(nil), nil // a run's: its graph's part is not read here
}

// cluster is a machine with a log but no Raft: whoever leads applies at once,
// after the time that a commit takes.
type cluster struct {
	t      testing.TB
	commit time.Duration

	mu      sync.Mutex // held while an entry is committed and applied
	machine *state.Machine
	records *records
	index   uint64
	entries []string // what the log holds, one a command
	after   func(state.Applied)
	runs    runs
	kids    compiler
	sender  lead.Sender
	loses   func() bool // a proposal's answer, half of those before it was applied
	leader  *lead.Leader
	stop    context.CancelFunc
	done    chan struct{}
}

func newCluster(t testing.TB) *cluster {
	c := &cluster{t: t, records: &records{m: map[string][]byte{}}, commit: 300 * time.Microsecond}
	c.runs.records = c.records
	c.machine = state.New(0, c.records)
	if _, err := c.Propose(context.Background(), &command.PutDocument{Kind: command.KindModule, Namespace: "default", Name: "mod",
		Digest: "sha256:00", Attributes: command.Attributes{Tasks: []string{"main"}}}); err != nil {
		t.Fatal(err)
	}
	c.entries = nil
	return c
}

func now() int64 { return time.Now().UnixNano() }

// lead lets another leader take over.
func (c *cluster) lead() *lead.Leader {
	c.depose()
	l := lead.New(lead.Config{Machine: c.machine, Proposer: c, Payloads: c.records, Children: &c.kids, Runs: &c.runs, Values: &c.runs, Outboxes: c, Sender: c.sender, Now: now, Logger: logger(c.t)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	c.mu.Lock()
	c.leader, c.stop, c.done = l, cancel, done
	c.mu.Unlock()
	go func() {
		defer close(done)
		_ = l.Run(ctx, 1)
	}()
	return l
}

func (c *cluster) depose() {
	c.mu.Lock()
	stop, done := c.stop, c.done
	c.leader, c.stop = nil, nil
	c.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// Propose implements lead.Proposer. Each call is an entry of its own.
func (c *cluster) Propose(ctx context.Context, cmds ...command.Command) ([]command.Result, error) {
	pass(c.commit)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lost := c.loses != nil && c.loses()
	if lost && c.loses() {
		return nil, errors.New("never applied")
	}
	b := command.AppendBatch(nil, now(), len(cmds))
	for _, x := range cmds {
		b = command.AppendCommand(b, command.Encode(0, x))
		c.entries = append(c.entries, fmt.Sprintf("%T", x))
	}
	c.index++
	a := c.machine.Apply(c.index, b)
	if c.after != nil {
		c.after(a)
	}
	if c.leader != nil {
		c.leader.Applied(&a.Effects)
	}
	if lost {
		return nil, errors.New("applied, but nobody heard of it")
	}
	return a.Results, nil
}

// Attach implements link.Attacher: it finds the leader of the moment.
func (c *cluster) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	c.mu.Lock()
	l := c.leader
	c.mu.Unlock()
	if l == nil {
		return nil, link.ErrNotLeader
	}
	return l.Attach(ctx, h)
}

func (c *cluster) log() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.entries...)
}

func (c *cluster) submit(n int, change func(*queue.Spec, *command.Call)) queue.ID {
	c.t.Helper()
	spec := queue.DefaultSpec("default", "mod", "main")
	call := command.Call{ID: taskID(n), Payload: (&queue.Payload{Input: fmt.Appendf(nil, "%d", n)}).Append(nil)}
	if change != nil {
		change(&spec, &call)
	}
	r, err := c.Propose(context.Background(), &command.Submit{Namespace: "default",
		Calls: command.Calls{Specs: []queue.Spec{spec}, List: []command.Call{call}}})
	if err != nil || r[0].Code != command.OK {
		c.t.Fatalf("submit: %+v %v", r, err)
	}
	return call.ID
}

func taskID(n int) queue.ID {
	return queue.ID{0, 0, 0, 0, 0, 1, 0x70, 0, 0x80, 14: byte(n >> 8), 15: byte(n)}
}

// ended is how a task ended, if it has.
func (c *cluster) ended(id queue.ID) (queue.View, string, bool) {
	b, ok := c.records.get(state.FinishedKey(0, id))
	if !ok {
		return queue.View{}, "", false
	}
	v, result, err := state.DecodeTask(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return v, string(result), true
}

// await waits for a task's end.
func (c *cluster) await(id queue.ID) (queue.View, string) {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); pass(time.Millisecond) {
		if v, r, ok := c.ended(id); ok {
			return v, r
		}
	}
	v, ok := c.machine.Task(id)
	c.t.Fatalf("task %s has not ended: %+v %v", id, v, ok)
	return queue.View{}, ""
}

// pass lets time pass; in a synctest bubble it costs none.
func pass(d time.Duration) { <-time.After(d) }

func logger(testing.TB) *slog.Logger { return slog.New(slog.DiscardHandler) }

// sandboxes is a host in which an attempt takes as long as its input says in
// microseconds, and gives its input back. Its rules are the real host's.
type sandboxes struct {
	concurrency int
	handBack    time.Duration
	witness     *witness // nil: nobody looks

	mu      sync.Mutex
	waiting []*attempt
	running map[*attempt]bool
	looks   bool
	begun   map[queue.ID]int
	work    sync.WaitGroup
}

type attempt struct {
	a     *host.Attempt
	done  func(host.Result)
	since time.Time
	began time.Time
	kill  chan string
}

func newSandboxes(concurrency int) *sandboxes {
	return &sandboxes{concurrency: concurrency, handBack: 10 * time.Millisecond, running: map[*attempt]bool{}, begun: map[queue.ID]int{}}
}

func (s *sandboxes) Submit(a *host.Attempt, done func(host.Result)) {
	s.mu.Lock()
	s.waiting = append(s.waiting, &attempt{a: a, done: done, since: time.Now(), kill: make(chan string, 1)})
	s.feed()
	s.lookSoon()
	s.mu.Unlock()
}

// lookSoon looks every few milliseconds at what waits, while anything does.
func (s *sandboxes) lookSoon() {
	if len(s.waiting) == 0 || s.looks {
		return
	}
	s.looks = true
	time.AfterFunc(5*time.Millisecond, func() {
		s.tooSlow()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.looks = false
		s.lookSoon()
	})
}

func (s *sandboxes) feed() {
	for len(s.waiting) > 0 && len(s.running) < s.concurrency {
		x := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.running[x] = true
		s.begun[x.a.ID]++
		x.began = time.Now()
		if s.witness != nil {
			s.witness.began(x.a.ID)
		}
		s.work.Go(func() { s.run(x) })
	}
}

func (s *sandboxes) run(x *attempt) {
	var n int
	_, _ = fmt.Sscan(string(x.a.Input), &n)
	x.a.OnBegin(x.began)
	end := time.NewTimer(time.Duration(n) * time.Microsecond)
	defer end.Stop()
	r := host.Result{Began: true}
	for ended := false; !ended; {
		select {
		case <-end.C:
			r.Outcome = queue.Outcome{OK: true, Result: x.a.Input}
			ended = true
		case why := <-x.kill:
			r.Outcome = queue.Outcome{Error: &queue.Error{Type: why}}
			ended = true
		}
	}
	r.Outcome.Started, r.Outcome.Finished = x.began.UnixNano(), time.Now().UnixNano()
	r.Outcome.Usage.WallNanos = int64(time.Since(x.began))
	if s.witness != nil {
		s.witness.stopped(x.a.ID)
	}
	s.mu.Lock()
	delete(s.running, x)
	s.feed()
	s.mu.Unlock()
	x.done(r)
}

// tooSlow hands back what waits while all that run are slow.
func (s *sandboxes) tooSlow() {
	s.mu.Lock()
	for x := range s.running {
		if time.Since(x.began) < s.handBack {
			s.mu.Unlock()
			return
		}
	}
	s.mu.Unlock()
	s.TakeBack(s.handBack)
}

func (s *sandboxes) TakeBack(older time.Duration) {
	s.mu.Lock()
	var back, keep []*attempt
	for _, x := range s.waiting {
		if time.Since(x.since) >= older {
			back = append(back, x)
		} else {
			keep = append(keep, x)
		}
	}
	s.waiting = keep
	s.mu.Unlock()
	for _, x := range back {
		x.done(host.Result{})
	}
}

func (s *sandboxes) Drop(id queue.ID) {
	s.mu.Lock()
	i := slices.IndexFunc(s.waiting, func(x *attempt) bool { return x.a.ID == id })
	if i < 0 {
		s.mu.Unlock()
		return
	}
	x := s.waiting[i]
	s.waiting = slices.Delete(s.waiting, i, i+1)
	s.mu.Unlock()
	x.done(host.Result{})
}

func (s *sandboxes) Kill(id queue.ID, why string) {
	s.mu.Lock()
	var dropped, keep []*attempt
	for _, x := range s.waiting {
		if x.a.ID == id {
			dropped = append(dropped, x)
		} else {
			keep = append(keep, x)
		}
	}
	s.waiting = keep
	for x := range s.running {
		if x.a.ID == id {
			select {
			case x.kill <- why:
			default:
			}
		}
	}
	s.mu.Unlock()
	for _, x := range dropped {
		x.done(host.Result{Outcome: queue.Outcome{Error: &queue.Error{Type: why}}})
	}
}

func (s *sandboxes) alive() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)
}

// atHand has every module and no blob.
type atHand struct{}

func (atHand) Local(digest string) (host.Module, bool) {
	return host.Module{Digest: digest, Kind: host.KindCommand}, true
}

func (atHand) Fetch(context.Context, string) (host.Module, error) {
	return host.Module{}, errors.New("not here")
}

func (atHand) Get(context.Context, string) ([]byte, error) { return nil, errors.New("not here") }

func (atHand) Put(context.Context, []byte) (string, error) { return "", errors.New("not here") }

// node is a worker with its sandboxes.
type node struct {
	*worker.Worker
	host *sandboxes
	kill context.CancelFunc
	done chan struct{}
}

func startWorker(t testing.TB, name string, incarnation uint64, a link.Attacher, h *sandboxes) *node {
	n := &node{host: h, done: make(chan struct{})}
	n.Worker = worker.New(worker.Config{Name: name, Incarnation: incarnation, Concurrency: h.concurrency, Cores: 2,
		Leader: leaderFor{a}, Host: h, Modules: atHand{}, Blobs: atHand{}, Logger: logger(t)})
	ctx, cancel := context.WithCancel(context.Background())
	n.kill = cancel
	go func() {
		defer close(n.done)
		_ = n.Run(ctx)
	}()
	return n
}

// crash ends the worker as a killed process would end.
func (n *node) crash() {
	n.kill()
	<-n.done
	n.host.work.Wait()
}
