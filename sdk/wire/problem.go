package wire

import "fmt"

// Problem is an error answer, RFC 9457. Code is stable, Detail says what to
// do.
type Problem struct {
	Type   string `json:"type,omitempty"` // "about:blank" when left out
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"`
	// Field is the path of the field at fault, with Line that of a batch's
	// call, counted from 1.
	Field string `json:"field,omitempty"`
	Line  int    `json:"line,omitempty"`
	// ID is, with duplicate, the task that exists.
	ID string `json:"id,omitempty"`
	// Incident finds the cause of an internal error in the node's log.
	Incident string `json:"incident,omitempty"`
}

// Error makes a Problem an error for clients.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("%s (%d %s)", p.Title, p.Status, p.Code)
	}
	return fmt.Sprintf("%s (%d %s)", p.Detail, p.Status, p.Code)
}

// Codes of problems. Those that a refused command gives are the state
// machine's own.
const (
	CodeBadRequest       = "bad_request"      // the request itself cannot be understood
	CodeInvalidJSON      = "invalid_json"     //
	CodeInvalidField     = "invalid_field"    // one field is wrong; see field
	CodeUnauthorized     = "unauthorized"     //
	CodeForbiddenOrigin  = "forbidden_origin" // a web page of another origin
	CodeForbiddenHost    = "forbidden_host"   // the Host header is not loopback
	CodeNotFound         = "not_found"        //
	CodeNoRoute          = "no_route"         //
	CodeMethodNotAllowed = "method_not_allowed"
	CodeTooLarge         = "too_large"
	CodeHeaderTooLarge   = "header_too_large"
	CodeUnsupportedType  = "unsupported_media_type"
	CodeUnsupported      = "unsupported" // known, but not yet by this version
	CodeModuleNotFound   = "module_not_found"
	CodeTaskNotFound     = "task_not_found"
	CodeInvalidModule    = "invalid_module"
	CodeModuleInUse      = "module_in_use"
	CodeIdempotency      = "idempotency_conflict"
	CodeIdempotencyFull  = "idempotency_full" // no further key can be known at the moment
	CodeDuplicate        = "duplicate"
	CodeThrottled        = "throttled"     // another call with the throttle key was taken lately
	CodeThrottleFull     = "throttle_full" // no further throttle key can be known at the moment
	CodePoolNotFound     = "pool_not_found"
	CodePoolTooSmall     = "pool_too_small"
	CodeTooManyQueues    = "too_many_queues"
	CodeTooManySchedules = "too_many_schedules"
	CodeTooManyWebhooks  = "too_many_webhooks"
	CodeNoSecretsKey     = "no_secrets_key"
	CodeAlreadyEnded     = "already_ended"
	CodeRunning          = "running"
	CodeConflict         = "conflict"
	CodeDigestMismatch   = "digest_mismatch"
	CodeBusy             = "busy"            // try again soon
	CodeNoLeader         = "no_leader"       // try again soon
	CodeUnknownOutcome   = "unknown_outcome" // it may or may not have happened
	CodeDiskFull         = "disk_full"
	CodeTimeout          = "timeout"
	CodeInternal         = "internal"
)
