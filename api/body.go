package api

import (
	"errors"
	"io"
	"math"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// budget bounds the memory that large bodies hold together.
type budget struct {
	most int64
	used atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.used.Add(n) <= b.most {
		return true
	}
	b.used.Add(-n)
	return false
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// smallBody costs nothing of the budget.
const smallBody = 64 << 10

// held is a body in memory of its own; free gives its budget back.
type held struct {
	bytes []byte
	taken int64
	from  *budget
}

func (h *held) free() {
	if h.taken > 0 {
		h.from.give(h.taken)
		h.taken = 0
	}
}

// grow makes room for at least one more byte.
func (h *held) grow(limit int64) error {
	size := min(max(int64(cap(h.bytes))*2, smallBody), limit+1)
	if size > smallBody {
		if !h.from.take(size - h.taken) {
			return refuse(wire.CodeBusy, "the node holds as many large bodies as it may; try again in a moment")
		}
		h.taken = size
	}
	bigger := make([]byte, len(h.bytes), size)
	copy(bigger, h.bytes)
	h.bytes = bigger
	return nil
}

// body reads a whole body of one of the types, decompressed, limit bytes at
// most, MessagePack as JSON. The caller frees it when it is done with what aliases it. No body at
// all is empty and needs no type.
func (s *Server) body(c *fiber.Ctx, limit int64, types ...string) (held, error) {
	h := held{from: &s.bodies}
	stream := c.Context().RequestBodyStream()
	n := int64(c.Request().Header.ContentLength())
	if stream == nil || n == 0 {
		return h, nil
	}
	if err := typed(c, types...); err != nil {
		return h, err
	}
	encoding := c.Request().Header.Peek(fiber.HeaderContentEncoding)
	packed := isPacked(c)
	if n > 0 && n <= smallBody && n <= limit && len(encoding) == 0 && !packed {
		h.bytes = make([]byte, n)
		if _, err := io.ReadFull(stream, h.bytes); err != nil {
			return h, cutShort(err)
		}
		return h, nil
	}
	r, err := s.reader(stream, n, string(encoding), limit)
	if err != nil {
		return h, err
	}
	defer r.close()
	in := io.Reader(r)
	if packed {
		in = unpack(r, limit)
	}
	if err := h.fill(in, limit); err != nil {
		h.free()
		return h, err
	}
	return h, nil
}

func (h *held) fill(r io.Reader, limit int64) error {
	for {
		if len(h.bytes) == cap(h.bytes) {
			if err := h.grow(limit); err != nil {
				return err
			}
		}
		n, err := r.Read(h.bytes[len(h.bytes):cap(h.bytes)])
		h.bytes = h.bytes[:len(h.bytes)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// bodyReader yields a body decompressed; it fails once more than the limit has
// come, on the wire or out of the decompressor.
type bodyReader struct {
	out      io.Reader
	wire     *limited
	encoding string
	left     int64
	limit    int64
	close    func()
}

// stream is for bodies that are never whole in memory.
func (s *Server) stream(c *fiber.Ctx, limit int64, types ...string) (*bodyReader, error) {
	if err := typed(c, types...); err != nil {
		return nil, err
	}
	in := c.Context().RequestBodyStream()
	n := int64(c.Request().Header.ContentLength())
	if in == nil || n == 0 {
		return nil, refuse(wire.CodeBadRequest, "the body is empty; send the bytes as the body of the request")
	}
	return s.reader(in, n, string(c.Request().Header.Peek(fiber.HeaderContentEncoding)), limit)
}

func (s *Server) reader(in io.Reader, length int64, encoding string, limit int64) (*bodyReader, error) {
	if length > limit {
		return nil, tooLarge(limit)
	}
	r := &bodyReader{wire: &limited{r: in, left: limit}, encoding: encoding, left: limit, limit: limit, close: func() {}}
	switch encoding {
	case "", "identity":
		r.out = r.wire
	case "gzip":
		z, err := gzip.NewReader(r.wire)
		if err != nil {
			return nil, r.explain(err)
		}
		r.out = z
	case "zstd":
		z, err := zstd.NewReader(r.wire, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, r.explain(err)
		}
		r.out, r.close = z, z.Close
	default:
		return nil, refuse(wire.CodeUnsupportedType, "Content-Encoding %q is not accepted; send gzip, zstd or none", encoding)
	}
	return r, nil
}

// Read implements io.Reader.
func (r *bodyReader) Read(p []byte) (int, error) {
	n, err := r.out.Read(p)
	if int64(n) > r.left {
		return 0, tooLarge(r.limit)
	}
	r.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, r.explain(err)
	}
	return n, err
}

// explain tells a body that was cut off from one that does not decompress.
func (r *bodyReader) explain(err error) error {
	switch {
	case r.wire.over:
		return tooLarge(r.limit)
	case r.wire.failed:
		return cutShort(err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return refuse(wire.CodeBadRequest, "the zstd body needs a window above 8 MiB; compress it with a smaller one")
	}
	return refuse(wire.CodeBadRequest, "the body is no whole %s stream: %v; send it again, or without Content-Encoding", r.encoding, err)
}

// limited counts what comes off the wire.
type limited struct {
	r      io.Reader
	left   int64
	over   bool
	failed bool
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		l.over = true
		return 0, tooLarge(0)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		l.failed = true
	}
	return n, err
}

func tooLarge(limit int64) error {
	return refuse(wire.CodeTooLarge, "the body may have %d bytes, decompressed; send less", limit)
}

func cutShort(err error) error {
	return refuse(wire.CodeTimeout, "the body ended early or came too slowly; send it again: %v", err)
}

// drainMost and drainTime bound how much of a refused body is read away.
const (
	drainMost = 5 << 28
	drainTime = 10 * time.Second
)

// drain reads what is left of a body that was refused. Were the connection
// closed upon a client that still sends, the answer would be lost with it.
func drain(c *fiber.Ctx) {
	stream := c.Context().RequestBodyStream()
	if stream == nil || c.Request().Header.ContentLength() > math.MaxInt32 {
		return
	}
	if err := c.Context().SetReadDeadline(time.Now().Add(drainTime)); err != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, stream, drainMost) // the answer goes out all the same
}
