package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// Values keeps what is too large to travel inline.
type Values interface {
	// OpenValue gives a blob, from a peer where this node lacks it. The reader
	// outlives ctx.
	OpenValue(ctx context.Context, digest string) (r io.ReadCloser, size int64, err error)
	// KeepValue keeps a value on this node, for as long as it takes a worker to
	// fetch it.
	KeepValue(ctx context.Context, r io.Reader) (digest string, err error)
	// HasValue reports whether a value is on this node, and if so keeps it as
	// long from now on.
	HasValue(digest string) bool
}

const (
	// valuePatience is how long large values may take to come from a peer:
	// whoever hands out tasks waits for them.
	valuePatience = 10 * time.Second
	// mostValue bounds, unless the options do, what is put together: no task may
	// be given more.
	mostValue = 64 << 20
)

// value is a JSON text, or the digest of one.
type value struct {
	json []byte
	blob string
}

func inline(text string) value { return value{json: []byte(text)} }

// pieces gives, one after another, what a text is put together of; ok is false
// at its end.
type pieces func() (v value, ok bool, err error)

func these(list ...value) pieces {
	return func() (value, bool, error) {
		if len(list) == 0 {
			return value{}, false, nil
		}
		v := list[0]
		list = list[1:]
		return v, true, nil
	}
}

// text reads pieces, of which it has one at a time in memory, or a part of one
// where that is a blob. It ends with an error before it is longer than it may be.
type text struct {
	r    *Replica
	ctx  context.Context
	next pieces
	room int64
	most int64
	now  io.Reader
	blob io.Closer
	err  error
}

// Read implements io.Reader.
func (t *text) Read(p []byte) (int, error) {
	for t.err == nil {
		if t.now != nil {
			n, err := t.now.Read(p)
			if n > 0 {
				return n, nil
			}
			if err == nil {
				continue
			}
			if err = errors.Join(t.close(), ended(err)); err != nil {
				t.err = fmt.Errorf("read a large value: %w", err)
				break
			}
		}
		t.err = t.turn()
	}
	return 0, t.err
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// turn goes on to the next piece.
func (t *text) turn() error {
	v, ok, err := t.next()
	if err != nil {
		return err
	}
	if !ok {
		return io.EOF
	}
	size := int64(len(v.json))
	if v.blob != "" {
		f, n, err := t.r.opt.Values.OpenValue(t.ctx, v.blob)
		if err != nil {
			return fmt.Errorf("open a large value: %w", err)
		}
		t.now, t.blob, size = f, f, n
	} else {
		t.now = bytes.NewReader(v.json)
	}
	if t.room -= size; t.room < 0 {
		return tooLarge(t.most)
	}
	return nil
}

func (t *text) close() error {
	b := t.blob
	t.now, t.blob = nil, nil
	if b == nil {
		return nil
	}
	return b.Close()
}

// tooLarge says that a text would be longer than so many bytes.
func tooLarge(most int64) error {
	return &queue.Lasting{Err: &queue.Error{Type: queue.ErrInputTooLarge,
		Message: fmt.Sprintf("what is given on has more than %d MiB in all; let tasks give where to find what is large", most>>20)}}
}

func (r *Replica) mostValue() int64 {
	if r.opt.MaxValue > 0 {
		return r.opt.MaxValue
	}
	return mostValue
}

// put puts pieces together. What has more than so many bytes is kept as a blob;
// -1 keeps all as one.
func (r *Replica) put(above int, next pieces) (value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), valuePatience)
	defer cancel()
	most := r.mostValue()
	t := &text{r: r, ctx: ctx, next: next, room: most, most: most}
	defer func() { _ = t.close() }() // what was read was read in full
	head, err := io.ReadAll(io.LimitReader(t, int64(above)+1))
	if err != nil || len(head) <= above {
		return value{json: head}, err
	}
	digest, err := r.opt.Values.KeepValue(context.Background(), io.MultiReader(bytes.NewReader(head), t))
	if err != nil {
		if t.err != nil && !errors.Is(t.err, io.EOF) {
			err = t.err
		}
		return value{}, fmt.Errorf("keep a large value: %w", err)
	}
	return value{blob: digest}, nil
}

// load reads a large value into memory until it is freed.
func (r *Replica) load(digest string) (b []byte, free func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), valuePatience)
	defer cancel()
	f, size, err := r.opt.Values.OpenValue(ctx, digest)
	if err != nil {
		return nil, nil, fmt.Errorf("open a large value: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if size > r.mostValue() {
		return nil, nil, tooLarge(r.mostValue())
	}
	weight := 3 * size // a reading of its JSON, and what is made of it
	if !r.loaded.take(weight) {
		return nil, nil, ErrBusy
	}
	b = make([]byte, size)
	if _, err = io.ReadFull(f, b); err != nil {
		r.loaded.give(weight)
		return nil, nil, fmt.Errorf("read a large value: %w", err)
	}
	return b, func() { r.loaded.give(weight) }, nil
}

// sizeOf is how long a value is.
func (r *Replica) sizeOf(v value) (int64, error) {
	if v.blob == "" {
		return int64(len(v.json)), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), valuePatience)
	defer cancel()
	f, size, err := r.opt.Values.OpenValue(ctx, v.blob)
	if err != nil {
		return 0, fmt.Errorf("open a large value: %w", err)
	}
	return size, f.Close()
}
