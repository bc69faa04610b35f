package wire

import "encoding/json"

// States of a task.
const (
	StatePending        = "pending"
	StateReceived       = "received"
	StateStarted        = "started"
	StateRetry          = "retry"
	StateSuccess        = "success"
	StateFailure        = "failure"
	StateRevoked        = "revoked"
	StateSkipped        = "skipped"
	StateUpstreamFailed = "upstream_failed"
	StateDeferred       = "deferred"
	StateRemoved        = "removed"
)

// Final reports whether a task in this state has ended; nothing about it
// changes then.
func Final(state string) bool {
	switch state {
	case StateSuccess, StateFailure, StateRevoked, StateSkipped, StateUpstreamFailed, StateRemoved:
		return true
	}
	return false
}

// Task is a task as GET /v1/tasks/{id} shows it. Lists leave out Args, Kwargs,
// Input, Result, Labels, Headers and Attempts. Large inputs and results are
// written out like small ones, their digest beside them.
type Task struct {
	ID       string `json:"id"`
	Task     string `json:"task"`             // "MODULE.TASK"
	Shadow   string `json:"shadow,omitempty"` // the name that people see in its place
	Module   string `json:"module"`
	Version  uint32 `json:"version"`
	Queue    string `json:"queue"`
	Priority uint8  `json:"priority"`
	State    string `json:"state"`
	// WaitsFor says of a task that waits for what: "time", "slot",
	// "pool NAME", "concurrency_key KEY", "rate", "paused"; "runs" where it
	// is deferred, for others to end.
	WaitsFor string `json:"waits_for,omitempty"`

	Args        json.RawMessage `json:"args,omitempty"`
	Kwargs      json.RawMessage `json:"kwargs,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"`
	InputDigest string          `json:"input_digest,omitempty"`

	Result       json.RawMessage `json:"result,omitempty"`
	ResultDigest string          `json:"result_digest,omitempty"`
	Error        *Error          `json:"error,omitempty"`

	Attempt  uint32 `json:"attempt"`  // attempts begun, the present one included
	Delivery uint32 `json:"delivery"` // assignments that began
	// Resumes is how often it was deferred.
	Resumes uint32 `json:"resumes,omitempty"`

	CreatedAt  Time `json:"created_at"`
	ReadyAt    Time `json:"ready_at,omitzero"` // when it may run
	ExpiresAt  Time `json:"expires_at,omitzero"`
	StartedAt  Time `json:"started_at,omitzero"`
	FinishedAt Time `json:"finished_at,omitzero"`
	RemovedAt  Time `json:"removed_at,omitzero"` // when the record goes

	// Progress is what the present attempt, or the last one, has told of itself
	// last, as the guest wrote it. It is an observation, which may be missing.
	Progress json.RawMessage `json:"progress,omitempty"`

	Usage  *Usage `json:"usage,omitempty"` // of the last attempt that ended
	Worker string `json:"worker,omitempty"`
	RunID  string `json:"run_id,omitempty"` // the run that it belongs to
	Cause  string `json:"cause,omitempty"`  // the task whose failure kept it from running

	Dead       bool   `json:"dead,omitempty"` // dead-lettered
	ReplayOf   string `json:"replay_of,omitempty"`
	ReplayedAs string `json:"replayed_as,omitempty"`

	UniqueKey        string `json:"unique_key,omitempty"`
	DebounceKey      string `json:"debounce_key,omitempty"` // while a newer call can take its place
	FairnessKey      string `json:"fairness_key,omitempty"`
	ConcurrencyKey   string `json:"concurrency_key,omitempty"`
	ConcurrencyLimit uint32 `json:"concurrency_limit,omitempty"`
	Pool             string `json:"pool,omitempty"`
	PoolSlots        uint32 `json:"pool_slots,omitempty"`

	Labels   map[string]string `json:"labels,omitempty"`
	Redact   []string          `json:"redact,omitempty"` // what is shown as "***"
	Headers  json.RawMessage   `json:"headers,omitempty"`
	LogBytes int64             `json:"log_bytes,omitempty"`
	Attempts []Attempt         `json:"attempts,omitempty"`
}

// Error is why a task or an attempt did not succeed.
type Error struct {
	Type     string `json:"type"`
	Message  string `json:"message"`
	ExitCode int32  `json:"exit_code,omitempty"`
	Trace    string `json:"trace,omitempty"`
	// Expected says that the call names the type among those that it expects.
	Expected bool `json:"expected,omitempty"`
}

// Usage is what an attempt used.
type Usage struct {
	WallMS      float64 `json:"wall_ms"`
	CPUMS       float64 `json:"cpu_ms"`
	MemoryBytes int64   `json:"memory_bytes"`
}

// Attempt is one attempt that ended.
type Attempt struct {
	Number     uint32 `json:"number"`
	Worker     string `json:"worker,omitempty"`
	StartedAt  Time   `json:"started_at,omitzero"`
	FinishedAt Time   `json:"finished_at,omitzero"`
	Error      *Error `json:"error,omitempty"`
	Usage      *Usage `json:"usage,omitempty"`
	LogBytes   int64  `json:"log_bytes,omitempty"`
	// Progress is what it told last, if that was at most 4 KiB.
	Progress json.RawMessage `json:"progress,omitempty"`
}

// Submitted answers POST /v1/tasks without ?wait=.
type Submitted struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Task  string `json:"task,omitempty"`
	Queue string `json:"queue,omitempty"`
}

// Batch answers POST /v1/tasks/batch, the ids in the order of the calls.
type Batch struct {
	IDs []string `json:"ids"`
}

// RevokeMany is the body of POST /v1/tasks/revoke: which tasks to revoke. At
// least one of Labels, Queue and Task is given.
type RevokeMany struct {
	Labels    map[string]string `json:"labels,omitempty"` // that a task has, all of them
	Queue     string            `json:"queue,omitempty"`
	Task      string            `json:"task,omitempty"`      // MODULE.TASK, or MODULE for all of its tasks
	States    []string          `json:"states,omitempty"`    // all that have not ended unless given
	Terminate bool              `json:"terminate,omitempty"` // also those that run
	Limit     int               `json:"limit,omitempty"`     // 10,000 unless given, which is the most
}

// RevokedMany answers it. More says that others were left.
type RevokedMany struct {
	Revoked int  `json:"revoked"`
	More    bool `json:"more"`
}

// Revoke is the body of POST /v1/tasks/{id}/revoke.
type Revoke struct {
	Terminate bool `json:"terminate,omitempty"` // also if it runs
}
