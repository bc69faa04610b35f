// Package metrics is the one list of what a node measures, with names that stay.
// Prometheus reads it at /metrics; docs/metrics.md is made from it. What can be
// read is read when asked; only what passes by is counted along the way.
package metrics

// Metric is one line of the list.
type Metric struct {
	Name, Help string
	Kind       string // counter, gauge or histogram
	Labels     []string
}

// The metrics. A label has few values: states, routes and codes are fixed
// lists, of queues at most MaxQueues are told apart.
var (
	moves    = Metric{"windrow_task_transitions_total", "Committed transitions of tasks that this node has applied, by the state they came to.", "counter", []string{"state"}}
	failures = Metric{"windrow_task_failures_total", "Ended or retried attempts, by error type; names that guests give count as guest.", "counter", []string{"type"}}
	requests = Metric{"windrow_http_requests_total", "HTTP requests answered, by route and status code.", "counter", []string{"method", "route", "code"}}
	seconds  = Metric{"windrow_http_request_seconds", "Time until an answer began, by route; waiting for a result counts.", "histogram", []string{"method", "route"}}

	pending   = Metric{"windrow_queue_pending", "Tasks that wait for a slot.", "gauge", []string{"namespace", "queue"}}
	scheduled = Metric{"windrow_queue_scheduled", "Tasks that wait for their time.", "gauge", []string{"namespace", "queue"}}
	running   = Metric{"windrow_queue_running", "Tasks that are assigned to a worker.", "gauge", []string{"namespace", "queue"}}
	dead      = Metric{"windrow_queue_dead", "Dead-lettered tasks.", "gauge", []string{"namespace", "queue"}}
	oldest    = Metric{"windrow_queue_oldest_seconds", "How long the longest waiting task could have run already.", "gauge", []string{"namespace", "queue"}}

	leader    = Metric{"windrow_leader", "1 on the node that leads, else 0.", "gauge", nil}
	term      = Metric{"windrow_raft_term", "Raft's term.", "gauge", nil}
	committed = Metric{"windrow_raft_committed_index", "Newest log entry known to be on a majority.", "gauge", nil}
	applied   = Metric{"windrow_applied_index", "Newest log entry that this node has applied.", "gauge", nil}
	durable   = Metric{"windrow_durable_index", "Log entry up to which the checkpoint is on disk.", "gauge", nil}
	queued    = Metric{"windrow_proposals_queued", "Commands that wait to enter the log.", "gauge", nil}
	workers   = Metric{"windrow_workers", "Open sessions of workers.", "gauge", []string{"state"}}
	slots     = Metric{"windrow_worker_slots", "Attempts that all workers may run at once.", "gauge", nil}
	taken     = Metric{"windrow_worker_slots_taken", "Tasks that workers hold.", "gauge", nil}
	free      = Metric{"windrow_disk_free_bytes", "Free space where the data folder is.", "gauge", nil}
)

// List is all of them, in the order of the documentation.
var List = []Metric{moves, failures, requests, seconds, pending, scheduled, running, dead, oldest,
	leader, term, committed, applied, durable, queued, workers, slots, taken, free}

// MaxQueues is how many queues are told apart; the tasks of any more count
// under the name "other".
const MaxQueues = 200
