package blob

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestPath_doesNotGiveWhatIsDamaged puts a damaged blob aside instead, and
// gives the file once it has been put again.
func TestPath_doesNotGiveWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	put := func() string {
		t.Helper()
		i, err := s.Put(t.Context(), strings.NewReader("a module"), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		return i.Digest
	}
	d := put()
	path, err := s.Path(d)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = OpenStore(dir); err != nil { // another process
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a rodule"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Path(d); !errors.Is(err, ErrNotFound) || !errors.Is(err, ErrDamaged) {
		t.Fatalf("gave %q, %v", got, err)
	}
	if s.Has(d) {
		t.Error("the damaged blob still counts as here")
	}
	put()
	if got, err := s.Path(d); err != nil || got != path {
		t.Fatalf("put again: %q, %v", got, err)
	}
}
