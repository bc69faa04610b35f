package frame

import "encoding/json"

// Asks is what an attempt asks for beside its result. A child writes it, and the
// parent reads it as strictly as whatever else comes from there.
type Asks struct {
	Children []AskedRun `json:"children,omitempty"`
	Defer    *AskedWait `json:"defer,omitempty"`
}

// AskedRun is a canvas to be run, under an id that the child has made.
type AskedRun struct {
	ID     string          `json:"id"`
	Canvas json.RawMessage `json:"canvas"`
}

// AskedWait ends the attempt and lets its task wait.
type AskedWait struct {
	State   json.RawMessage `json:"state,omitempty"`
	Wait    []string        `json:"wait,omitempty"`    // ids of runs
	After   int64           `json:"after,omitempty"`   // nanoseconds
	Replace bool            `json:"replace,omitempty"` // the one run's result is the task's
}

// MaxWait is how many runs a task may wait for at once.
const MaxWait = 1000

// MaxState is the longest state that a task keeps while it waits, bytes.
const MaxState = 64 << 10

// MaxPause is the longest time that a task may ask to wait, nanoseconds: a year.
const MaxPause = 366 * 24 * 3600 * 1e9
