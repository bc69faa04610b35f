package wire

import "encoding/json"

// States of a run.
const (
	RunQueued    = "queued"
	RunRunning   = "running"
	RunSuccess   = "success"
	RunFailed    = "failed"
	RunCancelled = "cancelled"
)

// RunFinal reports whether a run in this state has ended.
func RunFinal(state string) bool {
	return state == RunSuccess || state == RunFailed || state == RunCancelled
}

// MaxRunTasks is how many tasks a run may have to be shown with all of them.
const MaxRunTasks = 1000

// Run is a canvas that was submitted, as GET /v1/runs/{id} shows it. Lists leave
// out Result and Tasks.
type Run struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"` // "task", "chain", "group", "chord", "map", "starmap" or "chunks"
	State  string `json:"state"`
	Paused bool   `json:"paused,omitempty"` // nothing new of it begins
	// Result is the list of a group or a map, else what the last task gave. One that
	// is longer than a value may be is left out, and ResultTooLarge is true then:
	// read the results of its tasks.
	Result         json.RawMessage `json:"result,omitempty"`
	ResultTooLarge bool            `json:"result_too_large,omitempty"`
	// Error is that of the first task that failed it, Cause that task's id.
	Error *Error `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`

	// TaskCount is how many tasks it has at the most, Open how many of its
	// nodes have not ended.
	TaskCount uint32 `json:"task_count"`
	Open      uint32 `json:"open"`
	// Tasks are those that it has, by their node; of maps each one. A run of
	// more than 1,000, or of too much JSON, leaves them out, and TasksTruncated
	// is true then.
	Tasks          map[string]RunTask `json:"tasks,omitempty"`
	TasksTruncated bool               `json:"tasks_truncated,omitempty"`

	CreatedAt  Time              `json:"created_at"`
	FinishedAt Time              `json:"finished_at,omitzero"`
	RemovedAt  Time              `json:"removed_at,omitzero"` // when the run and its tasks go
	Schedule   string            `json:"schedule,omitempty"`  // that it is a run of
	Tick       Time              `json:"tick,omitzero"`       // of the schedule, if it did not begin by hand
	Calls      []string          `json:"calls,omitempty"`     // the first few tasks that it calls, "MODULE.TASK"
	Labels     map[string]string `json:"labels,omitempty"`
}

// RunTask is a task of a run.
type RunTask struct {
	Node   string `json:"node,omitempty"` // left out where it is the key
	TaskID string `json:"task_id"`
	Task   string `json:"task"` // "MODULE.TASK"
	State  string `json:"state"`
	// Callback says that it is one of link or link_error, which do not count
	// for how the run ends.
	Callback     bool            `json:"callback,omitempty"`
	Attempt      uint32          `json:"attempt"`
	Result       json.RawMessage `json:"result,omitempty"`
	ResultDigest string          `json:"result_digest,omitempty"`
	Error        *Error          `json:"error,omitempty"`
	StartedAt    Time            `json:"started_at,omitzero"`
	FinishedAt   Time            `json:"finished_at,omitzero"`
	Worker       string          `json:"worker,omitempty"`
}

// Started answers POST /v1/canvas without ?wait=, and what steers a run.
type Started struct {
	ID     string `json:"id"`
	Kind   string `json:"kind,omitempty"`
	State  string `json:"state"`
	Paused bool   `json:"paused,omitempty"`
}
