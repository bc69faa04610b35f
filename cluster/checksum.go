package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// Every entry carries a checksum of its own, from its leader's memory to
// wherever it is read: the log on disk checks its newest write only, and takes
// whatever stands in the older ones for what was written.

// ErrDamaged says that an entry of the log is not what was written.
var ErrDamaged = errors.New("the log is damaged")

// damagedAdvice is what to do about files that cannot be trusted any more.
const damagedAdvice = "a server of several is removed from the cluster, its data folder emptied, and joins anew; " +
	"a single one needs a backup restored"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(l *raft.Log) uint32 {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[:], l.Index)
	binary.LittleEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, l.Data)
}

// sign gives an entry its checksum, or holds it to the one it came with.
func sign(l *raft.Log) error {
	if len(l.Extensions) != 0 {
		return verify(l)
	}
	l.Extensions = binary.LittleEndian.AppendUint32(nil, checksum(l))
	return nil
}

// verify fails for an entry that is not what its leader made. Entries of
// before there were checksums pass.
func verify(l *raft.Log) error {
	if len(l.Extensions) == 0 {
		return nil
	}
	if len(l.Extensions) != 4 || binary.LittleEndian.Uint32(l.Extensions) != checksum(l) {
		return fmt.Errorf("%w: entry %d of term %d does not fit its checksum", ErrDamaged, l.Index, l.Term)
	}
	return nil
}

// openWAL opens the log on disk; its index answers damage with a panic.
func openWAL(open func() (*wal.WAL, error)) (w *wal.WAL, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, fault)
		}
	}()
	return open()
}

// verifyRest looks at all that is yet to be applied, so that a node with a
// damaged log does not begin.
func (s *logStore) verifyRest(applied uint64) error {
	first, err := s.FirstIndex()
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	last, err := s.LastIndex()
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	for i := max(first, applied+1); i <= last && i > 0; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			return fmt.Errorf("read log entry %d: %w", i, err)
		}
	}
	return nil
}
