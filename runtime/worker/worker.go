package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// Times of a session. The leader ends one five seconds after the last beat it
// heard; a worker stops its sandboxes a second before that can be.
const (
	beatEvery  = 500 * time.Millisecond
	beatWithin = 2 * time.Second // an answer takes no longer on a living link
	fenceAfter = 4 * time.Second // since the last answered beat was sent
)

// Config says what a worker is and works with. All of it is required, but for
// Queues, Labels and Cores.
type Config struct {
	Name string
	// Incarnation must be higher than that of any earlier process of this
	// name; later sessions of this process count up from it.
	Incarnation    uint64
	Queues, Labels []string
	Concurrency    int // attempts begun at once
	Cores          int // that they share; default all
	Leader         Leader
	Host           Host
	Modules        Modules
	Blobs          Blobs
	Logs           Logs  // nil: nobody follows
	MaxLog         int64 // bytes of an attempt's log that are kept; 0 is the host's default
	MaxResult      int64 // bytes of a result, as JSON; 0 is the host's default
	Logger         *slog.Logger
}

// Worker runs what the leader assigns to it.
type Worker struct {
	cfg Config
	log *slog.Logger

	work    chan struct{}   // there is something to report
	fresh   chan struct{}   // the beat should look at what has begun
	renewed chan struct{}   // the guard should look at the time again
	quiet   chan struct{}   // a report of a worker that leaves has been answered
	empty   chan struct{}   // closed: the worker leaves and owes nothing
	leave   chan struct{}   // closed: end the session
	stopped chan struct{}   // closed: Run has returned
	slow    sync.WaitGroup  // preparations and results that take long
	ctx     context.Context // of Run

	mu          sync.Mutex
	tenure      *tenure
	incarnation uint64
	limitSeq    uint64
	credit      credit
	trials      trials
	answered    time.Time // when the last answered beat was sent
	drowsy      bool      // the beat sleeps long
	draining    bool
	cancel      context.CancelFunc
}

// New makes a worker; Run makes it work.
func New(cfg Config) *Worker {
	if cfg.Cores <= 0 {
		cfg.Cores = runtime.NumCPU()
	}
	w := &Worker{
		cfg: cfg, log: cfg.Logger, incarnation: cfg.Incarnation, credit: newCredit(cfg.Concurrency, cfg.Cores),
		trials: trials{of: map[queue.ID]*trial{}},
		work:   make(chan struct{}, 1), fresh: make(chan struct{}, 1), renewed: make(chan struct{}, 1),
		quiet: make(chan struct{}, 1), empty: make(chan struct{}), leave: make(chan struct{}), stopped: make(chan struct{}),
	}
	w.tenure = newTenure(queue.Fence{})
	return w
}

// errLeft says that the session has been ended in good order.
var errLeft = errors.New("the worker has left")

// Run works until ctx ends or Drain is done. What has not been answered for
// when ctx ends is killed and left to the leader to find out.
func (w *Worker) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer close(w.stopped)
	defer cancel()
	w.mu.Lock()
	w.ctx, w.cancel = ctx, cancel
	left := w.draining
	w.mu.Unlock()
	if left {
		return nil
	}
	var guard sync.WaitGroup
	guard.Go(func() { w.guard(ctx) })
	err := w.run(ctx)
	cancel()
	guard.Wait()
	w.abandon(nil, 0)
	w.slow.Wait()
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

// run attaches to the leader again and again.
func (w *Worker) run(ctx context.Context) error {
	var pause backoff
	for {
		link, err := w.attach(ctx)
		if err == nil {
			since := time.Now()
			err = w.serve(ctx, link)
			pause.lasted(time.Since(since))
		}
		if errors.Is(err, errLeft) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.log.Debug("no link to the leader", "error", err)
		if err := pause.wait(ctx); err != nil {
			return err
		}
	}
}

// Drain takes no new work, hands back what has not begun, and lets what runs
// end until ctx is done; what is left then is killed. It ends the session, and
// Run returns.
func (w *Worker) Drain(ctx context.Context) error {
	w.mu.Lock()
	if w.draining {
		w.mu.Unlock()
		<-w.stopped
		return nil
	}
	w.draining = true
	w.credit.none = true
	started := w.cancel != nil
	w.settled()
	w.mu.Unlock()
	if !started {
		return nil
	}
	w.cfg.Host.TakeBack(0)
	signal(w.work)
	var err error
	select {
	case <-w.empty:
	case <-w.stopped:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
		w.killLost()
	}
	close(w.leave)
	patience := time.NewTimer(leaveWithin)
	defer patience.Stop()
	select {
	case <-w.stopped:
	case <-patience.C:
		w.cancel()
		<-w.stopped
	}
	return err
}

// leaveWithin is how long the end of the session may take; without it the
// leader finds out by itself.
const leaveWithin = 3 * time.Second

// backoff paces the tries to find the leader.
type backoff struct{ next time.Duration }

const (
	firstTry = 10 * time.Millisecond
	lastTry  = 250 * time.Millisecond
)

// lasted begins anew after a link that was good for something. One that ends
// at once may be another process of this name, each ending the other's session.
func (b *backoff) lasted(d time.Duration) {
	if d >= time.Second {
		b.next = 0
	}
}

func (b *backoff) wait(ctx context.Context) error {
	b.next = min(max(2*b.next, firstTry), lastTry)
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// signal leaves one token in a channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
