package main

import (
	"context"
	"fmt"
	"io"
)

// OpenValue implements replica.Values.
func (b blobs) OpenValue(ctx context.Context, digest string) (io.ReadCloser, int64, error) {
	return b.Open(ctx, digest)
}

// KeepValue implements replica.Values. Nothing refers to what it keeps, so that
// it is swept after its time.
func (b blobs) KeepValue(ctx context.Context, r io.Reader) (string, error) {
	info, err := b.Local.Put(ctx, r, "", b.most)
	if err != nil {
		return "", fmt.Errorf("keep a value to be given on: %w", blobError(err))
	}
	return info.Digest, nil
}

// HasValue implements replica.Values.
func (b blobs) HasValue(digest string) bool { return b.Local.Touch(digest) == nil }
