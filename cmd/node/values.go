package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// ReadValue implements replica.Values.
func (b blobs) ReadValue(ctx context.Context, digest string) (value []byte, err error) {
	r, size, err := b.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if size > b.most {
		return nil, fmt.Errorf("a value of %d bytes is too large to be given on; at most %d are", size, b.most)
	}
	return io.ReadAll(io.LimitReader(r, b.most))
}

// KeepValue implements replica.Values. Nothing refers to what it keeps, so that
// it is swept after its time.
func (b blobs) KeepValue(ctx context.Context, value []byte) (string, error) {
	info, err := b.Local.Put(ctx, bytes.NewReader(value), "", b.most)
	if err != nil {
		return "", fmt.Errorf("keep a value to be given on: %w", err)
	}
	return info.Digest, nil
}
