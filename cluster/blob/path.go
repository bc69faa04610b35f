package blob

import (
	"errors"
	"fmt"
	"io"
)

// Path is the file of a blob that is here, for readers that need a file and
// not a stream; ErrNotFound if it is not here. Its content never changes, and
// is checked when the process asks for it the first time: what is damaged
// counts as not here, so that it is fetched anew.
func (s *Store) Path(digest string) (string, error) {
	if _, err := s.Stat(digest); err != nil {
		return "", err
	}
	name, err := checkDigest(digest)
	if err != nil {
		return "", err
	}
	if err := s.check(digest); err != nil {
		return "", err
	}
	return s.path(name), nil
}

func (s *Store) check(digest string) error {
	s.mu.Lock()
	_, done := s.checked[digest]
	s.mu.Unlock()
	if done {
		return nil
	}
	r, _, err := s.Verified(digest)
	if err != nil {
		return err
	}
	defer r.Close()
	switch _, err := io.Copy(io.Discard, r); {
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case err != nil:
		return fmt.Errorf("check blob: %w", err)
	}
	s.mu.Lock()
	s.checked[digest] = struct{}{}
	s.mu.Unlock()
	return nil
}
