package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Put stores what r yields, at most limit bytes, and returns once it is synced.
// Where want is given the bytes must have that digest. Bytes that are here
// already are only made young again. Nothing of a failed Put stays.
func (s *Store) Put(ctx context.Context, r io.Reader, want string, limit int64) (Info, error) {
	if want != "" {
		name, err := checkDigest(want)
		if err != nil {
			return Info{}, err
		}
		if _, err := os.Stat(s.path(name)); err == nil {
			return s.putAgain(ctx, r, want, limit)
		}
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, temporaryDir), "put-*")
	if err != nil {
		return Info{}, fmt.Errorf("put blob: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename there is nothing of that name
	sum := sha256.New()
	size, err := copyLimited(ctx, io.MultiWriter(f, sum), r, limit)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return Info{}, fmt.Errorf("put blob: %w", err)
	}
	digest, err := matching(sum, want)
	if err != nil {
		return Info{}, err
	}
	if err := s.adopt(f.Name(), digest); err != nil {
		return Info{}, fmt.Errorf("put blob: %w", err)
	}
	return Info{Digest: digest, Size: size, Touched: s.now()}, nil
}

// putAgain reads bytes that should be here already, without writing them.
func (s *Store) putAgain(ctx context.Context, r io.Reader, want string, limit int64) (Info, error) {
	sum := sha256.New()
	size, err := copyLimited(ctx, sum, r, limit)
	if err != nil {
		return Info{}, fmt.Errorf("put blob: %w", err)
	}
	if _, err := matching(sum, want); err != nil {
		return Info{}, err
	}
	if err := s.touch(want); err != nil {
		// Swept while the bytes came in; they are gone with it.
		return Info{}, fmt.Errorf("put blob: %w", err)
	}
	return Info{Digest: want, Size: size, Touched: s.now()}, nil
}

// adopt gives a synced file its name. Two at once give it the same bytes.
func (s *Store) adopt(temporary, digest string) error {
	path := s.path(digest[len(algorithm):])
	folder := filepath.Dir(path)
	s.mu.Lock()
	err := os.Rename(temporary, path)
	if errors.Is(err, fs.ErrNotExist) { // the folder's first blob
		if err = os.MkdirAll(folder, 0o700); err == nil {
			err = os.Rename(temporary, path)
		}
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	// The root each time: another Put may have made the folder and not have
	// come to its sync yet.
	return errors.Join(syncDir(folder), syncDir(s.dir))
}

// Touch makes a blob young, so that Sweep leaves it for a while; ErrNotFound if
// it is not here.
func (s *Store) Touch(digest string) error {
	name, err := checkDigest(digest)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err := os.Chtimes(s.path(name), now, now); err != nil {
		return missing(digest, err)
	}
	return nil
}

// touch is Touch, and syncs as adopt does: the Put that made the blob may not
// have come so far.
func (s *Store) touch(digest string) error {
	if err := s.Touch(digest); err != nil {
		return err
	}
	path := s.path(digest[len(algorithm):])
	return errors.Join(syncDir(filepath.Dir(path)), syncDir(s.dir))
}

func matching(sum hash.Hash, want string) (string, error) {
	digest := digestOf(sum.Sum(nil))
	if want != "" && digest != want {
		return "", fmt.Errorf("%w: %s, not %s", ErrMismatch, digest, want)
	}
	return digest, nil
}

// copyLimited copies until the end, the limit or the context's end.
func copyLimited(ctx context.Context, w io.Writer, r io.Reader, limit int64) (int64, error) {
	buf := make([]byte, 128<<10)
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := r.Read(buf)
		total += int64(n)
		if total > limit {
			return total, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return total, err
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
