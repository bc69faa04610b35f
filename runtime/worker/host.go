package worker

import (
	"context"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

// Host makes attempts. It decides how many begin at once, and hands back what
// cannot begin soon: a result that neither began nor has an error.
type Host interface {
	// Submit returns at once; done is called once and does not block.
	Submit(a *host.Attempt, done func(host.Result))
	// Kill ends the attempts with this id; they fail with errType.
	Kill(id queue.ID, errType string)
	// Drop hands back the attempts with this id that have not begun.
	Drop(id queue.ID)
	// TakeBack hands back what was submitted longer ago and has not begun.
	TakeBack(olderThan time.Duration)
}

var _ Host = (*host.Host)(nil)

// Modules finds modules by their digest.
type Modules interface {
	// Local gives a module that is at hand; it does not block.
	Local(digest string) (host.Module, bool)
	// Fetch gets a module from wherever it is.
	Fetch(ctx context.Context, digest string) (host.Module, error)
}

// Blobs keeps values that are too large for commands.
type Blobs interface {
	Get(ctx context.Context, digest string) ([]byte, error)
	// Put returns once the value is safe.
	Put(ctx context.Context, value []byte) (digest string, err error)
}
