package store

import "time"

// This file is how a generation changes hands: filled by the holder of the
// turn, cut, written by the flusher, retired.

// publish moves what the turn's holder has written into the open generation,
// together with the change to it; it reports whether the generation held no
// entry before and does now.
func (s *Store) publish(change func(*generation)) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.open
	for _, r := range s.pending {
		g.add(r)
	}
	g.expiries = append(g.expiries, s.expiring...)
	g.bytes += len(s.expiring) * recordCost
	was := g.opened.IsZero()
	if change != nil {
		change(g)
	}
	clear(s.pending)
	s.pending, s.expiring = s.pending[:0], s.expiring[:0]
	return was && !g.opened.IsZero()
}

// due reports whether a checkpoint should begin; for the turn's holder.
func (s *Store) due() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.flight != nil || s.open.opened.IsZero() {
		return false
	}
	return s.large() || s.opt.now().Sub(s.open.opened) >= s.opt.Window
}

// large reports whether the open generation need not wait for its window; with
// mu held.
func (s *Store) large() bool { return s.open.bytes+int(s.dirty.Load()) >= s.opt.MaxBytes }

// pressed reports whether the applying goroutine must wait for the disk: where
// too much is held, or the next checkpoint would not fit one transaction.
func (s *Store) pressed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.flight == nil {
		return false
	}
	next := s.open.bytes + int(s.dirty.Load())
	return s.flight.bytes+next > 2*s.opt.MaxBytes || int64(next) > s.db.MaxBatchSize()*3/4
}

// cut hands the open generation to the flusher, unless it is empty or another
// one is in flight; for the turn's holder.
func (s *Store) cut() {
	s.mu.RLock()
	idle := s.flight == nil && !s.open.opened.IsZero()
	s.mu.RUnlock()
	if !idle {
		return
	}
	if s.opt.Cut != nil {
		s.opt.Cut()
	}
	s.dirty.Store(0)
	next := newGeneration(len(s.open.records) + len(s.pending)) // the turn's holder alone changes s.open
	s.publish(func(g *generation) { s.flight, s.open = g, next })
	s.slot <- s.flight // empty while nothing is in flight
}

// inFlight gives the channel that closes when the checkpoint in flight ends.
func (s *Store) inFlight() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.flight == nil {
		return nil
	}
	return s.flight.done
}

// flusher writes generations, one at a time, and cuts the open one when its
// window passes with no entry that would. It takes the turn for that, but
// never waits for it alone: its holder may wait for a checkpoint to end.
func (s *Store) flusher() {
	defer close(s.stopped)
	timer := time.NewTimer(s.opt.Window)
	defer timer.Stop()
	var turn chan<- struct{}
	for {
		if turn == nil {
			if d, ok := s.nextWork(); ok {
				timer.Reset(d)
			} else {
				timer.Stop()
			}
		}
		select {
		case g := <-s.slot:
			if !s.flush(g) {
				return
			}
		case <-s.wake:
		case <-timer.C:
			turn = s.turn
		case turn <- struct{}{}:
			turn = nil
			if s.due() {
				s.cut()
			}
			s.endTurn()
			if s.tidyDue() && !s.tidy() {
				return
			}
		case <-s.quit:
			return
		}
	}
}

// nextWork is how long until the flusher has to act by itself; an idle store
// has no timer.
func (s *Store) nextWork() (time.Duration, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.flight != nil {
		return 0, false
	}
	if s.open.opened.IsZero() {
		return s.opt.Window, s.sweepDue(s.last.time)
	}
	if s.large() {
		return 0, true
	}
	return max(s.open.opened.Add(s.opt.Window).Sub(s.opt.now()), 0), true
}

// tidyDue reports whether what has expired is left over with no generation to
// go along.
func (s *Store) tidyDue() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.flight == nil && s.open.opened.IsZero() && s.sweepDue(s.last.time)
}

// retire ends a checkpoint that is on disk.
func (s *Store) retire(g *generation, version uint64) {
	s.mu.Lock()
	s.flight, s.version = nil, version
	s.mu.Unlock()
	s.durable.Store(g.index)
	close(g.done)
	signal(s.retired)
	s.db.SetDiscardTs(s.readers.oldest(version))
}
