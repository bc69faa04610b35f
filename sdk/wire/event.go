package wire

// Event is one committed transition, as the data of a server-sent event. The
// event's name is its type, its id INDEX-N, equal on all nodes.
type Event struct {
	ID        string `json:"id"`              // where a stream goes on behind it; it only grows
	Type      string `json:"type"`            // "task.pending", "task.received", "task.success" …
	Time      Time   `json:"time"`            // the cluster's, when it was committed
	Namespace string `json:"namespace"`       // the task's
	TaskID    string `json:"task_id"`         // the task's id
	Task      string `json:"task"`            // "MODULE.TASK"
	Queue     string `json:"queue"`           // the task's
	State     string `json:"state"`           // where the task stands now
	Attempt   uint32 `json:"attempt"`         // how many attempts there were, with the present one
	Error     string `json:"error,omitempty"` // its type
}

// EventReset is the name of an event that says: events after the id that was
// asked for are not kept any more; read the state anew and go on from here.
const EventReset = "reset"
