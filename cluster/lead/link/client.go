package link

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// Client attaches a worker to a leader on another node.
type Client struct {
	// Dial opens a stream of Kind to the node that leads now.
	Dial func(ctx context.Context) (Stream, error)
}

var _ Attacher = (*Client)(nil)

// Attach implements Attacher.
func (c *Client) Attach(ctx context.Context, h *Hello) (Conn, error) {
	s, err := c.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("reach the leader: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	a, err := greet(s, h)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("attach to the leader: %w", err)
	}
	r := &remote{stream: s, attached: a, wake: make(chan struct{}, 1), done: make(chan struct{}), waiting: map[uint64]chan Answer{}}
	r.work.Go(func() { r.fail(r.receive()) })
	return r, nil
}

func greet(s Stream, h *Hello) (Attached, error) {
	if err := s.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return Attached{}, err
	}
	if err := s.Send(encodeHello(h)); err != nil {
		return Attached{}, err
	}
	frame, err := s.Recv()
	if err != nil {
		return Attached{}, err
	}
	a, err := decodeAttached(frame)
	if err != nil {
		return Attached{}, err
	}
	return a, s.SetReadDeadline(time.Time{})
}

// remote is the worker's end of a stream.
type remote struct {
	stream   Stream
	attached Attached
	wake     chan struct{}
	done     chan struct{}
	work     sync.WaitGroup

	mu      sync.Mutex
	pushes  []Push
	next    uint64
	waiting map[uint64]chan Answer
	err     error
}

var _ Conn = (*remote)(nil)

// Attached implements Conn.
func (r *remote) Attached() Attached { return r.attached }

// Recv implements Conn.
func (r *remote) Recv(ctx context.Context) (Push, error) {
	for {
		r.mu.Lock()
		if len(r.pushes) > 0 {
			p := r.pushes[0]
			r.pushes = r.pushes[1:]
			if len(r.pushes) == 0 {
				r.pushes = nil
			}
			r.mu.Unlock()
			return p, nil
		}
		err := r.err
		r.mu.Unlock()
		if err != nil {
			return Push{}, err
		}
		select {
		case <-r.wake:
		case <-r.done:
		case <-ctx.Done():
			return Push{}, ctx.Err()
		}
	}
}

// Beat implements Conn.
func (r *remote) Beat(ctx context.Context, b Beat) error {
	_, err := r.ask(ctx, func(n uint64) []byte { return encodeBeat(n, &b) })
	return err
}

// Report implements Conn.
func (r *remote) Report(ctx context.Context, x *Report) (Answer, error) {
	return r.ask(ctx, func(n uint64) []byte { return encodeReport(n, x) })
}

// End implements Conn.
func (r *remote) End(ctx context.Context, begun []queue.Fence) error {
	_, err := r.ask(ctx, func(n uint64) []byte { return encodeEnd(n, begun) })
	return err
}

// Close implements Conn.
func (r *remote) Close() {
	r.fail(ErrClosed)
	r.work.Wait()
}

// ask sends a numbered frame and waits for its answer.
func (r *remote) ask(ctx context.Context, encode func(n uint64) []byte) (Answer, error) {
	ch := make(chan Answer, 1)
	r.mu.Lock()
	if r.err != nil {
		defer r.mu.Unlock()
		return Answer{}, r.err
	}
	r.next++
	n := r.next
	r.waiting[n] = ch
	r.mu.Unlock()
	if err := r.stream.Send(encode(n)); err != nil {
		r.fail(err)
	}
	select {
	case a := <-ch:
		return a, nil
	case <-r.done:
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, n)
	select {
	case a := <-ch:
		return a, nil
	default:
	}
	if r.err != nil {
		return Answer{}, r.err
	}
	return Answer{}, ctx.Err()
}

func (r *remote) receive() error {
	for {
		frame, err := r.stream.Recv()
		if err != nil {
			return err
		}
		if len(frame) == 0 {
			return fmt.Errorf("%w: empty", ErrProtocol)
		}
		switch kind(frame[0]) {
		case kindPush:
			p, err := decodePush(frame)
			if err != nil {
				return err
			}
			r.mu.Lock()
			r.pushes = append(r.pushes, p)
			r.mu.Unlock()
			select {
			case r.wake <- struct{}{}:
			default:
			}
		case kindAnswer:
			n, a, err := decodeAnswer(frame)
			if err != nil {
				return err
			}
			r.mu.Lock()
			ch := r.waiting[n]
			delete(r.waiting, n)
			r.mu.Unlock()
			if ch != nil {
				ch <- a
			}
		default:
			return fmt.Errorf("%w: kind %d", ErrProtocol, frame[0])
		}
	}
}

// fail ends the connection; the first reason holds.
func (r *remote) fail(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
		close(r.done)
	}
	r.mu.Unlock()
	_ = r.stream.Close()
}
