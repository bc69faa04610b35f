package worker

import (
	"context"

	"github.com/windrow-dev/windrow/queue"
)

// Leader gives links. Attach fails where no leader can be reached now.
type Leader interface {
	Attach(ctx context.Context, h *Hello) (Link, error)
}

// Link is one attachment to the leader. Any error but that of a given ctx ends
// it for good. Recv belongs to one goroutine, the rest may be called by any.
type Link interface {
	Attached() Attached
	// Recv waits for the next push.
	Recv(ctx context.Context) (Push, error)
	// Beat returns once the leader has heard it.
	Beat(ctx context.Context, b Beat) error
	// Report returns once the report has been committed. After an error it may
	// or may not have been; it can be sent again.
	Report(ctx context.Context, r *Report) (Answer, error)
	// End ends the session; begun is what will not be answered for.
	End(ctx context.Context, begun []queue.Fence) error
	Close()
}

// Hello is how the worker presents itself.
type Hello struct {
	Worker         string
	Incarnation    uint64
	Queues, Labels []string
	// Session is the one that Held belongs to, zero for none.
	Session queue.Fence
	Held    []Held
}

// Held is an assignment that has not been answered for.
type Held struct {
	ID    queue.ID
	Fence queue.Fence
	Begun bool
}

// Attached is the answer to a hello. Where the session was not resumed,
// everything held is void.
type Attached struct {
	Session queue.Fence
	Resumed bool
}

// Push brings news. Seq counts up by one on each link.
type Push struct {
	Seq         uint64
	Assignments []Assignment
	Kills       []Kill
}

// Assignment is a task to be run.
type Assignment struct {
	Fence    queue.Fence
	ID       queue.ID
	Spec     *queue.Spec // shared; not to be changed
	Digest   string      // of the module
	Attempt  uint32
	Delivery uint32
	Payload  []byte // queue.Payload's bytes
	// Fault says why the leader cannot give the payload. With a FaultType that
	// lasts; without one the assignment is to be handed back.
	Fault, FaultType string
}

// Kill asks to drop an assignment that has not begun, and with Terminate also
// one that runs.
type Kill struct {
	ID        queue.ID
	Fence     queue.Fence
	Terminate bool
}

// Beat is a sign of life.
type Beat struct {
	Seq   uint64 // of the last push that arrived
	Begun []Begun
}

// Begun is an attempt that has begun.
type Begun struct {
	ID    queue.ID
	Fence queue.Fence
	At    int64 // wall clock, unix nanoseconds
	// Progress is the attempt's newest report of itself, one JSON text; nil
	// where there is none, or none since it was told last.
	Progress []byte
}

// Report is what shall be committed, all in one step, the limit first.
type Report struct {
	Limit     Limit
	HandBacks []HandBack
	Results   []Result
}

// HandBack returns an assignment that has not begun.
type HandBack struct {
	ID    queue.ID
	Fence queue.Fence
}

// Result is the end of an attempt.
type Result struct {
	ID      queue.ID
	Fence   queue.Fence
	Outcome queue.Outcome
	Blobs   []string // that the result refers to
}

// Limit is how many assignments may be outstanding; Seq 0 is none given.
type Limit struct {
	Seq               uint64
	Running, Prefetch uint32
}

// Answer says that a report is committed.
type Answer struct {
	// Refused are those whose task belongs to somebody else by now.
	Refused []queue.Fence
	// Later are those of its results that could not be taken now.
	Later []queue.Fence
}
