package queue

// View is a task as a reader sees it, alive or ended.
type View struct {
	ID    ID
	Spec  Spec
	State State
	// Dead says that the task is dead-lettered: too many deliveries.
	Dead bool
	// ReplayedAs is the task that ran a dead-lettered one anew, ReplayOf the
	// other way round.
	ReplayOf, ReplayedAs ID
	// Run is the run that it belongs to, Cause the task whose failure kept it
	// from running; zero for none.
	Run, Cause       ID
	Attempt          uint32 // attempts begun so far as the log knows, the present one included
	Delivery         uint32 // assignments that began
	CreatedAt        int64  // T of the acceptance
	ReadyAt          int64  // when it may run: its ETA or its next attempt
	ExpiresAt        int64  // 0 for never
	StartedAt        int64  // worker's clock, of the last attempt
	FinishedAt       int64  // T of the end, 0 while alive
	RemovedAt        int64  // when the record and its result go, 0 while alive
	Worker           string // of the last assignment
	Fence            Fence  // of the present assignment
	FairnessKey      string
	UniqueKey        string
	ConcurrencyKey   string
	ConcurrencyLimit uint32
	// Shadow is the name that people see in place of the task's; DebounceKey is
	// there while a newer call can still replace the task.
	Shadow, DebounceKey string
	Error               *Error
	Usage               Usage
	LogLen              int64
	ResultBlob          string
	// WaitsFor says, of a task that waits, for what: "time", "slot",
	// "pool NAME", "concurrency_key KEY", "rate", "paused", "runs".
	WaitsFor string
	// Resumes is how often it was deferred.
	Resumes uint32
	// Progress is what the present attempt has told of itself last, one JSON
	// text: an observation, which only some nodes have.
	Progress []byte
}

// Attempt is one finished attempt in a task's history.
type Attempt struct {
	Number     uint32
	Worker     string
	StartedAt  int64
	FinishedAt int64
	Error      *Error // nil for success
	Usage      Usage
	LogLen     int64
	LogTail    []byte
	LogBlob    string // digest of the whole log where it is longer than its tail
	Progress   []byte // the last that it told, one JSON text
}

// Detail is a task with all that is stored beside its record.
type Detail struct {
	View
	Payload  Payload
	Result   []byte // inline result as JSON, nil where there is none
	Attempts []Attempt
}

// Filter picks tasks for a list, newest first. Zero fields pick all.
type Filter struct {
	Namespace    string
	States       []State
	Task         string // "MODULE.TASK", or "MODULE." for all of a module
	Queue        string
	Worker       string            // that has or had it last
	Since, Until int64             // bounds of CreatedAt, [Since, Until)
	Labels       map[string]string // that a task has, all of them
	Before       ID                // cursor: only ids below this one; zero starts at the newest
	Limit        int
}

// QueueView is the state of one queue.
type QueueView struct {
	Namespace, Name                   string
	Pending, Scheduled, Running, Dead int
	OldestReadyAt                     int64 // of the longest waiting ready task, 0 for none
	Paused                            bool
	Rate                              Rate
	DeadTTL                           int64 // how long dead letters stay
}

// WorkerView is one worker's open session.
type WorkerView struct {
	Session           Fence
	Worker            string
	Incarnation       uint64
	Queues, Labels    []string
	Running, Prefetch uint32
	Outstanding       uint32
	Held              bool // silent: gets nothing new
	OpenedAt          int64
	// Asked is the credit that the worker would take, Limit what it is bound
	// to, 0 for nothing, Drained that it gets nothing new until it is resumed.
	Asked, Limit uint32
	Drained      bool
}

// PoolView is a pool with its use.
type PoolView struct {
	Namespace, Name string
	Slots, Used     uint32
	Waiting         int
}
