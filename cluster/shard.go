package cluster

import (
	"context"
	"io"

	"github.com/windrow-dev/windrow/cluster/command"
)

// Shard is the state that the log feeds. Memory is its truth; what it has on
// disk may lag behind, and the log keeps what is not there yet.
type Shard interface {
	// Apply carries out one log entry and gives a result for each of its
	// commands. It is called by one goroutine, in log order, and skips an entry
	// at or below AppliedIndex, giving nil. It keeps no reference to entry's
	// array beyond what command.DecodeBatch aliases. A fault is a panic: the
	// node halts rather than diverge.
	Apply(index, term uint64, entry []byte) []command.Result
	// AppliedIndex is the newest entry that Apply has finished. It may be
	// called at any time by anybody, and is cheap.
	AppliedIndex() uint64
	// Time is the newest time T that Apply has seen, so that the machine's time
	// never goes back, not even over a restart that replays nothing.
	Time() int64
	// DurableIndex is the newest entry that would survive a crash without the
	// log. It never goes back.
	DurableIndex() uint64
	// Checkpoint makes everything applied before the call durable.
	Checkpoint(ctx context.Context) error
	// WriteSnapshot writes one consistent state, alongside Apply, and says at
	// which entry it stands.
	WriteSnapshot(ctx context.Context, w io.Writer) (index, term uint64, err error)
	// Restore replaces everything by what WriteSnapshot wrote, durably, or
	// fails and leaves everything as it was. It never runs alongside Apply.
	Restore(r io.Reader) error
}
