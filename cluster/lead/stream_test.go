package lead_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
)

// pipe is one end of a stream in memory. Frames arrive in order, late, or not
// at all once it is broken.
type pipe struct {
	in, out *direction
}

type direction struct {
	sky *weather // nil: good

	mu       sync.Mutex
	frames   []late
	arrived  chan struct{}
	broken   chan struct{}
	once     sync.Once
	deadline *time.Timer
}

type late struct {
	frame []byte
	at    time.Time
}

func newDirection(sky *weather) *direction {
	return &direction{sky: sky, arrived: make(chan struct{}, 1), broken: make(chan struct{})}
}

func (d *direction) cut() { d.once.Do(func() { close(d.broken) }) }

func newPipe(sky *weather) (a, b *pipe) {
	there, back := newDirection(sky), newDirection(sky)
	return &pipe{in: back, out: there}, &pipe{in: there, out: back}
}

func (p *pipe) Send(frame []byte) error {
	d := p.out
	select {
	case <-d.broken:
		return io.ErrClosedPipe
	default:
	}
	at := time.Now()
	if d.sky != nil {
		if d.sky.below(300) == 0 {
			_ = p.Close()
			return errWeather
		}
		at = at.Add(time.Duration(d.sky.below(3000)) * time.Microsecond)
	}
	d.mu.Lock()
	d.frames = append(d.frames, late{append([]byte(nil), frame...), at})
	d.mu.Unlock()
	select {
	case d.arrived <- struct{}{}:
	default:
	}
	return nil
}

func (p *pipe) Recv() ([]byte, error) {
	d := p.in
	for {
		d.mu.Lock()
		if len(d.frames) > 0 {
			f := d.frames[0]
			d.frames = d.frames[1:]
			d.mu.Unlock()
			return f.frame, d.wait(f.at)
		}
		d.mu.Unlock()
		select {
		case <-d.arrived:
		case <-d.broken:
			return nil, io.EOF
		}
	}
}

// wait lets a frame come at its time, and not through a sky that is cut.
func (d *direction) wait(at time.Time) error {
	if d.sky != nil {
		d.sky.mu.Lock()
		if d.sky.until.After(at) {
			at = d.sky.until
		}
		d.sky.mu.Unlock()
	}
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-d.broken:
		return io.EOF
	}
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	d := p.in
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deadline != nil {
		d.deadline.Stop()
		d.deadline = nil
	}
	if !t.IsZero() {
		d.deadline = time.AfterFunc(time.Until(t), d.cut)
	}
	return nil
}

func (p *pipe) Close() error {
	p.in.cut()
	p.out.cut()
	return nil
}

// far is the leader of the moment as seen over streams.
type far struct {
	c    *cluster
	sky  *weather
	work *sync.WaitGroup
}

func (f far) Attach(ctx context.Context, h *link.Hello) (link.Conn, error) {
	client := link.Client{Dial: func(context.Context) (link.Stream, error) {
		here, there := newPipe(f.sky)
		f.work.Go(func() { _ = link.Serve(context.Background(), there, f.c) })
		return here, nil
	}}
	return client.Attach(ctx, h)
}

func TestRemoteTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		var streams sync.WaitGroup
		defer streams.Wait()
		w := startWorker(t, "w", 1, far{c, nil, &streams}, newSandboxes(2))
		defer w.crash()
		v, result := c.await(c.submit(100, nil))
		if v.State != queue.Success || result != "100" {
			t.Fatalf("ended as %+v with %q", v, result)
		}
	})
}

func TestRemoteDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.lead()
		defer c.depose()
		var streams sync.WaitGroup
		defer streams.Wait()
		w := startWorker(t, "w", 1, far{c, nil, &streams}, newSandboxes(2))
		id := c.submit(100, nil)
		c.await(id)
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-w.done
		if open := c.machine.Workers(); len(open) != 0 {
			t.Fatalf("sessions are open after the worker has left: %+v", open)
		}
	})
}

var _ link.Stream = (*pipe)(nil)

// TestServeTurnsAway: whoever is not greeted properly is told, or left.
func TestServeTurnsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		var streams sync.WaitGroup
		defer streams.Wait()
		_, err := far{c, nil, &streams}.Attach(t.Context(), &link.Hello{Worker: "w"})
		if err == nil || errors.Is(err, link.ErrNotLeader) {
			t.Fatalf("attached without a leader: %v", err)
		}
		here, there := newPipe(nil)
		if err := here.Send([]byte("hello?")); err != nil {
			t.Fatal(err)
		}
		if err := link.Serve(t.Context(), there, c); !errors.Is(err, link.ErrProtocol) {
			t.Fatalf("served a stranger: %v", err)
		}
		here, there = newPipe(nil)
		if err := link.Serve(t.Context(), there, c); err == nil {
			t.Fatal("served a silent stream")
		}
		if _, err := here.Recv(); err == nil {
			t.Fatal("the stream is still open")
		}
	})
}
