package sandbox

import (
	"io"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// answers collects what the child has to say and sends it in frames: when the
// orders at hand are done, when enough has gathered, or after a millisecond.
// The timer may come late while a guest computes, for its thread is not
// Go's to interrupt; so a burst of short attempts is sent before one of
// unknown length begins if the oldest answer has waited for staleAfter.
type answers struct {
	mu    sync.Mutex
	w     io.Writer
	buf   []byte
	n     int
	since time.Time // when the oldest unsent answer was added
	timer *time.Timer
	armed bool
	err   error

	progress     frame.Chunk // the newest, not yet sent
	progressSent time.Time
}

const (
	flushAfter = time.Millisecond
	staleAfter = 200 * time.Microsecond
	// progressEvery is the shortest time between two reports of progress.
	progressEvery = 100 * time.Millisecond
)

func newAnswers(w io.Writer) *answers {
	a := &answers{w: w}
	a.buf = frame.Begin(make([]byte, 0, 64<<10), frame.KindAnswers)
	a.timer = time.AfterFunc(time.Hour, a.tick)
	a.timer.Stop()
	return a
}

// result adds the end of an attempt. now is about the time.
func (a *answers) result(r *frame.Result, now time.Time, flush bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.progress.Data != nil {
		a.addProgress() // the last one is kept, however soon it came
	}
	a.room(r.Size())
	a.buf = r.Append(a.buf)
	a.added(now)
	// The parent lets a long one wait, and must not take the wait for the next
	// attempt's time.
	if flush || len(a.buf) > frame.SoftFrame || now.Sub(a.since) > staleAfter {
		a.send()
	}
}

// chunk adds a piece of a log.
func (a *answers) chunk(seq uint64, p []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(p) > 0 {
		c := frame.Chunk{Seq: seq, Data: p[:min(len(p), frame.MaxChunk)]}
		a.room(len(c.Data) + 16)
		a.buf = c.AppendLog(a.buf)
		a.added(time.Now())
		p = p[len(c.Data):]
	}
}

// report adds progress, or keeps it until the last report is old enough.
func (a *answers) report(seq uint64, p []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.progress = frame.Chunk{Seq: seq, Data: append([]byte(nil), p...)}
	if wait := progressEvery - time.Since(a.progressSent); wait > 0 {
		if !a.armed {
			a.armed = true
			a.timer.Reset(wait)
		}
		return
	}
	a.addProgress()
}

func (a *answers) addProgress() {
	a.room(len(a.progress.Data) + 16)
	a.buf = a.progress.AppendProgress(a.buf)
	now := time.Now()
	a.progress, a.progressSent = frame.Chunk{}, now
	a.added(now)
}

// flush sends what has gathered.
func (a *answers) flush() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.send()
	return a.err
}

// say sends a frame of its own.
func (a *answers) say(k frame.Kind, body func([]byte) []byte) error {
	_, err := a.w.Write(frame.End(body(frame.Begin(nil, k))))
	return err
}

// tick is the timer's. It runs with no lock held.
func (a *answers) tick() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = false
	if a.progress.Data != nil && time.Since(a.progressSent) >= progressEvery {
		a.addProgress()
	}
	a.send()
	if a.progress.Data != nil {
		a.armed = true
		a.timer.Reset(max(flushAfter, progressEvery-time.Since(a.progressSent)))
	}
}

// added notes that an answer was appended. The caller holds the lock.
func (a *answers) added(now time.Time) {
	if a.n++; a.n > 1 {
		return
	}
	a.since = now
	a.armed = true
	a.timer.Reset(flushAfter)
}

// room sends first what would make the frame too long. The caller holds the
// lock.
func (a *answers) room(n int) {
	if a.n > 0 && (len(a.buf)+n > frame.SoftFrame || a.n == frame.MaxAnswers) {
		a.send()
	}
}

// send writes the frame. The caller holds the lock. The timer is left to run
// out: it finds nothing to do, or the next frame a little early.
func (a *answers) send() {
	if a.n == 0 {
		return
	}
	if a.err == nil {
		_, a.err = a.w.Write(frame.End(a.buf))
	}
	if cap(a.buf) > 4*frame.SoftFrame {
		a.buf = nil
	}
	a.buf, a.n = frame.Begin(a.buf, frame.KindAnswers), 0
}
