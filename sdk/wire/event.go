package wire

// Event is one committed transition, as the data of a server-sent event. The
// event's name is its type, its id INDEX-N, equal on all nodes.
type Event struct {
	ID        string `json:"id"`
	Type      string `json:"type"` // "task.pending", "task.received", "task.success" …
	Time      Time   `json:"time"`
	Namespace string `json:"namespace"`
	TaskID    string `json:"task_id"`
	Task      string `json:"task"` // "MODULE.TASK"
	Queue     string `json:"queue"`
	State     string `json:"state"`
	Attempt   uint32 `json:"attempt"`
	Error     string `json:"error,omitempty"` // its type
}

// EventReset is the name of an event that says: events after the id that was
// asked for are not kept any more; read the state anew and go on from here.
const EventReset = "reset"
