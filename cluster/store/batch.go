package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/dgraph-io/badger/v4"
)

// batch is what one checkpoint changes, all or nothing.
type batch struct {
	ops   []record
	bytes int64
}

func (b *batch) put(key, value []byte) { b.add(record{key: key, value: value}) }
func (b *batch) delete(key []byte)     { b.add(record{key: key, deleted: true}) }

func (b *batch) add(r record) {
	b.ops = append(b.ops, r)
	b.bytes += opBytes(r)
}

// opBytes is an upper bound of what Badger counts for one change.
func opBytes(r record) int64 { return int64(len(r.key) + len(r.value) + 16) }

// commit writes a batch, synced, and returns the version at which it is whole.
func (s *Store) commit(b *batch, version uint64) (uint64, error) {
	if s.fits(len(b.ops), b.bytes) {
		return version + 1, s.commitTxn(b.ops, version+1)
	}
	s.log.Info("a checkpoint is too large for one transaction", "keys", len(b.ops), "bytes", b.bytes)
	return s.commitLarge(b.ops, version)
}

func (s *Store) fits(keys int, bytes int64) bool {
	return int64(keys)+2 < s.db.MaxBatchCount() && bytes+64 < s.db.MaxBatchSize()
}

func (s *Store) commitTxn(ops []record, version uint64) error {
	txn := s.db.NewTransactionAt(math.MaxUint64, true)
	defer txn.Discard()
	for i := range ops {
		var err error
		if ops[i].deleted {
			err = txn.Delete(ops[i].key)
		} else {
			err = txn.Set(ops[i].key, ops[i].value)
		}
		if err != nil {
			return err
		}
	}
	wal, mem := sizes(ops)
	if !s.awaitRoom(wal) {
		return ErrClosed
	}
	if err := txn.CommitAt(version, nil); err != nil {
		return err
	}
	return s.wal.committed(wal, mem)
}

// A batch that Badger cannot take in one transaction is first written down as
// a whole under own keys, in parts; then a marker says that it is complete;
// then its changes are made, in parts again, the last of which removes what was
// written down. A crash before the marker leaves the old checkpoint, one after
// it is carried on by Open. Nobody reads the middle: until it is whole, readers
// have the overlay and the old version.
//
//	part    own 'r', number u32 → changes
//	marker  own 'r' → number of parts
const (
	redoFormat = 1
	redoPart   = 512 << 10
)

func redoKey(part uint32) []byte {
	return binary.BigEndian.AppendUint32(ownKey(ownRedo), part)
}

func (s *Store) commitLarge(ops []record, version uint64) (uint64, error) {
	var parts []record
	for rest := ops; len(rest) > 0; {
		var body []byte
		body, rest = encodeOps(rest)
		parts = append(parts, record{key: redoKey(uint32(len(parts))), value: body})
	}
	version, err := s.commitParts(parts, version)
	if err != nil {
		return 0, err
	}
	marker := binary.AppendUvarint([]byte{redoFormat}, uint64(len(parts)))
	version++
	if err := s.commitTxn([]record{{key: ownKey(ownRedo), value: marker}}, version); err != nil {
		return 0, err
	}
	s.opt.seam("marked")
	return s.carryOut(ops, len(parts), version)
}

// carryOut makes the changes of a marked batch.
func (s *Store) carryOut(ops []record, parts int, version uint64) (uint64, error) {
	version, err := s.commitParts(ops, version)
	if err != nil {
		return 0, err
	}
	s.opt.seam("carried out")
	// The marker goes first and alone: without its parts it would be damage.
	version++
	if err := s.commitTxn([]record{{key: ownKey(ownRedo), deleted: true}}, version); err != nil {
		return 0, err
	}
	gone := make([]record, parts)
	for i := range gone {
		gone[i] = record{key: redoKey(uint32(i)), deleted: true}
	}
	return s.commitParts(gone, version)
}

// commitParts writes changes in as many transactions as need be.
func (s *Store) commitParts(ops []record, version uint64) (uint64, error) {
	for len(ops) > 0 {
		n, bytes := 0, int64(0)
		for n < len(ops) && s.fits(n+1, bytes+opBytes(ops[n])) {
			bytes += opBytes(ops[n])
			n++
		}
		if n == 0 {
			return 0, badger.ErrTxnTooBig // fill bounds keys and values below it
		}
		version++
		if err := s.commitTxn(ops[:n], version); err != nil {
			return 0, err
		}
		ops = ops[n:]
	}
	return version, nil
}

// recoverLarge carries on, or forgets, a large batch that a crash cut short.
func (s *Store) recoverLarge() error {
	marker, err := s.Get(ownKey(ownRedo))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	var parts, ops []record
	it := s.iterate(s.version, bounds{prefix: ownKey(ownRedo), from: redoKey(0)})
	defer it.Close()
	for ; it.Valid(); it.Next() {
		parts = append(parts, record{key: it.Item().KeyCopy(nil), deleted: true})
		body, err := it.Item().ValueCopy(nil)
		if err == nil && marker != nil {
			ops, err = decodeOps(body, ops)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case marker == nil:
		s.version, err = s.commitParts(parts, s.version)
	case len(marker) < 2 || marker[0] != redoFormat:
		err = fmt.Errorf("a large checkpoint of an unknown format: %x", marker)
	default:
		if n, _ := binary.Uvarint(marker[1:]); n != uint64(len(parts)) {
			return fmt.Errorf("a large checkpoint has %d parts, not %d", len(parts), n)
		}
		s.version, err = s.carryOut(ops, len(parts), s.version)
	}
	return err
}

// encodeOps writes down about a part's worth of changes.
func encodeOps(ops []record) (body []byte, rest []record) {
	body = []byte{redoFormat}
	for len(ops) > 0 && len(body) < redoPart && (len(body) == 1 || len(body)+len(ops[0].value) < redoPart) {
		r := ops[0]
		body = binary.AppendUvarint(body, uint64(len(r.key)))
		body = append(body, r.key...)
		if r.deleted {
			body = append(body, 0)
		} else {
			body = binary.AppendUvarint(body, uint64(len(r.value))+1)
			body = append(body, r.value...)
		}
		ops = ops[1:]
	}
	return body, ops
}

func decodeOps(body []byte, ops []record) ([]record, error) {
	if len(body) == 0 || body[0] != redoFormat {
		return nil, errors.New("a part of a large checkpoint of an unknown format")
	}
	r := reader{b: body[1:]}
	for len(r.b) > 0 {
		op := record{key: r.bytes(r.uint())}
		if n := r.uint(); n == 0 {
			op.deleted = true
		} else {
			op.value = r.bytes(n - 1)
		}
		if r.bad || len(op.key) == 0 {
			return nil, errors.New("a damaged part of a large checkpoint")
		}
		ops = append(ops, op)
	}
	return ops, nil
}
