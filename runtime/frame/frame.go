// Package frame is what a node and its sandbox processes say to each other:
// length-prefixed frames over a pair of pipes, and a page of shared memory on
// which the child notes which attempt it has begun.
//
// It knows the bytes and nothing else: who sends what when is the business of
// runtime/host and runtime/sandbox. The parent must treat all that comes from
// a child as hostile, so every decoder here checks every bound and none of
// them allocates on the word of a length alone.
package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxFrame is the longest payload of a frame: one result or input of
	// 64 MiB with what stands around it.
	MaxFrame = 66 << 20
	// MaxAttempts is how many attempts a frame may carry.
	MaxAttempts = 64
	// SoftFrame is where a sender of several attempts or answers stops to fill
	// a frame; only a single large message makes a longer one.
	SoftFrame = 256 << 10

	headLen = 4
	// step is how much a reader allocates before the bytes have come.
	step = 1 << 20
)

// ErrProtocol says that the other side sent what no honest one sends.
var ErrProtocol = errors.New("frame: protocol violation")

// Kind is the first byte of a frame's payload.
type Kind byte

// The kinds of frame.
const (
	KindLoad     Kind = 1 // parent: which module to load; the first frame
	KindAttempts Kind = 2 // parent: attempts to make, in order
	KindReady    Kind = 3 // child: the module is loaded and the layers are up
	KindFailed   Kind = 4 // child: it could not be; the last frame
	KindAnswers  Kind = 5 // child: results, log chunks, progress
)

// Begin starts a frame in buf, which it may reuse; messages are appended to
// what it returns, and End makes it ready to send.
func Begin(buf []byte, k Kind) []byte {
	return append(buf[:0], 0, 0, 0, 0, byte(k))
}

// End fills in the length of a frame that Begin started.
func End(buf []byte) []byte {
	binary.LittleEndian.PutUint32(buf, uint32(len(buf)-headLen))
	return buf
}

// Reader reads frames. The slice that Next returns is valid for as long as the
// caller likes when Fresh is set, else until the next call.
type Reader struct {
	r     io.Reader
	fresh bool
	buf   []byte // bytes read and not yet handed out: buf[at:]
	at    int
	frame []byte
}

// NewReader reads frames from r. With fresh every frame gets memory of its
// own, so that what is decoded from it may be kept.
func NewReader(r io.Reader, fresh bool) *Reader {
	return &Reader{r: r, fresh: fresh, buf: make([]byte, 0, 64<<10)}
}

// Peek waits for the head of the next frame and returns how long its payload is
// said to be; Next will refuse what cannot be.
func (r *Reader) Peek() (int64, error) {
	if err := r.need(headLen); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint32(r.buf[r.at:])), nil
}

// Next returns the payload of the next frame, kind first, at most max bytes
// long. At a clean end it returns io.EOF.
func (r *Reader) Next(max int) (Kind, []byte, error) {
	if err := r.need(headLen); err != nil {
		return 0, nil, err
	}
	n := int(binary.LittleEndian.Uint32(r.buf[r.at:]))
	if n < 1 || n > max || n > MaxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", ErrProtocol, n)
	}
	r.at += headLen
	payload, err := r.take(n)
	if err != nil {
		return 0, nil, err
	}
	return Kind(payload[0]), payload[1:], nil
}

// Buffered reports whether the next frame has already been read in full, so
// that Next would not wait.
func (r *Reader) Buffered() bool {
	have := len(r.buf) - r.at
	return have >= headLen && have-headLen >= int(binary.LittleEndian.Uint32(r.buf[r.at:]))
}

// need makes at least n bytes, no more than the buffer holds, available.
func (r *Reader) need(n int) error {
	if len(r.buf)-r.at >= n {
		return nil
	}
	rest := copy(r.buf, r.buf[r.at:])
	r.buf, r.at = r.buf[:rest], 0
	for len(r.buf) < n {
		got, err := r.r.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+got]
		if err != nil && len(r.buf) < n {
			if err == io.EOF && len(r.buf) > 0 {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// take returns the next n bytes. Memory grows as they come.
func (r *Reader) take(n int) ([]byte, error) {
	if !r.fresh && n <= cap(r.buf) {
		if err := r.need(n); err != nil {
			return nil, unexpected(err)
		}
		b := r.buf[r.at : r.at+n : r.at+n]
		r.at += n
		return b, nil
	}
	b := r.frame[:0]
	if r.fresh || cap(b) < min(n, step) {
		b = make([]byte, 0, min(n, step))
	}
	have := min(n, len(r.buf)-r.at)
	b = append(b, r.buf[r.at:r.at+have]...)
	r.at += have
	for len(b) < n {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(n, 2*cap(b)))
			copy(grown, b)
			b = grown
		}
		got, err := r.r.Read(b[len(b):min(cap(b), n)])
		b = b[:len(b)+got]
		if err != nil && len(b) < n {
			return nil, unexpected(err)
		}
	}
	if !r.fresh && cap(b) <= 4*step {
		r.frame = b
	}
	return b, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
