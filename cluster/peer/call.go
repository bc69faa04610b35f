package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// callKind is the stream that carries calls: requests and answers by number,
// any number under way.
const callKind = "call"

// Error is what a called node answered in place of a result. Code is for the
// caller's program, Message for its log.
type Error struct{ Code, Message string }

func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

// CodeUnknownMethod is answered where nobody handles the method: by a node that
// is older, or still starting.
const CodeUnknownMethod = "unknown_method"

// ErrLost says that the connection broke after the request was sent: whether
// it was carried out is unknown.
var ErrLost = errors.New("connection lost before the answer")

// MaxRequest bounds the body of a call.
const MaxRequest = MaxFrame - 256

// Call asks the node at addr. ErrUnreachable means that nothing was sent,
// ErrLost or ctx's error that the outcome is unknown, *Error is an answer.
func (n *Net) Call(ctx context.Context, addr, method string, request []byte) ([]byte, error) {
	if len(method) > maxKind || len(request) > MaxRequest {
		return nil, &Error{Code: "too_large", Message: fmt.Sprintf("request %s of %d bytes", method, len(request))}
	}
	c, err := n.caller(ctx, addr)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, method, request)
}

// Reach makes the connection that a Call to addr needs, unless it is there: for
// whoever gives up connecting for other reasons than waiting for an answer.
func (n *Net) Reach(ctx context.Context, addr string) error {
	_, err := n.caller(ctx, addr)
	return err
}

func (n *Net) caller(ctx context.Context, addr string) (*caller, error) {
	l, err := n.link(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	c, err := l.calling(ctx)
	if err != nil && !errors.Is(err, ErrUnreachable) {
		err = fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
	}
	return c, err
}

// calling gives the link's call stream, opening it if there is none.
func (l *link) calling(ctx context.Context) (*caller, error) {
	l.mu.Lock()
	c := l.caller
	l.mu.Unlock()
	if c != nil && !c.broken() {
		return c, nil
	}
	session, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.caller != nil && l.caller != c && !l.caller.broken() {
		return l.caller, nil
	}
	s, err := openStream(session, l.addr, callKind)
	if err != nil {
		return nil, err
	}
	c = &caller{stream: s, waiting: map[uint64]chan reply{}, ended: make(chan struct{})}
	l.caller = c
	l.n.work.Go(c.receive)
	return c, nil
}

// caller is the asking end of a call stream.
type caller struct {
	stream *framed
	ended  chan struct{}

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan reply
	err     error // why it ended
}

type reply struct {
	body []byte
	err  error
}

func (c *caller) broken() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

func (c *caller) call(ctx context.Context, method string, request []byte) ([]byte, error) {
	ch := make(chan reply, 1)
	c.mu.Lock()
	if c.err != nil {
		defer c.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, c.err)
	}
	c.next++
	id := c.next
	c.waiting[id] = ch
	c.mu.Unlock()
	if err := c.stream.Send(appendRequest(nil, id, timeLeft(ctx), method, request)); err != nil {
		c.fail(err)
	}
	select {
	case r := <-ch:
		return r.body, r.err
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return nil, ctx.Err()
	}
}

func timeLeft(ctx context.Context) time.Duration {
	if d, ok := ctx.Deadline(); ok {
		return max(time.Until(d), time.Millisecond)
	}
	return 0
}

func (c *caller) receive() {
	for {
		frame, err := c.stream.Recv()
		if err != nil {
			c.fail(err)
			return
		}
		id, r, err := readReply(frame)
		if err != nil {
			c.fail(err)
			return
		}
		c.mu.Lock()
		ch := c.waiting[id]
		delete(c.waiting, id)
		c.mu.Unlock()
		if ch != nil {
			ch <- r
		}
	}
}

// fail ends the stream; all that wait learn that their answer will not come.
func (c *caller) fail(err error) {
	_ = c.stream.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.ended)
	for id, ch := range c.waiting {
		ch <- reply{err: fmt.Errorf("%w: %w", ErrLost, err)}
		delete(c.waiting, id)
	}
}

