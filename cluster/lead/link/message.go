package link

import (
	"context"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// Hello is how a worker presents itself.
type Hello struct {
	Worker string // stable name, the node's id
	// Incarnation is new for each session that the worker wants: a session of
	// the same one is resumed if it still lives, any older one is ended.
	Incarnation uint64
	Queues      []string // empty: all
	Labels      []string // "key=value", sorted
	// Session is the one that Held belongs to, zero for none.
	Session queue.Fence
	// Held is everything that was pushed and has not been answered for.
	Held []Held
}

// Held is an assignment in the worker's hands.
type Held struct {
	ID    queue.ID
	Fence queue.Fence
	Begun bool // an attempt has begun, whether or not it has ended
}

// Attached is the leader's answer to Hello.
type Attached struct {
	Session queue.Fence
	// Resumed says that it is Hello's session. Otherwise whatever the worker
	// held is void: others may run it already.
	Resumed bool
}

// Push brings news to a worker. Seq counts up by one on each link.
type Push struct {
	Seq         uint64
	Assignments []Assignment
	Kills       []Kill // of assignments pushed before or with it
}

// Assignment is a task to be run.
type Assignment struct {
	Fence    queue.Fence
	ID       queue.ID
	Spec     *queue.Spec // shared among assignments; not to be changed
	Digest   string      // of the module
	Attempt  uint32      // 1 for the first
	Delivery uint32
	Payload  []byte // queue.Payload's bytes
	// Fault says why the task cannot be given its payload, empty for none. With a
	// FaultType that lasts, and the attempt fails with it; without one the task is
	// to be handed back.
	Fault, FaultType string
}

// Kill asks to drop an assignment that has not begun, and with Terminate also
// one that runs.
type Kill struct {
	ID        queue.ID
	Fence     queue.Fence
	Terminate bool
}

// Beat is a worker's sign of life.
type Beat struct {
	Seq   uint64  // of the last push that arrived
	Begun []Begun // what runs, and what ran and is not answered for
}

// Begun is an attempt that has begun.
type Begun struct {
	ID    queue.ID
	Fence queue.Fence
	At    int64 // worker's wall clock, unix nanoseconds
	// Progress is the attempt's newest report of itself, one JSON text; nil
	// where nothing is new.
	Progress []byte
}

// Report is what a worker wants in the log. All of it takes effect in one
// step, the limit first.
type Report struct {
	Limit     Limit
	HandBacks []command.Held
	Results   []command.TaskResult
}

// Limit is a session's credit; Seq 0 is none given.
type Limit struct {
	Seq               uint64
	Running, Prefetch uint32
}

// Answer says that a report is in the log.
type Answer struct {
	// Refused are those of its hand-backs and results whose fence was no
	// longer the task's: somebody else has the task, or nobody any more.
	Refused []queue.Fence
	// Later are those of its results that could not be taken now. They are to be
	// reported again.
	Later []queue.Fence
}

// Conn is one attachment of a worker to the leader, in the same process or over
// a stream. Any error but that of a given ctx ends it for good; the worker
// attaches anew. Recv belongs to one goroutine, the rest may be called by any.
type Conn interface {
	Attached() Attached
	// Recv waits for the next push.
	Recv(ctx context.Context) (Push, error)
	// Beat returns once the leader has heard it.
	Beat(ctx context.Context, b Beat) error
	// Report returns once the report is in the log. An error leaves open
	// whether it is; sending it again does no harm.
	Report(ctx context.Context, r *Report) (Answer, error)
	// End ends the session; begun is what will not be answered for.
	End(ctx context.Context, begun []queue.Fence) error
	Close()
}

// Attacher gives attachments.
type Attacher interface {
	Attach(ctx context.Context, h *Hello) (Conn, error)
}
