package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestTail hurts each eight bytes of a log in turn. Where a frame's head is
// hit the log would lose what follows without a word, unless it is the last
// write, which a crash may have torn.
func TestTail(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	s.fill("a", 30, 200)
	s.crash()
	dir := filepath.Join(s.dir, "raft")
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := checkTail(dir); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	end := len(whole)
	for whole[end-1] == 0 {
		end--
	}
	whole = whole[:end+4096] // of what is allocated beforehand
	last := lastWrite(whole)
	found := 0
	for at := walFileHead; at < end; at += walFrameHead {
		hurt := append([]byte(nil), whole...)
		hurt[at] ^= 0x5a
		if err := os.WriteFile(names[0], hurt, 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkTail(dir)
		if isHead(whole, at) && at < last {
			found++
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("a frame's head at %d of %d: %v", at, end, err)
			}
		} else if err != nil {
			t.Errorf("no frame's head but %d of %d: %v", at, end, err)
		}
	}
	if found < 60 {
		t.Errorf("%d heads of frames", found)
	}
	// A torn write: any part of the last one may be missing.
	for cut := last; cut < end; cut += 3 {
		torn := append([]byte(nil), whole...)
		clear(torn[cut:])
		if err := os.WriteFile(names[0], torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkTail(dir); err != nil {
			t.Errorf("torn at %d of %d..%d: %v", cut, last, end, err)
		}
	}
}

// isHead reports whether a frame begins at a place.
func isHead(b []byte, place int) bool {
	for at := int64(walFileHead); ; {
		size, ok := frameSize(b[at:])
		if !ok || at >= int64(place) {
			return at == int64(place) && ok
		}
		at += size
	}
}

// lastWrite is where the last write begins.
func lastWrite(b []byte) (from int) {
	begin := walFileHead
	for at := int64(walFileHead); ; {
		size, ok := frameSize(b[at:])
		if !ok {
			return from
		}
		if b[at] == walCommit {
			from, begin = begin, int(at+size)
		}
		at += size
	}
}
