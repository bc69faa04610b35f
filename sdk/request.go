package windrow

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// request is one thing asked of the cluster, however many attempts it takes.
type request struct {
	method string
	path   string // under /v1, escaped
	query  url.Values
	accept string
	body   *body
	// key is the idempotency key. A POST without one gets one.
	key string
	// brief: the key is for this request's own retries.
	brief bool
	// wait is how long the server may hold the answer back because it was
	// asked to, beyond the time an attempt may take.
	wait time.Duration
	// slow lifts the limit of an attempt's time, for uploads.
	slow bool
	// stream leaves the answer's body open for the caller; the limit of time
	// covers the header only.
	stream bool
}

// attemptTime is how long a server may take over an answer that it was not
// asked to hold back. A server that is so slow is as good as gone.
const attemptTime = 30 * time.Second

// body is what a request carries. It can be opened anew for every attempt and
// gives the same bytes each time.
type body struct {
	open        func() (io.ReadCloser, error)
	size        int64 // -1 where not known beforehand
	contentType string
}

// expectContinue is the size from which a body is sent only after the server
// has seen the header and agrees, so that a refusal comes before the bytes and
// not as a broken connection in their middle.
const expectContinue = 1 << 20

func bytesBody(contentType string, b []byte) *body {
	return &body{
		open:        func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
		size:        int64(len(b)),
		contentType: contentType,
	}
}

func jsonBody(v any) (*body, error) {
	b, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return bytesBody(wire.TypeJSON, b), nil
}

// answer is a server's response. Body is nil in one that was streamed.
type answer struct {
	status int
	header http.Header
	body   []byte
	stream io.ReadCloser
}

// answerLimit bounds an answer that is read into memory: a task with the
// largest input and result, escaped.
const answerLimit = 1 << 28

// NewIdempotencyKey makes a key that nobody has used, for [IdempotencyKey].
// The client makes its own where none is given.
func NewIdempotencyKey() string { return rand.Text() }

// again reports whether an answer with this status is worth another attempt:
// the server could not do it now, and nothing was wrong with the request.
func again(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func escape(segment string) string { return url.PathEscape(segment) }