// callsAtOnce bounds the calls of one node that are carried out together; more
// wait in its connection.
const callsAtOnce = 1024

// serveCalls is the answering end of a call stream.
func (n *Net) serveCalls(ctx context.Context, s Stream) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	turns := make(chan struct{}, callsAtOnce)
	for {
		frame, err := s.Recv()
		if err != nil {
			cancel()
			return
		}
		q, err := readRequest(frame)
		if err != nil {
			n.log.Warn("damaged call", "node", s.Peer(), "error", err)
			cancel()
			return
		}
		turns <- struct{}{}
		work.Go(func() {
			defer func() { <-turns }()
			body, err := n.answer(ctx, q)
			_ = s.Send(writeReply(q.id, body, err)) // a broken stream is noticed by Recv
		})
	}
}

func (n *Net) answer(ctx context.Context, q request) ([]byte, error) {
	n.mu.Lock()
	handle := n.calls[q.method]
	n.mu.Unlock()
	if handle == nil {
		return nil, &Error{Code: CodeUnknownMethod, Message: q.method}
	}
	if q.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.limit)
		defer cancel()
	}
	body, err := handle(ctx, q.body)
	if err == nil && len(body) > MaxFrame-replyHeader {
		return nil, &Error{Code: "too_large", Message: fmt.Sprintf("answer to %s of %d bytes", q.method, len(body))}
	}
	return body, err
}

// request is one call as it travels: number, time limit in milliseconds (0 is
// none), method, body.
type request struct {
	id     uint64
	limit  time.Duration
	method string
	body   []byte
}

func appendRequest(dst []byte, id uint64, limit time.Duration, method string, body []byte) []byte {
	dst = binary.AppendUvarint(dst, id)
	dst = binary.AppendUvarint(dst, uint64(limit.Milliseconds()))
	dst = binary.AppendUvarint(dst, uint64(len(method)))
	dst = append(dst, method...)
	return append(dst, body...)
}

// maxLimit keeps a peer's time limit within a time.Duration.
const maxLimit = 24 * time.Hour

func readRequest(b []byte) (request, error) {
	id, b, ok1 := uvarint(b)
	ms, b, ok2 := uvarint(b)
	n, b, ok3 := uvarint(b)
	if !ok1 || !ok2 || !ok3 || n > uint64(len(b)) {
		return request{}, fmt.Errorf("%w: request", ErrFrame)
	}
	limit := time.Duration(min(ms, uint64(maxLimit/time.Millisecond))) * time.Millisecond
	return request{id: id, limit: limit, method: string(b[:n]), body: b[n:]}, nil
}

const (
	replyOK byte = iota
	replyError
)

// replyHeader is room for what stands before an answer's body.
const replyHeader = 16

func writeReply(id uint64, body []byte, err error) []byte {
	dst := binary.AppendUvarint(make([]byte, 0, len(body)+replyHeader), id)
	if err == nil {
		return append(append(dst, replyOK), body...)
	}
	e := &Error{Message: err.Error()}
	if own, ok := errors.AsType[*Error](err); ok {
		e = own
	}
	dst = append(dst, replyError)
	dst = binary.AppendUvarint(dst, uint64(len(e.Code)))
	dst = append(dst, e.Code...)
	return append(dst, e.Message...)
}

func readReply(b []byte) (uint64, reply, error) {
	id, b, ok := uvarint(b)
	if !ok || len(b) == 0 {
		return 0, reply{}, fmt.Errorf("%w: answer", ErrFrame)
	}
	status, b := b[0], b[1:]
	switch status {
	case replyOK:
		return id, reply{body: b}, nil
	case replyError:
		n, rest, ok := uvarint(b)
		if ok && n <= uint64(len(rest)) {
			return id, reply{err: &Error{Code: string(rest[:n]), Message: string(rest[n:])}}, nil
		}
	}
	return 0, reply{}, fmt.Errorf("%w: answer", ErrFrame)
}

func uvarint(b []byte) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
