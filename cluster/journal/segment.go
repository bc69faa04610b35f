package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A segment is a file of batches, named by the index of its first one. Each
// batch is its length, a checksum, and its bytes; what a crash cut off at the
// end is cut off at the next start.

const segmentSuffix = ".events"

// maxBatch bounds what a damaged length can make a reader allocate: an entry
// makes about 2,000 transitions.
const maxBatch = 16 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errTorn = errors.New("torn batch")

// segment is one file; the last one is being written.
type segment struct {
	path        string
	first, last uint64 // indexes of its batches
	begun       int64  // T of the first batch
	size        int64
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

func isSegment(name string) bool { return strings.HasSuffix(name, segmentSuffix) }

func appendFramed(dst, raw []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(raw)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(raw, castagnoli))
	return append(dst, raw...)
}

// readFramed gives the next batch's bytes: io.EOF at the end, errTorn where it
// is not whole.
func readFramed(r *bufio.Reader) ([]byte, error) {
	var head [8]byte
	switch _, err := io.ReadFull(r, head[:]); {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, errTorn
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxBatch {
		return nil, errTorn
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, errTorn
	}
	if crc32.Checksum(raw, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return nil, errTorn
	}
	return raw, nil
}

// openSegment reads a file through, and cuts off what is not whole.
func openSegment(path string) (*segment, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &segment{path: path}
	r := bufio.NewReaderSize(f, 256<<10)
	for {
		raw, err := readFramed(r)
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		var b batch
		if err == nil {
			b, err = decodeBatch(raw)
		}
		if err != nil {
			return s, f.Truncate(s.size)
		}
		if s.size == 0 {
			s.first, s.begun = b.index, b.time
		}
		s.last = b.index
		s.size += int64(8 + len(raw))
	}
}

// headOf reads only the beginning of a file that another follows, so that a
// start does not take longer the more events are kept. A reader notices what is
// not whole in it.
func headOf(path string) (*segment, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	raw, err := readFramed(bufio.NewReader(f))
	if err != nil { // nothing of it can be read
		return &segment{path: path}, nil
	}
	b, err := decodeBatch(raw)
	if err != nil {
		return &segment{path: path}, nil
	}
	return &segment{path: path, first: b.index, last: b.index, begun: b.time, size: info.Size()}, nil
}

// read calls fn for each batch of a segment from an offset on, and says where
// it came to.
func (s *segment) read(from int64, fn func(*batch) bool) (int64, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return from, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return from, err
	}
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		raw, err := readFramed(r)
		if err != nil { // the end, or a batch that is just being written
			return from, nil
		}
		b, err := decodeBatch(raw)
		if err != nil {
			return from, fmt.Errorf("%s: %w", s.path, err)
		}
		from += int64(8 + len(raw))
		if !fn(&b) {
			return from, nil
		}
	}
}
