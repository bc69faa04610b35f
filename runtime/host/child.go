package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// job is an attempt on its way through the host. The loop owns it.
type job struct {
	a        *Attempt
	done     func(Result)
	describe bool
	since    int64 // when it was submitted
}

// child is a run child as the loop sees it. All fields but those of the
// reader and the writer are the loop's.
type child struct {
	*proc
	m      *module
	memory int64 // limit of the attempts it may be given

	ready    bool
	started  int64 // when it was started
	idle     int64 // when it last had nothing to do
	resident int64 // bytes it held when last looked at; 0 before

	// sent holds what was sent and not answered, in order; its first has the
	// number first. A job that was called back leaves a nil.
	sent  []*job
	first uint64
	live  int // jobs in sent that are not nil
	// recalled is the last number called back.
	recalled uint64

	// began and beganAt are what the child's page said of the attempt that
	// runs, when it said so first; a later change of mind is not heard.
	began   uint64
	beganAt int64
	lagging int64 // since when answers for what has ended are overdue
	// answering says that a large answer is on its way, or waits for room: what
	// has ended must not be killed for that.
	answering bool

	logged     map[uint64]int64 // log bytes received, by attempt
	progressAt int64
	late       *frame.Chunk // progress that came too soon after another

	dying   string // the error type for whom the kill hits; "" while it lives
	reason  string // for people
	blame   uint64 // the attempt on account of which it was killed; 0 is any
	hostile bool   // it broke the protocol: nothing it says counts

	out    []byte // frame being written
	writes bool   // the writer has it
	room   chan struct{}
	killed chan struct{} // closed by the loop once nothing it says is awaited
}

// last is the number of what was sent last.
func (c *child) last() uint64 { return c.first + uint64(len(c.sent)) - 1 }

// at returns the job with a number, nil where it has none.
func (c *child) at(seq uint64) *job {
	if seq < c.first || seq > c.last() {
		return nil
	}
	return c.sent[seq-c.first]
}

// framesAhead is how many frames of a child may wait for the loop. Past it the
// reader stops, the pipe fills, and the child waits.
const framesAhead = 4

// read is the child's reader goroutine. It ends when the child's end of the
// pipe is closed, which is when the process is dead or ended.
func (c *child) read(h *Host) {
	var said []byte
	var drain sync.WaitGroup
	drain.Go(func() { said = drainStderr(c.stderr) })
	err := c.readFrames(h)
	if !errors.Is(err, io.EOF) {
		_ = c.Kill() // a violation; what it says from here on is not heard
	}
	_ = c.answers.Close()
	state, werr := c.Wait()
	drain.Wait()
	h.post(goneEvent{c: c, err: err, state: state, werr: werr, said: said})
}

func (c *child) readFrames(h *Host) error {
	r := frame.NewReader(c.answers, true)
	for {
		e := answerEvent{c: c}
		kind, body, err := c.nextFrame(h, r, &e)
		if err != nil {
			e.claim.release()
			return err
		}
		switch kind {
		case frame.KindReady:
			_, err = frame.DecodeReady(body)
			e.ready = true
		case frame.KindFailed:
			e.failed = text([]byte(frame.DecodeFailed(body)))
		case frame.KindAnswers:
			e.answers, err = frame.DecodeAnswers(body)
			if err == nil && e.claim != nil && (len(e.answers) != 1 || e.answers[0].Result == nil) {
				err = fmt.Errorf("%w: a long frame that is no single result", frame.ErrProtocol)
			}
		default:
			err = fmt.Errorf("%w: a frame of kind %d", frame.ErrProtocol, kind)
		}
		if err != nil {
			e.claim.release()
			return err
		}
		c.room <- struct{}{}
		h.post(e)
	}
}

// copies is how many times its length a large answer takes: as it grows while
// it is read, and as text beside its JSON.
const copies = 2

// errKilled ends the reading of a child that waits for room and was killed.
var errKilled = errors.New("killed")

// nextFrame reads a frame. A long one is read once there is room for it, and
// must then come without a pause: it keeps others waiting.
func (c *child) nextFrame(h *Host, r *frame.Reader, e *answerEvent) (frame.Kind, []byte, error) {
	n, err := r.Peek()
	if err != nil {
		return 0, nil, err
	}
	if n <= frame.SoftFrame || n > frame.MaxFrame {
		return r.Next(frame.MaxFrame)
	}
	h.post(longEvent{c})
	e.claim = h.outputs.claim(copies * n)
	select {
	case <-e.claim.granted:
	case <-c.killed:
		return 0, nil, errKilled
	}
	if err := c.answers.SetReadDeadline(time.Now().Add(h.cfg.patience)); err != nil {
		return 0, nil, err
	}
	kind, body, err := r.Next(frame.MaxFrame)
	if err != nil {
		return 0, nil, err
	}
	return kind, body, c.answers.SetReadDeadline(time.Time{})
}

// longEvent says that a child has begun to send a long frame.
type longEvent struct{ c *child }

func (e longEvent) apply(*loop) { e.c.answering = true }

// answerEvent is a frame from a child.
type answerEvent struct {
	c       *child
	ready   bool
	failed  string
	answers []frame.Answer
	claim   *claim // what a long frame counts for
}

// goneEvent is the end of a child. All its answers have come before.
type goneEvent struct {
	c     *child
	err   error
	state *os.ProcessState
	werr  error
	said  []byte
}

// why says how a child that was not killed by us ended.
func (e goneEvent) why() (errType, message string) {
	switch {
	case errors.Is(e.err, frame.ErrProtocol):
		return errCrashed, e.err.Error()
	case errors.Is(e.err, os.ErrDeadlineExceeded):
		return errCrashed, "the sandbox did not end the answer that it had begun"
	case outOfMemory(e.said):
		return errOutOfMemory, "the sandbox needed more memory than it may map"
	case e.werr != nil:
		return errCrashed, e.werr.Error()
	case len(e.said) > 0:
		return errCrashed, fmt.Sprintf("the sandbox ended with %s: %s", e.state, firstLine(e.said))
	}
	return errCrashed, fmt.Sprintf("the sandbox ended with %s", e.state)
}

// write sends the frame in c.out without ever blocking the loop: what the pipe
// does not take at once is left to a goroutine.
func (c *child) write(h *Host) {
	rest := c.out
	raw, err := c.orders.SyscallConn()
	if err == nil {
		_ = raw.Write(func(fd uintptr) bool {
			n, err := syscall.Write(int(fd), rest)
			if err == nil {
				rest = rest[n:]
			}
			return true
		})
	}
	if len(rest) == 0 {
		c.trim()
		return
	}
	c.writes = true
	h.work.Go(func() {
		_, err := c.orders.Write(rest)
		h.post(writtenEvent{c: c, err: err})
	})
}

// trim gives the memory of a long frame back.
func (c *child) trim() {
	if cap(c.out) > 4*frame.SoftFrame {
		c.out = nil
	}
}

// writtenEvent says that the pipe has taken a long frame. An error means that
// the child is dead or dying, of which its reader tells.
type writtenEvent struct {
	c   *child
	err error
}

func (e writtenEvent) apply(*loop) {
	e.c.writes = false
	e.c.trim()
}
