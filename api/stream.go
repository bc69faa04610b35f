package api

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
)

// cancelWhenGone looks from time to time whether the client is still there, so
// that a stream with nothing to say does not outlive it. It returns when ctx is
// done.
func cancelWhenGone(ctx context.Context, cancel context.CancelFunc, conn net.Conn, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if gone(conn) {
				cancel()
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func sized(b []byte) io.Reader { return bytes.NewReader(b) }

// stream answers with what r yields, size bytes, as the client takes it. done
// is called when it is over.
func stream(c *fiber.Ctx, contentType string, r io.Reader, size int64, done func()) error {
	c.Response().Header.SetContentType(contentType)
	c.Context().SetBodyStream(&paced{r: r, conn: c.Context().Conn(), done: done}, int(size))
	return nil
}

// paced gives the client a while for each piece, not one for the whole: a large
// answer takes as long as it takes, while it moves.
type paced struct {
	r    io.Reader
	conn net.Conn
	done func()
}

// pieceTime is how long the client may take for one piece.
const pieceTime = time.Minute

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	if err := p.conn.SetWriteDeadline(time.Now().Add(pieceTime)); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// Close implements io.Closer.
func (p *paced) Close() error {
	p.done()
	return nil
}
