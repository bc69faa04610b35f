package wire

// Event is one committed transition, as the data of a server-sent event. The
// event's name is its type, its id INDEX-N, equal on all nodes.
type Event struct {
	ID        string `json:"id"`   // where a stream goes on behind it; it only grows
	Type      string `json:"type"` // "task.pending", "task.success", "run.failed" …
	Time      Time   `json:"time"` // the cluster's, when it was committed
	Namespace string `json:"namespace"`
	TaskID    string `json:"task_id,omitempty"`  // a task's
	Task      string `json:"task,omitempty"`     // "MODULE.TASK"
	Shadow    string `json:"shadow,omitempty"`   // the name that people see in the task's place
	Queue     string `json:"queue,omitempty"`    // the task's
	RunID     string `json:"run_id,omitempty"`   // a run's, or that which the task belongs to
	Kind      string `json:"kind,omitempty"`     // of a run: "chain", "group" …
	Schedule  string `json:"schedule,omitempty"` // a schedule's name
	State     string `json:"state,omitempty"`    // where the task or the run stands now
	Attempt   uint32 `json:"attempt,omitempty"`  // of a task: how many attempts there were, with the present one
	Error     string `json:"error,omitempty"`    // its type
}

// EventReset is the name of an event that says: events after the id that was
// asked for are not kept any more; read the state anew and go on from here.
const EventReset = "reset"
