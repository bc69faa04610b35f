package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Errors of blobs. What the disk says stays in the chain, so that a full one
// is known by syscall.ENOSPC.
var (
	ErrNotFound = errors.New("no such blob")
	ErrDigest   = errors.New(`a digest is "sha256:" and 64 hexadecimal digits in lower case`)
	ErrMismatch = errors.New("the bytes have another digest")
	ErrTooLarge = errors.New("the blob is too large")
	ErrDamaged  = errors.New("the blob is damaged on this node's disk")
	ErrNoQuorum = errors.New("too few servers hold the blob")
	ErrClosed   = errors.New("the replicator is closed")
)

const algorithm = "sha256:"

// checkDigest gives the hexadecimal part of a well-formed digest, which is
// safe as the name of a file.
func checkDigest(digest string) (string, error) {
	name, ok := strings.CutPrefix(digest, algorithm)
	if !ok || len(name) != 64 || strings.Trim(name, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%w, not %.80q", ErrDigest, digest)
	}
	return name, nil
}

func digestOf(sum []byte) string { return algorithm + hex.EncodeToString(sum) }
