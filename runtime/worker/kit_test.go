package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// boss is a leader that does what the test says, and its only link.
type boss struct {
	mu      sync.Mutex
	hellos  []Hello
	session queue.Fence // zero: nobody leads
	link    *bossLink
	reports []Report
	beats   []Beat
	commit  time.Duration
	refuse  func(*Report) []queue.Fence
	later   func(*Report) []queue.Fence
	ended   bool
}

type bossLink struct {
	b      *boss
	a      Attached
	pushes chan Push
	seq    uint64
	cut    chan struct{}
}

var errCut = errors.New("cut")

func (b *boss) Attach(_ context.Context, h *Hello) (Link, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hellos = append(b.hellos, *h)
	if b.session.IsZero() {
		return nil, errors.New("nobody leads")
	}
	b.link = &bossLink{b: b, a: Attached{Session: b.session, Resumed: h.Session == b.session}, pushes: make(chan Push, 100), cut: make(chan struct{})}
	return b.link, nil
}

func (l *bossLink) Attached() Attached { return l.a }

func (l *bossLink) Recv(ctx context.Context) (Push, error) {
	select {
	case p := <-l.pushes:
		return p, nil
	case <-l.cut:
		return Push{}, errCut
	case <-ctx.Done():
		return Push{}, ctx.Err()
	}
}

func (l *bossLink) Beat(_ context.Context, b Beat) error {
	select {
	case <-l.cut:
		return errCut
	default:
	}
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.beats = append(l.b.beats, b)
	return nil
}

func (l *bossLink) Report(ctx context.Context, r *Report) (Answer, error) {
	l.b.mu.Lock()
	commit := l.b.commit
	l.b.mu.Unlock()
	select {
	case <-time.After(commit):
	case <-l.cut:
		return Answer{}, errCut
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.reports = append(l.b.reports, *r)
	var a Answer
	if l.b.refuse != nil {
		a.Refused = l.b.refuse(r)
	}
	if l.b.later != nil {
		a.Later = l.b.later(r)
	}
	return a, nil
}

func (l *bossLink) End(context.Context, []queue.Fence) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	l.b.ended = true
	return nil
}

func (l *bossLink) Close() {}

// push sends assignments n, n+1, … of the spec.
func (b *boss) push(list ...Assignment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link.seq++
	b.link.pushes <- Push{Seq: b.link.seq, Assignments: list}
}

func (b *boss) disconnect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.link.cut)
}

// results are all that was reported, in order.
func (b *boss) results() []Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []Result
	for _, r := range b.reports {
		all = append(all, r.Results...)
	}
	return all
}

func (b *boss) all() []Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Report(nil), b.reports...)
}

func (b *boss) last() Report {
	all := b.all()
	return all[len(all)-1]
}

func (b *boss) greetings() []Hello {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Hello(nil), b.hellos...)
}

// heard is the progress that beats have told, in order.
func (b *boss) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, beat := range b.beats {
		for _, x := range beat.Begun {
			if x.Progress != nil {
				all = append(all, string(x.Progress))
			}
		}
	}
	return all
}

func (b *boss) left() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

func (b *boss) handBacks() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.reports {
		n += len(r.HandBacks)
	}
	return n
}

var spec = func() *queue.Spec {
	s := queue.DefaultSpec("default", "mod", "main")
	return &s
}()

func assignment(n int, p queue.Payload) Assignment {
	return Assignment{Fence: queue.Fence{Index: uint64(n)}, ID: taskID(n), Spec: spec, Digest: "sha256:01", Attempt: 1, Payload: p.Append(nil)}
}

// stage is a host on which nothing happens by itself.
type stage struct {
	mu    sync.Mutex
	on    map[queue.ID]*played
	waits bool // nothing begins
}

type played struct {
	a    *host.Attempt
	done func(host.Result)
}

func (s *stage) Submit(a *host.Attempt, done func(host.Result)) {
	s.mu.Lock()
	s.on[a.ID] = &played{a, done}
	waits := s.waits
	s.mu.Unlock()
	if !waits {
		a.OnBegin(time.Now())
	}
}

