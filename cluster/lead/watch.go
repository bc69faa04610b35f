package lead

import (
	"context"
	"errors"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead/link"
)

// watch holds the sessions of silent workers, lets go of those that are back,
// and ends those that stay away. It sleeps until one of them may be due.
func (t *term) watch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	planned := time.Now()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.wake:
		case <-timer.C:
		}
		now := time.Now()
		t.excuse(planned, now)
		if t.takeUnknown() {
			t.learn(now)
		}
		next, some := t.judge(now)
		if planned = now.Add(time.Hour); some {
			planned = next
		}
		timer.Reset(planned.Sub(now))
	}
}

// excuse lets all silence begin anew after this process itself has stood
// still: the workers may have spoken all the time. To wait longer is always
// safe.
func (t *term) excuse(planned, now time.Time) {
	if now.Sub(planned) < holdAfter/2 {
		return
	}
	t.log.Warn("this process stood still", "for", now.Sub(planned))
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sessions {
		s.heard = now
		if s.conn != nil {
			s.conn.excuse(now)
		}
	}
}

func (t *term) takeUnknown() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.unknown
	t.unknown = false
	return was
}

// judge begins what is due for each session and says when to look again.
func (t *term) judge(now time.Time) (next time.Time, some bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.sessions {
		if s.acting {
			continue // its end wakes the watch
		}
		at := t.judgeOne(s, now)
		if !s.acting && (!some || at.Before(next)) {
			next, some = at, true
		}
	}
	return next, some
}

// judgeOne begins what is due for a session, and says when it may next be due.
func (t *term) judgeOne(s *session, now time.Time) time.Time {
	owes := s.owes()
	// One that was held already stays so until its worker is there.
	silent := now.Sub(owes) >= holdAfter || s.held && s.conn == nil
	if s.conn != nil && now.Sub(owes) >= endAfter && now.Sub(s.heard) < endAfter {
		s.detach(link.ErrSilent) // it lives, but nothing reaches it: let it attach anew
		owes = s.heard
	}
	lost := now.Sub(s.heard) >= endAfter
	switch {
	case (lost || silent != s.held) && now.Before(s.retryAt):
		return s.retryAt
	case lost:
		s.ending = true
		t.act(s, &command.EndSession{Session: s.id, Begun: s.begunFences(), Reason: "the worker was silent"})
	case silent != s.held:
		t.act(s, &command.HoldSession{Session: s.id, Hold: silent})
	case !silent:
		return owes.Add(holdAfter)
	}
	if d := owes.Add(endAfter); d.After(now) {
		return d
	}
	return s.heard.Add(endAfter)
}

// act proposes a hold or an end. The mutex is held.
func (t *term) act(s *session, c command.Command) {
	s.acting = true
	t.work.Go(func() {
		ctx, cancel := context.WithTimeout(t.ctx, endAfter)
		defer cancel()
		_, err := t.propose(ctx, c)
		t.mu.Lock()
		defer t.mu.Unlock()
		defer t.look()
		s.acting = false
		switch c := c.(type) {
		case *command.HoldSession:
			if err == nil {
				s.held = c.Hold
				t.log.Info("hold a worker's session", "worker", s.worker, "session", s.id.String(), "hold", c.Hold)
			}
		case *command.EndSession:
			s.ending = err == nil // else its worker may come back
			if err == nil {
				t.log.Warn("ended a worker's session", "worker", s.worker, "session", s.id.String(), "reason", c.Reason, "begun", len(c.Begun))
			}
		}
		switch {
		case errors.Is(err, link.ErrEnded):
			t.forget(s.id)
		case err != nil:
			t.log.Debug("propose for a worker's session", "session", s.id.String(), "error", err)
			s.retryAt = time.Now().Add(retryAfter)
		}
	})
}
