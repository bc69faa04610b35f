package windrow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// BatchError says that of several batches only the first ones were accepted.
type BatchError struct {
	Accepted int // calls that became tasks, from the start of the list
	Err      error
}

// Error says how many were accepted and why the next were not.
func (e *BatchError) Error() string {
	return fmt.Sprintf("after %d calls were accepted: %v", e.Accepted, e.Err)
}

// Unwrap gives the refusal of the batch that came next.
func (e *BatchError) Unwrap() error { return e.Err }

// SubmitBatch asks for many tasks and gives their ids in order. Up to 10,000
// calls are accepted all or none. More are sent as several batches of 10,000,
// each all or none; where a later one is refused, the ids of those before come
// with a *BatchError. The calls are encoded as they are sent, so that a batch
// is never in memory twice. An option's idempotency key is that of the first
// batch, and for the later ones the start of theirs.
func (c *Client) SubmitBatch(ctx context.Context, calls []Call, options ...SubmitOption) ([]string, error) {
	ids := make([]string, 0, len(calls))
	for n := 0; len(ids) < len(calls); n++ {
		part := calls[len(ids):min(len(ids)+wire.MaxBatch, len(calls))]
		r := &request{method: http.MethodPost, path: "/tasks/batch", slow: true, body: callsBody(part)}
		for _, o := range options {
			o(r)
		}
		if r.key != "" && n > 0 {
			r.key = fmt.Sprintf("%s-%d", r.key, n)
		}
		var batch wire.Batch
		_, err := c.do(ctx, r, &batch)
		if err == nil && len(batch.IDs) != len(part) {
			err = fmt.Errorf("the server gave %d ids for %d calls", len(batch.IDs), len(part))
		}
		var refused *APIError
		if errors.As(err, &refused) && refused.Line > 0 {
			refused.Line += len(ids)
		}
		if err != nil && n > 0 {
			return ids, &BatchError{Accepted: len(ids), Err: err}
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, batch.IDs...)
	}
	return ids, nil
}

// callsBody is newline-delimited JSON, made a call at a time.
func callsBody(calls []Call) *body {
	return &body{
		open:        func() (io.ReadCloser, error) { return io.NopCloser(&callReader{rest: calls}), nil },
		size:        -1,
		contentType: wire.TypeNDJSON,
	}
}

type callReader struct {
	rest []Call
	n    int
	buf  bytes.Buffer
}

func (r *callReader) Read(p []byte) (int, error) {
	for r.buf.Len() < len(p) && len(r.rest) > 0 {
		b, err := encode(&r.rest[0])
		if err != nil {
			return 0, fmt.Errorf("encode call %d: %w", r.n, err)
		}
		r.buf.Write(b)
		r.buf.WriteByte('\n')
		r.rest = r.rest[1:]
		r.n++
	}
	return r.buf.Read(p)
}
