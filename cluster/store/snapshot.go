package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// A snapshot is one file: a magic line, then frames. The first frame is the
// head, the last one the end; between them lie all pairs in key order.
//
//	frame  length u32, crc32c of the body u32 (both little endian), body
//	head   'h', index, term, time, version
//	pairs  'p', then key length, key, value length, value, as often as fits
//	end    'e', number of pairs, sha256 of all bytes before this frame
const (
	snapshotMagic = "windrow-snapshot 1\n"
	frameHead     = 'h'
	framePairs    = 'p'
	frameEnd      = 'e'
	frameTarget   = 256 << 10
	// frameLimit bounds what a reader allocates: a frame ends after the pair
	// that reaches the target.
	frameLimit = frameTarget + maxValue + 1<<16 + 64
)

// ErrSnapshot says that a snapshot is damaged, cut short or of another format.
var ErrSnapshot = errors.New("unusable snapshot")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// snapshotHead is what a snapshot says of itself. The version is Badger's, kept so
// that what is written after a restore sorts after what came with it.
type snapshotHead struct {
	meta
	version uint64
}

// WriteSnapshot writes a checkpoint and then all that it holds, whatever is
// applied meanwhile. It reads every checksum first: an iterator of Badger's
// passes silently over what a damaged block held.
func (s *Store) WriteSnapshot(ctx context.Context, w io.Writer) (index, term uint64, err error) {
	if err := s.Checkpoint(ctx); err != nil {
		return 0, 0, fmt.Errorf("write snapshot: %w", err)
	}
	if !s.life.enter() {
		return 0, 0, ErrClosed
	}
	defer s.life.leave()
	s.mu.RLock()
	version := s.version
	release := s.readers.take(version)
	s.mu.RUnlock()
	defer release()
	if err := verify(s.db); err != nil {
		return 0, 0, damaged(s.opt.Dir, err)
	}
	m, err := s.readMeta(version)
	if err != nil {
		return 0, 0, damaged(s.opt.Dir, err)
	}
	sw := newSnapshotWriter(w)
	sw.head(snapshotHead{meta: m, version: version})
	if err := s.writePairs(ctx, sw, version); err != nil {
		return 0, 0, fmt.Errorf("write snapshot: %w", err)
	}
	if err := sw.finish(); err != nil {
		return 0, 0, fmt.Errorf("write snapshot: %w", err)
	}
	return m.index, m.term, nil
}

func (s *Store) writePairs(ctx context.Context, sw *snapshotWriter, version uint64) error {
	it := s.iterate(version, bounds{})
	defer it.Close()
	for n := 0; it.Valid(); it.Next() {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		item := it.Item()
		err := item.Value(func(v []byte) error { return sw.pair(item.Key(), v) })
		if err != nil {
			return err
		}
	}
	return nil
}

// snapshotWriter frames pairs and remembers the first error.
type snapshotWriter struct {
	w     *bufio.Writer
	sum   hash.Hash
	body  []byte
	pairs uint64
	err   error
}

func newSnapshotWriter(w io.Writer) *snapshotWriter {
	sw := &snapshotWriter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New(), body: []byte{framePairs}}
	sw.write([]byte(snapshotMagic))
	return sw
}

func (sw *snapshotWriter) write(b []byte) {
	if sw.err != nil {
		return
	}
	sw.sum.Write(b)
	_, sw.err = sw.w.Write(b)
}

func (sw *snapshotWriter) frame(body []byte) {
	var h [8]byte
	binary.LittleEndian.PutUint32(h[:4], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[4:], crc32.Checksum(body, castagnoli))
	sw.write(h[:])
	sw.write(body)
}

func (sw *snapshotWriter) head(h snapshotHead) {
	b := binary.AppendUvarint([]byte{frameHead}, h.index)
	b = binary.AppendUvarint(b, h.term)
	b = binary.AppendVarint(b, h.time)
	sw.frame(binary.AppendUvarint(b, h.version))
}

func (sw *snapshotWriter) pair(key, value []byte) error {
	sw.body = binary.AppendUvarint(sw.body, uint64(len(key)))
	sw.body = append(sw.body, key...)
	sw.body = binary.AppendUvarint(sw.body, uint64(len(value)))
	sw.body = append(sw.body, value...)
	sw.pairs++
	if len(sw.body) >= frameTarget {
		sw.flush()
	}
	return sw.err
}

