package queue

// State is where a task stands. Only the state machine moves it.
type State uint8

// The states of a task. A crash of any node moves none of them: what was
// received or started is assigned anew once its worker's session has ended.
const (
	// Pending is stored and waits for its time, its turn, a limit or a slot.
	// An assignment moves it to Received; revoke or expiry to Revoked.
	Pending State = iota + 1
	// Received is assigned to a worker's session. The worker's completion
	// moves it on; a hand-back or a lost worker moves it back to Pending.
	Received
	// Started runs in a sandbox. It is an observation of the leader that may
	// vanish; the state machine itself keeps such a task as Received.
	Started
	// Retrying ("retry") waits for its next attempt after a failed one.
	Retrying
	// Success, Failure and Revoked are final.
	Success
	Failure
	Revoked
	// Skipped, UpstreamFailed, Deferred and Removed occur in workflows.
	Skipped
	UpstreamFailed
	Deferred
	Removed
)

var stateNames = [...]string{"", "pending", "received", "started", "retry", "success", "failure", "revoked",
	"skipped", "upstream_failed", "deferred", "removed"}

// String gives the name that users see.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

// ParseState is the inverse of String.
func ParseState(name string) (State, bool) {
	for i, n := range stateNames {
		if i > 0 && n == name {
			return State(i), true
		}
	}
	return 0, false
}

// Final reports whether the task has ended; its result never changes then.
func (s State) Final() bool {
	switch s {
	case Success, Failure, Revoked, Skipped, UpstreamFailed, Removed:
		return true
	default:
		return false
	}
}
