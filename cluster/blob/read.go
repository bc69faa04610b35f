package blob

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
)

// File is a blob being read. It stays readable if the blob is removed.
type File struct {
	*os.File
	Size int64
}

// Open reads a blob as it is on the disk; see Verified.
func (s *Store) Open(digest string) (*File, error) {
	name, err := checkDigest(digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, missing(digest, err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("blob %s: %w", digest, err)
	}
	return &File{File: f, Size: st.Size()}, nil
}

// Verified reads a blob and checks it on the way: where the bytes are not what
// they should be, the last Read gives ErrDamaged in place of the end, and the
// blob is put aside, so that it is fetched anew. What was read before that must
// not be used.
func (s *Store) Verified(digest string) (io.ReadCloser, int64, error) {
	f, err := s.Open(digest)
	if err != nil {
		return nil, 0, err
	}
	return &verified{store: s, digest: digest, f: f, sum: sha256.New()}, f.Size, nil
}

// ReadAll reads a whole blob of at most limit bytes, verified.
func (s *Store) ReadAll(digest string, limit int64) ([]byte, error) {
	r, size, err := s.Verified(digest)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, not %d", ErrTooLarge, size, limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := buf.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	return buf.Bytes(), nil
}

type verified struct {
	store  *Store
	digest string
	f      *File
	sum    hash.Hash
	err    error
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.f.Read(p)
	v.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && digestOf(v.sum.Sum(nil)) != v.digest {
		err = fmt.Errorf("%w: %s", ErrDamaged, v.digest)
		v.store.putAside(v.digest)
	}
	v.err = err
	return n, err
}

// Close implements io.Closer.
func (v *verified) Close() error { return v.f.Close() }

// putAside moves a damaged blob out of the way, for a person to look at. If
// even that fails, the next reader finds the damage again.
func (s *Store) putAside(digest string) {
	name := digest[len(algorithm):]
	s.mu.Lock()
	delete(s.checked, digest)
	err := os.Rename(s.path(name), filepath.Join(s.dir, damagedDir, name))
	s.mu.Unlock()
	if err == nil {
		s.onDamaged(digest)
	}
}
