package cluster

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/hashicorp/raft"
)

// A backup is a line that names the format, the shard's snapshot, the entry it
// stands at with its term, and a SHA-256 of everything before it.
const (
	backupHead = "windrow backup 1\n"
	backupTail = 8 + 8 + sha256.Size
)

// ErrBackup says that a file is no backup, or a damaged one.
var ErrBackup = errors.New("not a whole backup of this version")

// Backup writes everything that was acknowledged before the call. It does not
// hold blobs. What it wrote is of use only if it returns no error.
func (n *Node) Backup(ctx context.Context, w io.Writer) error {
	index, err := n.ReadIndex(ctx)
	if err != nil {
		return err
	}
	if err := n.shard.Checkpoint(ctx); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	sum := sha256.New()
	buf := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<20)
	if _, err := buf.WriteString(backupHead); err != nil {
		return err
	}
	at, term, err := n.shard.WriteSnapshot(ctx, buf)
	if err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if at < index {
		return fmt.Errorf("backup stands at entry %d, wanted %d", at, index)
	}
	tail := binary.BigEndian.AppendUint64(nil, at)
	tail = binary.BigEndian.AppendUint64(tail, term)
	if _, err := buf.Write(tail); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return err
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// Restore replaces the state of the whole cluster by a backup. Only the leader
// can; elsewhere it is ErrNotLeader. Whoever leads is announced anew
// afterwards, since nothing known of the state before still holds. Indexes may
// go back: reads that wait for one from before the restore may wait long.
func (n *Node) Restore(ctx context.Context, r io.Reader) error {
	if l, _ := n.Leadership(); !l.Self {
		return ErrNotLeader
	}
	f, err := os.CreateTemp(n.cfg.Folder.Path("raft", "snapshots"), "restore-*.data")
	if err != nil {
		return fmt.Errorf("keep backup: %w", err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }()
	meta, err := readBackup(r, f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(int64(len(backupHead)), io.SeekStart); err != nil {
		return err
	}
	if err := n.raft.Restore(meta, io.LimitReader(bufio.NewReaderSize(f, 1<<20), meta.Size), restoreLimit(ctx)); err != nil {
		return fmt.Errorf("restore backup: %w", err)
	}
	n.log.Info("backup restored", "index", meta.Index)
	for _, leads := range []bool{false, true} { // if it no longer does, lead finds out
		select {
		case n.notify <- leads:
		case <-n.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// restoreLimit is how long Raft may take to begin with it.
func restoreLimit(ctx context.Context) time.Duration {
	if d, ok := ctx.Deadline(); ok {
		return max(time.Until(d), time.Millisecond)
	}
	return changeLimit
}

// readBackup copies a backup into f and checks it whole.
func readBackup(r io.Reader, f io.ReadWriteSeeker) (*raft.SnapshotMeta, error) {
	size, err := io.Copy(f, r)
	if err != nil {
		return nil, fmt.Errorf("receive backup: %w", err)
	}
	body := size - backupTail
	if body < int64(len(backupHead)) {
		return nil, ErrBackup
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	sum := sha256.New()
	in := io.TeeReader(bufio.NewReaderSize(f, 1<<20), sum)
	head := make([]byte, len(backupHead))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != backupHead {
		return nil, errors.Join(ErrBackup, err)
	}
	if _, err := io.CopyN(io.Discard, in, body-int64(len(head))); err != nil {
		return nil, err
	}
	return readTail(in, sum, body-int64(len(head)))
}

func readTail(in io.Reader, sum hash.Hash, size int64) (*raft.SnapshotMeta, error) {
	var place [16]byte
	if _, err := io.ReadFull(in, place[:]); err != nil {
		return nil, err
	}
	want := sum.Sum(nil)
	got := make([]byte, sha256.Size)
	if _, err := io.ReadFull(in, got); err != nil {
		return nil, err
	}
	if string(got) != string(want) {
		return nil, fmt.Errorf("%w: checksum", ErrBackup)
	}
	return &raft.SnapshotMeta{
		Version: raft.SnapshotVersionMax, Size: size,
		Index: binary.BigEndian.Uint64(place[:8]), Term: binary.BigEndian.Uint64(place[8:]),
	}, nil
}
