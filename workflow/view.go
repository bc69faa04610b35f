package workflow

import "github.com/windrow-dev/windrow/queue"

// RunState is where a run stands.
type RunState uint8

// The states of a run; the last three are final.
const (
	Queued RunState = iota + 1
	Running
	Success
	Failed
	Cancelled
)

var runStates = [...]string{"", "queued", "running", "success", "failed", "cancelled"}

// String gives the name that users see.
func (s RunState) String() string { return runStates[min(int(s), len(runStates)-1)] }

// ParseRunState is the inverse of String.
func ParseRunState(name string) (RunState, bool) {
	for i, n := range runStates {
		if i > 0 && n == name {
			return RunState(i), true
		}
	}
	return 0, false
}

// Final reports whether the run has ended.
func (s RunState) Final() bool { return s >= Success }

// View is a run as a reader sees it, alive or ended.
type View struct {
	ID         queue.ID
	Namespace  string
	Kind       string // "chain", "group" … of a canvas
	State      RunState
	Paused     bool
	CreatedAt  int64 // T of the acceptance
	FinishedAt int64 // T of the end, 0 while alive
	RemovedAt  int64 // when the run and its tasks go, 0 while alive
	Meta       []byte
	Nodes      uint32   // of the graph
	Tasks      uint32   // that it makes at the most
	Open       uint32   // nodes that have not ended
	Cause      queue.ID // the task that made it fail, or zero
	Error      *queue.Error
}

// Result is what a run that ended by success gives: a JSON text, or the digest
// of one, which the server that was asked has.
type Result struct {
	JSON []byte
	Blob string
	// TooLarge says that no server puts it together: there are its tasks' results.
	TooLarge bool
}

// NodeView is a node of a run, or one task of a Map, as a reader sees it.
type NodeView struct {
	Node     uint32
	Name     string // of a task of a Map with its place behind it: "map-3"
	Callback bool
	// Task is the node's task. While the node waits, or has ended without its
	// task having run, only ID, Spec and State of it are set.
	Task queue.View
	// Result is the task's, where it is short enough to be inline.
	Result []byte
}

// Filter picks runs for a list, newest first. Zero fields pick all.
type Filter struct {
	Namespace    string
	States       []RunState
	Kind         string
	Since, Until int64 // bounds of CreatedAt, [Since, Until)
	Before       queue.ID
	Limit        int
}
