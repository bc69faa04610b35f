package blob

// Path is the file of a blob that is here, for readers that need a file and
// not a stream; ErrNotFound if it is not here. Its content never changes.
func (s *Store) Path(digest string) (string, error) {
	if _, err := s.Stat(digest); err != nil {
		return "", err
	}
	name, err := checkDigest(digest)
	if err != nil {
		return "", err
	}
	return s.path(name), nil
}
