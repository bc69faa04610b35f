package api

import (
	"context"
	"errors"
	"io"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// Errors that a node gives, possibly wrapped. An *Error passes to the client
// as it is; anything else is an internal error, told to the log alone.
var (
	// ErrNoLeader says that nothing was done: no leader was found in time.
	ErrNoLeader = errors.New("no leader")
	// ErrUnknownOutcome says that the command may or may not take effect.
	ErrUnknownOutcome = errors.New("unknown outcome")
	// ErrDiskFull says that nothing was done for want of disk space.
	ErrDiskFull = errors.New("disk full")
	// ErrBusy says that nothing was done since too much is under way.
	ErrBusy = errors.New("busy")
	// ErrNotFound says that what was named does not exist.
	ErrNotFound = errors.New("not found")
)

// Proposer puts commands into the log. It is called by many goroutines at
// once, and finds the leader by itself.
type Proposer interface {
	// Propose returns once the command is fsynced on a majority and applied,
	// with what it came to and its log index. After an error other than
	// ErrUnknownOutcome the command has no effect, ever. The command is not
	// changed and not kept after the return.
	Propose(ctx context.Context, c command.Command) (command.Result, uint64, error)
}

// Consistency is how new a state an answer must come from.
type Consistency uint8

const (
	// Stale is whatever this node has applied.
	Stale Consistency = iota
	// Linearizable is at least as new as the moment of the question.
	Linearizable
)

// Tasks reads tasks from the state that this node has applied. All of it is
// safe for many goroutines, and what it returns may be kept.
type Tasks interface {
	// Index is the log index applied.
	Index() uint64
	// Sync returns when this node has applied minIndex and the level holds,
	// with the index applied then.
	Sync(ctx context.Context, minIndex uint64, level Consistency) (uint64, error)
	// TaskState gives a task without what is stored beside its record; it
	// does no input or output for a task that is alive.
	TaskState(namespace string, id queue.ID) (queue.View, bool, error)
	// Task gives a task with its payload, result and attempts.
	Task(namespace string, id queue.ID) (queue.Detail, bool, error)
	// Arguments are what a run's task was given, put together anew; what is large
	// is a blob that a majority holds. An error other than those below says that
	// they cannot be known any more.
	Arguments(ctx context.Context, id queue.ID) (queue.Payload, error)
	// Tasks lists newest first, f.Limit at most.
	Tasks(ctx context.Context, f queue.Filter) (Page, error)
	// Dead lists dead-lettered tasks, newest first, f.Limit at most.
	Dead(ctx context.Context, f queue.Filter) (Page, error)
	// WaitTask returns nil when the task has ended or is unknown to the
	// applied state, or ctx's error.
	WaitTask(ctx context.Context, namespace string, id queue.ID) error
}

// Page is a part of a list.
type Page struct {
	Items []queue.View
	// Next is where the list goes on (queue.Filter.Before), zero at its end.
	// A page may be short, even empty, while it is set.
	Next queue.ID
}

// Runs reads runs as Tasks reads tasks.
type Runs interface {
	Run(namespace string, id queue.ID) (workflow.View, bool, error)
	// Runs lists newest first, f.Limit at most; next is f.Before of the rest,
	// zero at the end.
	Runs(ctx context.Context, f workflow.Filter) (items []workflow.View, next queue.ID, err error)
	// RunTasks lists a run's nodes that have tasks, those of a Map one by one,
	// in the order of the graph, from the first ordinal after on, limit at most.
	// more says that there are others behind them.
	RunTasks(namespace string, id queue.ID, after uint32, limit int) (nodes []workflow.NodeView, more bool, err error)
	// RunResult is the result of a run that ended by success.
	RunResult(namespace string, id queue.ID) (workflow.Result, error)
	// WaitRun returns nil when the run has ended or is unknown to the applied
	// state, or ctx's error.
	WaitRun(ctx context.Context, namespace string, id queue.ID) error
}

// Queues reads queues, pools and workers as Tasks reads tasks. Lists come
// sorted by name.
type Queues interface {
	Queues(namespace string) []queue.QueueView
	Queue(namespace, name string) (queue.QueueView, bool)
	Pools(namespace string) []queue.PoolView
	Pool(namespace, name string) (queue.PoolView, bool)
	Workers() []queue.WorkerView
}

// Documents reads documents as Tasks reads tasks.
type Documents interface {
	// Document gives one version, 0 being the newest.
	Document(kind, namespace, name string, version uint32) (command.Document, bool)
	// Answered tells of an idempotency key that is known what its request was
	// answered.
	Answered(namespace string, i *command.Idempotency) (command.Result, bool)
	// Documents lists the newest versions by name, from the first name after
	// the given one on, limit at most.
	Documents(kind, namespace, after string, limit int) []command.Document
	// Versions lists all versions of one name, oldest first.
	Versions(kind, namespace, name string) []command.Document
}

// Modules judges uploads.
type Modules interface {
	// Accept reads a module to its end, validates and compiles it, and keeps
	// its bytes as a blob that a majority holds. What it says of the module
	// lacks name, version and time. A module that is wrong gives an *Error
	// with CodeInvalidModule whose detail says what is wrong, where, and what
	// would be right; an error of body passes unchanged.
	Accept(ctx context.Context, namespace, name string, body io.Reader) (wire.Module, error)
}

// Blobs keeps large values by their digest, "sha256:" and 64 hex digits.
type Blobs interface {
	// Put keeps what body yields; it returns when a majority has fsynced it.
	// Where want is not empty and the digest another, the error wraps
	// ErrDigest. An error of body passes unchanged.
	Put(ctx context.Context, body io.Reader, want string) (digest string, size int64, err error)
	// Open gives a blob, from a peer where this node lacks it. ErrNotFound if
	// nobody has it. The reader outlives ctx.
	Open(ctx context.Context, digest string) (io.ReadCloser, int64, error)
}

// ErrDigest says that bytes have another digest than was said.
var ErrDigest = errors.New("digest mismatch")

// LogQuery says what of a task's log is wanted.
type LogQuery struct {
	Attempt uint32 // one alone; 0 is all, in their order
	Follow  bool   // go on with what comes until the task has ended
	After   LogPlace
}

// LogPlace is how far a reader has come: behind so many bytes of an attempt's
// log, as that worker has it. Another that makes the attempt anew begins anew.
type LogPlace struct {
	Attempt uint32 // 0 is the beginning
	Offset  int64
	Worker  string
}

// LogSink takes a log. An error of it ends the reading.
type LogSink interface {
	// Log takes a piece; p is the place behind it.
	Log(p LogPlace, b []byte) error
	// Progress takes the newest that an attempt has told of itself, one JSON
	// text. What comes in quick succession may be passed over.
	Progress(attempt uint32, b []byte) error
}

// Logs reads the logs of attempts, and their progress with them.
type Logs interface {
	// TaskLog hands on what is kept of a task's log, and with Follow what comes
	// until the task has ended or ctx is done.
	TaskLog(ctx context.Context, namespace string, id queue.ID, q LogQuery, to LogSink) error
}

// Cluster tells of the cluster and changes it. Its changes work on any node.
type Cluster interface {
	Status(ctx context.Context) (wire.Cluster, error)
	Join(ctx context.Context, j wire.Join) (wire.Cluster, error)
	// Transfer makes another node the leader; an empty name leaves the choice.
	Transfer(ctx context.Context, to string) error
	Remove(ctx context.Context, node string) error
	// Ready gives nil when this node can serve, or why it cannot.
	Ready() error
}

// Metrics writes what /metrics shows, in the Prometheus text format.
type Metrics interface {
	WriteMetrics(w io.Writer) error
}

// Node is all that the API needs of the node it is in front of.
type Node interface {
	Proposer
	Tasks
	Runs
	Automation
	Queues
	Documents
	Modules
	Blobs
	Logs
	Events
	Cluster
	Metrics
}
