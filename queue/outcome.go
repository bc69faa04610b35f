package queue

// Outcome is how one attempt in a sandbox ended, as the worker tells it.
type Outcome struct {
	OK     bool
	Result []byte // one JSON text when OK; nil is null
	// Blob is the digest of the result where it is larger than MaxInline;
	// Result is nil then.
	Blob   string
	Error  *Error // when not OK
	Usage  Usage
	Log    []byte // the tail of the attempt's log, at most LogTail bytes
	LogLen int64  // bytes the guest wrote to its log in all
	// LogBlob is the digest of the log where it is longer than LogTail.
	LogBlob string
	// Progress is the attempt's last report of itself, one JSON text of at most
	// MaxProgress bytes; nil is none.
	Progress []byte
	// Children are asked for by an attempt that is OK; the leader makes runs of
	// them. Defer, where it is not nil, lets the task wait.
	Children []Child
	Defer    *Deferral
	// Started and Finished are the worker's wall clock, unix nanoseconds;
	// observations for people, never used for decisions.
	Started, Finished int64
}

// LogTail is how much of an attempt's log travels with its completion, bytes.
const LogTail = 4 << 10

// MaxProgress is the longest progress that is kept after an attempt, bytes.
const MaxProgress = 4 << 10

// Usage is what an attempt used.
type Usage struct {
	WallNanos   int64
	CPUNanos    int64
	MemoryBytes int64 // the highest size of the guest's linear memory
}

// Error is why an attempt failed. Type is one of the Err… names below or any
// name that a guest gives.
type Error struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	// ExitCode is the guest's, where the type is exit_code.
	ExitCode int32 `json:"exit_code,omitempty"`
	// Trace is the guest's own stack trace, where there is one.
	Trace string `json:"trace,omitempty"`
	// Retry overrides the policy where the guest asked: nil leaves it.
	Retry *bool `json:"-"`
	// After is the delay before the next attempt that the guest asked for,
	// nanoseconds; 0 leaves it to the policy.
	After int64 `json:"-"`
}

// The error types of an attempt.
const (
	ErrExitCode       = "exit_code"          // a command ended with a code other than 0
	ErrTrap           = "trap"               // unreachable, division by zero, out of bounds …
	ErrTimeout        = "timeout"            // killed at its deadline
	ErrSoftTimeout    = "soft_timeout"       // a host call after the soft limit
	ErrOutOfMemory    = "out_of_memory"      // the memory limit refused growth and the guest gave up
	ErrStackOverflow  = "stack_overflow"     //
	ErrOutputTooLarge = "output_too_large"   //
	ErrInputTooLarge  = "input_too_large"    //
	ErrInputDamaged   = "input_damaged"      // what is stored of the arguments cannot be read
	ErrInvalidOutput  = "invalid_output"     // stdout or OUTPUT is not what output asks for
	ErrExpression     = "expression_error"   //
	ErrCrashed        = "sandbox_crashed"    // the sandbox process died, not by the deadline
	ErrWorkerLost     = "worker_lost"        // the worker's session ended during the attempt
	ErrExpired        = "expired"            // not started before its expires
	ErrRevoked        = "revoked"            //
	ErrReplaced       = "replaced"           // a newer call with its debounce key came
	ErrDependency     = "dependency"         // an upstream failed
	ErrFatal          = "fatal"              // the guest asked for no retry
	ErrUnavailable    = "module_unavailable" // the worker could not load the module
)

// ExitTempFail is EX_TEMPFAIL: a command that ends with it asks for a retry.
const ExitTempFail = 75
