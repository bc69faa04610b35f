package link

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// reportsAtOnce bounds the reports of one worker that are under way together.
const reportsAtOnce = 8

// Serve is the leader's end of a stream: it attaches the worker that says
// hello, and carries what the two have to say until either is gone. It closes
// the stream.
func Serve(ctx context.Context, s Stream, leader Attacher) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	defer func() { _ = s.Close() }()
	h, err := receiveHello(s)
	if err != nil {
		return fmt.Errorf("worker's hello: %w", err)
	}
	c, err := leader.Attach(ctx, h)
	if err != nil {
		_ = s.Send(encodeRefused(err.Error())) // the worker notices in any case
		return fmt.Errorf("attach worker %s: %w", h.Worker, err)
	}
	defer c.Close()
	if err := s.Send(encodeAttached(c.Attached())); err != nil {
		return fmt.Errorf("answer worker %s: %w", h.Worker, err)
	}
	v := &server{stream: s, conn: c, cancel: cancel, turns: make(chan struct{}, reportsAtOnce)}
	v.work.Go(func() {
		if err := v.push(ctx); !v.leaving.Load() {
			v.stop(err)
		}
	})
	v.stop(v.receive(ctx))
	v.work.Wait()
	return fmt.Errorf("worker %s: %w", h.Worker, v.why)
}

func receiveHello(s Stream) (*Hello, error) {
	if err := s.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return nil, err
	}
	frame, err := s.Recv()
	if err != nil {
		return nil, err
	}
	h, err := decodeHello(frame)
	if err != nil {
		return nil, err
	}
	return h, s.SetReadDeadline(time.Time{})
}

// server is one served stream.
type server struct {
	stream Stream
	conn   Conn
	cancel context.CancelFunc
	turns  chan struct{}
	work   sync.WaitGroup
	once   sync.Once
	why    error
	// leaving says that the worker ends its session: that the connection ends
	// with it must not overtake the answer.
	leaving atomic.Bool
}

// stop ends the stream; the first reason is told.
func (v *server) stop(err error) {
	v.once.Do(func() {
		v.why = err
		v.cancel()
		v.conn.Close()
		_ = v.stream.Close()
	})
}

func (v *server) push(ctx context.Context) error {
	for {
		p, err := v.conn.Recv(ctx)
		if err != nil {
			return err
		}
		if err := v.stream.Send(encodePush(&p)); err != nil {
			return err
		}
	}
}

func (v *server) receive(ctx context.Context) error {
	for {
		frame, err := v.stream.Recv()
		if err != nil {
			return err
		}
		if err := v.take(ctx, frame); err != nil {
			return err
		}
	}
}

func (v *server) take(ctx context.Context, frame []byte) error {
	if len(frame) == 0 {
		return fmt.Errorf("%w: empty", ErrProtocol)
	}
	switch kind(frame[0]) {
	case kindBeat:
		n, b, err := decodeBeat(frame)
		if err == nil {
			err = v.conn.Beat(ctx, b)
		}
		if err != nil {
			return err
		}
		return v.stream.Send(encodeAnswer(n, Answer{}))
	case kindReport:
		n, r, err := decodeReport(frame)
		if err != nil {
			return err
		}
		return v.later(ctx, n, func() (Answer, error) { return v.conn.Report(ctx, r) })
	case kindEnd:
		n, begun, err := decodeEnd(frame)
		if err != nil {
			return err
		}
		v.leaving.Store(true)
		return v.later(ctx, n, func() (Answer, error) { return Answer{}, v.conn.End(ctx, begun) })
	default:
		return fmt.Errorf("%w: kind %d", ErrProtocol, frame[0])
	}
}

// later does what takes a commit beside the stream, and answers.
func (v *server) later(ctx context.Context, n uint64, do func() (Answer, error)) error {
	select {
	case v.turns <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	v.work.Go(func() {
		defer func() { <-v.turns }()
		a, err := do()
		if err == nil {
			err = v.stream.Send(encodeAnswer(n, a))
		}
		switch {
		case err != nil:
			v.stop(err)
		case v.leaving.Load():
			v.stop(ErrEnded)
		}
	})
	return nil
}
