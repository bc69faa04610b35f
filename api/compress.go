package api

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// plainMost is up to how many bytes an answer is sent as it is: one packet has
// no use for being smaller.
const plainMost = 1 << 10

// compress makes an answer smaller for a client that takes it so. Streams go as
// they are, since their pieces shall not wait; so does what has an ETag, which
// names one form of the bytes.
func compress(c *fiber.Ctx) error {
	resp := c.Response()
	if resp.IsBodyStream() || len(resp.Body()) <= plainMost || len(resp.Header.ContentEncoding()) > 0 ||
		len(resp.Header.Peek(fiber.HeaderETag)) > 0 || !isText(string(resp.Header.ContentType())) {
		return nil
	}
	c.Vary(fiber.HeaderAcceptEncoding)
	encoding := encodingOf(c.Get(fiber.HeaderAcceptEncoding))
	if encoding == "" || c.Method() == fiber.MethodHead {
		return nil
	}
	small, err := smaller(encoding, resp.Body())
	if err != nil {
		return fmt.Errorf("compress answer: %w", err)
	}
	if len(small) < len(resp.Body()) {
		resp.Header.SetContentEncoding(encoding)
		resp.SetBodyRaw(small)
	}
	return nil
}

func isText(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.HasPrefix(media, "text/") || media == "application/json"
}

// encodingOf chooses by what a client accepts, zstd where it likes both alike
// and none where it says nothing.
func encodingOf(accept string) string {
	best, most := "", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "gzip" && name != "zstd" {
			continue
		}
		weight := 1.0
		if text, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			q, err := strconv.ParseFloat(text, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				continue
			}
			weight = q
		}
		if weight > most || weight == most && weight > 0 && name == "zstd" {
			best, most = name, weight
		}
	}
	return best
}

// zstdWriter is shared: EncodeAll may be called by many at once. A window of
// 1 MiB bounds the memory of both sides.
var zstdWriter = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
})

// gzipWriters are kept because a new one clears much memory.
var gzipWriters sync.Pool

func smaller(encoding string, body []byte) ([]byte, error) {
	if encoding == "zstd" {
		z, err := zstdWriter()
		if err != nil {
			return nil, err
		}
		return z.EncodeAll(body, make([]byte, 0, len(body)/4)), nil
	}
	z, ok := gzipWriters.Get().(*gzip.Writer)
	if !ok {
		var err error
		if z, err = gzip.NewWriterLevel(io.Discard, gzip.BestSpeed); err != nil {
			return nil, err
		}
	}
	defer gzipWriters.Put(z)
	out := bytes.NewBuffer(make([]byte, 0, len(body)/4))
	z.Reset(out)
	if _, err := z.Write(body); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}
