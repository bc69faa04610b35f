package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// The log on disk takes everything after the first unreadable frame of its
// newest file for a write that a crash tore, and forgets it. A torn write can
// only be the last one: where a whole write follows, the frame is damaged, and
// what would be forgotten was acknowledged.

// Of the format of raft-wal's segment files: frames of eight bytes head and a
// body padded to eight, writes that end in a frame with their checksum.
const (
	walFileHead  = 32
	walFrameHead = 8
	walEntry     = 1
	walIndex     = 2
	walCommit    = 3
)

// tailBeyond is how far behind an unreadable frame a whole write is looked
// for: further than an entry is long.
const tailBeyond = 4 << 20

// checkTail fails if the log's newest file is damaged before its end.
func checkTail(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil || len(names) == 0 {
		return err
	}
	name := slices.Max(names) // which begin with their first index
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := tailEnd(&window{f: f})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	rest := make([]byte, tailBeyond)
	n, err := f.ReadAt(rest, end)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if at, found := wholeWrite(rest[:n]); found {
		return fmt.Errorf("%w: %s cannot be read at byte %d, but what was written after it can, at byte %d", ErrDamaged, name, end, end+int64(at))
	}
	return nil
}

// window reads a file from its beginning to its end in large pieces.
type window struct {
	f  io.ReaderAt
	at int64
	b  []byte
}

// windowSize is large enough for a system call to cost nothing beside it.
const windowSize = 1 << 20

// ReadAt implements io.ReaderAt.
func (w *window) ReadAt(p []byte, at int64) (int, error) {
	if at < w.at || at+int64(len(p)) > w.at+int64(len(w.b)) {
		b := w.b[:cap(w.b)]
		if len(b) == 0 {
			b = make([]byte, windowSize)
		}
		n, err := w.f.ReadAt(b, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		w.at, w.b = at, b[:n]
	}
	if n := copy(p, w.b[at-w.at:]); n < len(p) {
		return n, io.EOF
	}
	return len(p), nil
}

// tailEnd is where the frames that can be followed from the file's beginning
// end.
func tailEnd(f io.ReaderAt) (int64, error) {
	var head [walFrameHead]byte
	for at := int64(walFileHead); ; {
		if _, err := f.ReadAt(head[:], at); errors.Is(err, io.EOF) {
			return at, nil
		} else if err != nil {
			return 0, err
		}
		size, ok := frameSize(head[:])
		if !ok {
			return at, nil
		}
		at += size
	}
}

// frameSize is what a frame takes up, by its head; false where it is none.
func frameSize(head []byte) (int64, bool) {
	switch head[0] {
	case walCommit:
		return walFrameHead, true
	case walEntry, walIndex:
		body := int64(binary.LittleEndian.Uint32(head[4:]))
		return walFrameHead + (body+7)&^7, true
	}
	return 0, false
}

// wholeWrite looks for frames that end in their own checksum, at multiples of
// eight.
func wholeWrite(b []byte) (int, bool) {
	for from := walFrameHead; from+walFrameHead <= len(b); from += walFrameHead {
		if b[from] != walEntry || b[from+1]|b[from+2]|b[from+3] != 0 {
			continue
		}
		for at := int64(from); at+walFrameHead <= int64(len(b)); {
			size, ok := frameSize(b[at:])
			if !ok {
				break
			}
			if b[at] == walCommit {
				if crc32.Checksum(b[from:at], castagnoli) == binary.LittleEndian.Uint32(b[at+4:]) {
					return from, true
				}
				break
			}
			at += size
		}
	}
	return 0, false
}
