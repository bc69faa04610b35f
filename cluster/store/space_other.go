//go:build !linux

package store

import (
	"errors"
	"math"
	"os"
)

// Elsewhere a full disk is not cared for: those builds are for development.

func allocate(path string, flags int, _ int64) error {
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(nil, f.Close())
}

func diskSpace(string) (free, total int64, err error) { return math.MaxInt64, math.MaxInt64, nil }

func allocatedBytes(string) (int64, error) { return 0, nil }
