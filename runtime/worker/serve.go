package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// attach says hello. It goes on with the session if that still lives, and
// otherwise drops what it entrusted to us.
func (w *Worker) attach(ctx context.Context) (Link, error) {
	sent := time.Now()
	w.mu.Lock()
	t := w.tenure
	h := &Hello{Worker: w.cfg.Name, Incarnation: w.incarnation, Queues: w.cfg.Queues, Labels: w.cfg.Labels,
		Session: t.id, Held: t.held()}
	w.mu.Unlock()
	link, err := w.cfg.Leader.Attach(ctx, h)
	if err != nil {
		return nil, err
	}
	a := link.Attached()
	if !a.Resumed {
		w.abandon(newTenure(a.Session), h.Incarnation)
		w.log.Info("opened a session", "session", a.Session.String())
	}
	w.mu.Lock()
	w.answered = sent
	w.mu.Unlock()
	signal(w.renewed)
	return link, nil
}

// abandon goes over to another tenure, and kills what runs of the present one.
// The incarnation is set back to the one that was asked for, if the guard has
// asked for another while the answer was on its way: a session must never be
// ended by its own worker's hello while its sandboxes run.
func (w *Worker) abandon(next *tenure, incarnation uint64) {
	w.mu.Lock()
	old := w.tenure
	if next != nil {
		w.tenure, w.incarnation = next, incarnation
		old.over()
		w.credit.asked = false
	}
	ids := old.lose()
	w.mu.Unlock()
	for _, id := range ids {
		w.cfg.Host.Kill(id, queue.ErrWorkerLost)
	}
}

// lose gives up all jobs that have not ended, and lists those to be killed.
func (t *tenure) lose() []queue.ID {
	t.lost = true
	var ids []queue.ID
	now := time.Now().UnixNano()
	for _, j := range t.jobs {
		if j.phase == handed {
			if j.beganAt == 0 {
				j.beganAt = now // or so: it may begin before the kill arrives
			}
			ids = j.stop(ids, queue.ErrWorkerLost)
			t.handed--
		}
		if j.phase == handed || j.phase == preparing {
			j.phase = lost
		}
	}
	return ids
}

// line is a link in use.
type line struct {
	Link
	seq  atomic.Uint64 // of the last push
	once sync.Once
	err  error
	end  context.CancelFunc
	// leaving says that the session is being ended, which ends the link: only
	// the outcome of that counts.
	leaving atomic.Bool
}

// fail ends the line; the first reason holds.
func (l *line) fail(err error) {
	if l.leaving.Load() && !errors.Is(err, errLeft) {
		return
	}
	l.once.Do(func() {
		l.err = err
		l.end()
	})
}

// serve works over a link until it fails.
func (w *Worker) serve(ctx context.Context, link Link) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer link.Close()
	l := &line{Link: link, end: cancel}
	w.mu.Lock()
	t := w.tenure
	t.retell()
	w.mu.Unlock()
	var work sync.WaitGroup
	for range reporters {
		work.Go(func() { l.fail(w.report(ctx, l, t)) })
	}
	work.Go(func() { l.fail(w.receive(ctx, l, t)) })
	work.Go(func() { l.fail(w.beat(ctx, l, t)) })
	work.Go(func() { l.fail(w.end(ctx, l, t)) })
	signal(w.work)
	<-ctx.Done()
	l.fail(context.Cause(ctx))
	work.Wait()
	w.renew(t)
	return l.err
}

// receive takes the pushes. A gap in their numbers is a broken link.
func (w *Worker) receive(ctx context.Context, l *line, t *tenure) error {
	for {
		p, err := l.Recv(ctx)
		if err != nil {
			return err
		}
		if want := l.seq.Load() + 1; p.Seq != want {
			return fmt.Errorf("push %d came in the place of %d", p.Seq, want)
		}
		l.seq.Store(p.Seq)
		w.take(t, &p)
	}
}

// beat gives signs of life, sooner when something has begun.
func (w *Worker) beat(ctx context.Context, l *line, t *tenure) error {
	last := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.fresh:
		case <-timer.C:
		}
		now := time.Now()
		w.mu.Lock()
		due := now.Sub(last) >= beatEvery || t.untold() || now.Sub(last) >= progressEvery && t.unheard()
		b := Beat{Seq: l.seq.Load()}
		if due {
			b.Begun = t.running()
		}
		w.credit.relax(now, t.handed)
		_, _, changed := w.credit.want()
		w.mu.Unlock()
		if changed {
			signal(w.work)
		}
		if due {
			if err := w.beatOnce(ctx, l, b); err != nil {
				return err
			}
			last = now
		}
		timer.Reset(w.nextBeat(t, last))
	}
}

// soon is how often the worker looks for what has begun while it has any.
const soon = 50 * time.Millisecond

// nextBeat is how long to sleep until a beat may be due.
func (w *Worker) nextBeat(t *tenure, last time.Time) time.Duration {
	left := max(time.Until(last.Add(beatEvery)), 0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drowsy = t.handed == 0
	if w.drowsy {
		return left
	}
	return min(left, soon)
}

func (w *Worker) beatOnce(ctx context.Context, l *line, b Beat) error {
	sent := time.Now()
	limited, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	if err := l.Beat(limited, b); err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent.After(w.answered) {
		w.answered = sent
	}
	return nil
}

// end ends the session when the worker leaves, once what had ended is
// reported.
func (w *Worker) end(ctx context.Context, l *line, t *tenure) error {
	select {
	case <-w.leave:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for !w.reported(t) {
		select {
		case <-w.quiet:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	l.leaving.Store(true)
	err := l.End(ctx, w.unanswered(t))
	if err != nil {
		l.leaving.Store(false)
		return fmt.Errorf("end the session: %w", err)
	}
	return errLeft
}

func (w *Worker) reported(t *tenure) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.owes() == 0
}

// unanswered lists what had begun and will not be answered for.
func (w *Worker) unanswered(t *tenure) []queue.Fence {
	w.mu.Lock()
	defer w.mu.Unlock()
	var begun []queue.Fence
	for _, j := range t.jobs {
		if j.begun() {
			begun = append(begun, j.fence)
		}
	}
	return begun
}