func (sw *snapshotWriter) flush() {
	if len(sw.body) > 1 {
		sw.frame(sw.body)
		sw.body = sw.body[:1]
	}
}

func (sw *snapshotWriter) finish() error {
	sw.flush()
	b := binary.AppendUvarint([]byte{frameEnd}, sw.pairs)
	sw.frame(sw.sum.Sum(b))
	if sw.err != nil {
		return sw.err
	}
	return sw.w.Flush()
}

// readSnapshot checks a snapshot and hands its pairs on, in order; their
// slices hold during the call only. Until it returns nil nothing it handed on
// may be trusted.
func readSnapshot(r io.Reader, pair func(h snapshotHead, key, value []byte) error) (snapshotHead, error) {
	sr := &snapshotReader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), pair: pair}
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(sr.r, magic); err != nil || string(magic) != snapshotMagic {
		return snapshotHead{}, fmt.Errorf("%w: it does not begin with %q", ErrSnapshot, snapshotMagic)
	}
	sr.sum.Write(magic)
	for !sr.ended {
		if err := sr.frame(); err != nil {
			return snapshotHead{}, fmt.Errorf("after %d pairs: %w", sr.pairs, err)
		}
	}
	if _, err := sr.r.ReadByte(); err != io.EOF {
		return snapshotHead{}, fmt.Errorf("%w: more follows its end", ErrSnapshot)
	}
	return sr.h, nil
}

type snapshotReader struct {
	r     *bufio.Reader
	sum   hash.Hash
	pair  func(h snapshotHead, key, value []byte) error
	body  []byte
	last  []byte // the greatest key so far
	h     snapshotHead
	begun bool
	ended bool
	pairs uint64
}

func (sr *snapshotReader) frame() error {
	var h [8]byte
	if _, err := io.ReadFull(sr.r, h[:]); err != nil {
		return fmt.Errorf("%w: cut short: %w", ErrSnapshot, err)
	}
	n := binary.LittleEndian.Uint32(h[:4])
	if n == 0 || n > frameLimit {
		return fmt.Errorf("%w: a frame of %d bytes", ErrSnapshot, n)
	}
	if uint32(cap(sr.body)) < n {
		sr.body = make([]byte, n)
	}
	body := sr.body[:n]
	if _, err := io.ReadFull(sr.r, body); err != nil {
		return fmt.Errorf("%w: cut short: %w", ErrSnapshot, err)
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(h[4:]) {
		return fmt.Errorf("%w: a frame's checksum is wrong", ErrSnapshot)
	}
	if err := sr.take(body); err != nil {
		return err
	}
	sr.sum.Write(h[:])
	sr.sum.Write(body)
	return nil
}

func (sr *snapshotReader) take(body []byte) error {
	r := reader{b: body[1:]}
	switch {
	case body[0] == frameHead && !sr.begun:
		sr.begun = true
		sr.h = snapshotHead{meta: meta{index: r.uint(), term: r.uint(), time: r.int()}, version: r.uint()}
	case body[0] == framePairs && sr.begun:
		for len(r.b) > 0 {
			if err := sr.takePair(&r); err != nil {
				return err
			}
		}
	case body[0] == frameEnd && sr.begun:
		sr.ended = true
		if n := r.uint(); n != sr.pairs {
			return fmt.Errorf("%w: it says %d pairs", ErrSnapshot, n)
		}
		if !bytes.Equal(r.bytes(sha256.Size), sr.sum.Sum(nil)) {
			return fmt.Errorf("%w: its checksum is wrong", ErrSnapshot)
		}
	default:
		return fmt.Errorf("%w: a frame of kind %q", ErrSnapshot, body[0])
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: a damaged frame", ErrSnapshot)
	}
	return nil
}

func (sr *snapshotReader) takePair(r *reader) error {
	key := r.bytes(r.uint())
	value := r.bytes(r.uint())
	if r.bad || len(key) == 0 || len(key) > maxKey || len(value) > maxValue {
		return fmt.Errorf("%w: a damaged pair", ErrSnapshot)
	}
	if bytes.Compare(key, sr.last) <= 0 {
		return fmt.Errorf("%w: keys out of order", ErrSnapshot)
	}
	sr.last = append(sr.last[:0], key...)
	sr.pairs++
	return sr.pair(sr.h, key, value)
}