func (s *stage) Kill(id queue.ID, why string) {
	s.end(id, host.Result{Began: true, Outcome: queue.Outcome{Error: &queue.Error{Type: why}}})
}

func (s *stage) Drop(id queue.ID) {
	s.mu.Lock()
	waits := s.waits
	s.mu.Unlock()
	if waits {
		s.end(id, host.Result{})
	}
}

func (s *stage) TakeBack(time.Duration) {}

// end lets an attempt end, if there is one.
func (s *stage) end(id queue.ID, r host.Result) {
	s.mu.Lock()
	p := s.on[id]
	delete(s.on, id)
	s.mu.Unlock()
	if p != nil {
		p.done(r)
	}
}

func taskID(n int) queue.ID { return queue.ID{15: byte(n), 14: byte(n >> 8)} }

func (s *stage) ok(n int, result string) {
	s.end(taskID(n), host.Result{Began: true, Outcome: queue.Outcome{OK: true, Result: []byte(result), Usage: queue.Usage{WallNanos: 1e6}}})
}

// tell has an attempt report its progress.
func (s *stage) tell(n int, progress string) {
	s.mu.Lock()
	p := s.on[taskID(n)]
	s.mu.Unlock()
	p.a.OnProgress([]byte(progress))
}

func (s *stage) input(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.on[taskID(n)]; p != nil {
		return string(p.a.Input)
	}
	return ""
}

// depot has modules and blobs that take a second to come.
type depot struct {
	mu      sync.Mutex
	local   bool
	missing bool
	blobs   map[string][]byte
}

const slowness = time.Second

func (d *depot) Local(digest string) (host.Module, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return host.Module{Digest: digest, Kind: host.KindCommand}, d.local
}

func (d *depot) Fetch(ctx context.Context, digest string) (host.Module, error) {
	select {
	case <-time.After(slowness):
	case <-ctx.Done():
		return host.Module{}, ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missing {
		return host.Module{}, errors.New("nobody has it")
	}
	return host.Module{Digest: digest, Kind: host.KindCommand}, nil
}

func (d *depot) Get(_ context.Context, digest string) ([]byte, error) {
	pass(slowness)
	d.mu.Lock()
	defer d.mu.Unlock()
	if b, ok := d.blobs[digest]; ok {
		return b, nil
	}
	return nil, errors.New("nobody has it")
}

func (d *depot) Put(_ context.Context, b []byte) (string, error) {
	pass(slowness)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missing {
		return "", errors.New("no room")
	}
	digest := fmt.Sprintf("sha256:%064d", len(d.blobs))
	d.blobs[digest] = b
	return digest, nil
}

func (d *depot) blob(digest string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.blobs[digest])
}

// pass lets time pass; in a synctest bubble it costs none.
func pass(d time.Duration) { <-time.After(d) }

// play is a worker and all that it works with.
type play struct {
	*boss
	*stage
	*depot
	w *Worker
}

// set changes what the others look at.
func (p *play) set(change func()) {
	p.boss.mu.Lock()
	defer p.boss.mu.Unlock()
	p.depot.mu.Lock()
	defer p.depot.mu.Unlock()
	change()
}

// playing runs a test with a worker that has attached.
func playing(t *testing.T, test func(t *testing.T, p *play)) {
	synctest.Test(t, func(t *testing.T) {
		p := &play{
			boss:  &boss{session: queue.Fence{Index: 1}, commit: time.Millisecond},
			stage: &stage{on: map[queue.ID]*played{}},
			depot: &depot{local: true, blobs: map[string][]byte{}},
		}
		p.w = New(Config{Name: "w", Incarnation: 7, Concurrency: 4, Cores: 2, Leader: p.boss, Host: p.stage,
			Modules: p.depot, Blobs: p.depot, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = p.w.Run(ctx)
		}()
		pass(100 * time.Millisecond)
		test(t, p)
		cancel()
		<-done
	})
}
