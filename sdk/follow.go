package windrow

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// News is a piece of what a task says that is followed: of its log (Text), of
// its progress (Progress), or with Type [NewsEnd] how it ended (State).
type News struct {
	Type string
	wire.News
}

// Types of news.
const (
	NewsLog      = wire.NewsLog
	NewsProgress = wire.NewsProgress
	NewsEnd      = wire.NewsEnd
)

// Follow gives what a task logs and reports, from its beginning until it has
// ended, which is the last news. Where a connection breaks it goes on where it
// was, at another server if need be, so that no text is missed and none comes
// twice; but what a lost worker had logged last may be gone, and the attempt
// made in its place logs from its beginning. Of progress the newest comes, and
// it may come again.
//
// Once it has begun, a cluster that is out of reach for longer than
// [Config.RetryFor] is an *[InterruptedError]; who goes on with the loop has it
// try again. After any other error nothing follows.
func (c *Client) Follow(ctx context.Context, id string, options LogOptions) iter.Seq2[News, error] {
	return func(yield func(News, error) bool) {
		options.Follow = true
		newFollowing(c, id, options).run(ctx, yield)
	}
}

// following is a task that is followed, over all connections.
type following struct {
	c     *Client
	ask   *request
	after string
	begun bool
	ended bool
}

func newFollowing(c *Client, id string, options LogOptions) *following {
	return &following{c: c, ask: logRequest(id, options)}
}

func (f *following) connect(ctx context.Context) (io.ReadCloser, error) {
	if f.after != "" {
		f.ask.query.Set("after", f.after)
	}
	a, err := f.c.send(ctx, f.ask)
	if err != nil {
		return nil, err
	}
	f.begun = true
	return a.stream, nil
}

func (f *following) run(ctx context.Context, yield func(News, error) bool) {
	for round := 0; ; round++ {
		before := f.after
		body, err := f.connect(ctx)
		if err == nil {
			err = f.read(ctx, body, yield)
		} else if f.begun && IsUnreachable(err) && ctx.Err() == nil {
			err = &InterruptedError{After: f.after, Err: err}
		}
		var cut *InterruptedError
		switch {
		case errors.Is(err, errEnough) || f.ended:
			return
		case err != nil && (!yield(News{}, err) || !errors.As(err, &cut)):
			return
		case f.after != before:
			round = 0
		}
		if err := f.c.sleep(ctx, backoff(round)); err != nil {
			yield(News{}, fmt.Errorf("follow a task: %w", err))
			return
		}
	}
}

// read hands on the news of one connection until it breaks, which is no error.
func (f *following) read(ctx context.Context, body io.ReadCloser, yield func(News, error) bool) error {
	defer body.Close()
	silent := time.AfterFunc(streamSilence, func() { body.Close() })
	defer silent.Stop()
	in := bufio.NewReader(body)
	var m message
	for !f.ended {
		silent.Reset(streamSilence)
		line, err := in.ReadBytes('\n')
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("follow a task: %w", ctx.Err())
		case err != nil:
			return nil // what has come in part comes again
		case !m.add(bytes.TrimRight(line, "\r\n")):
			continue
		}
		n := News{Type: m.kind}
		if len(m.data) > 0 {
			if err := json.Unmarshal(m.data, &n.News); err != nil {
				return fmt.Errorf("the news %s of a task is not what a Windrow server says: %w", m.id, err)
			}
		}
		if m.id != "" {
			f.after = m.id
		}
		f.ended = m.kind == NewsEnd
		known := m.kind == NewsLog || m.kind == NewsProgress || f.ended
		m = message{}
		if known && !yield(n, nil) {
			return errEnough
		}
	}
	return nil
}

// followText is the text alone, as something to read from.
func (c *Client) followText(ctx context.Context, id string, options LogOptions) (io.ReadCloser, error) {
	f := newFollowing(c, id, options)
	ctx, cancel := context.WithCancel(ctx)
	body, err := f.connect(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	r, w := io.Pipe()
	write := func(n News, err error) bool {
		if err == nil {
			_, err = io.WriteString(w, n.Text)
		}
		if err != nil {
			_ = w.CloseWithError(err) // never fails
		}
		return err == nil
	}
	t := &followedText{PipeReader: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		if err := f.read(ctx, body, write); err == nil && !f.ended {
			f.run(ctx, write)
		} else if err != nil {
			write(News{}, err)
		}
		_ = w.Close() // never fails
	}()
	return t, nil
}

// followedText ends the following with the reading.
type followedText struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   chan struct{}
}

// Close implements io.Closer.
func (t *followedText) Close() error {
	t.cancel()
	err := t.PipeReader.Close()
	<-t.done
	return err
}
