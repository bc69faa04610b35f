package command

import "github.com/windrow-dev/windrow/queue"

// Code says why the machine refused a command; empty is acceptance. A refusal
// is a result like any other, equal on every replica.
type Code string

// The codes; the API gives them to users unchanged.
const (
	OK                  Code = ""
	CodeNotFound        Code = "not_found"
	CodeModuleNotFound  Code = "module_not_found"
	CodeTaskNotFound    Code = "task_not_found"
	CodeIdempotency     Code = "idempotency_conflict"
	CodeIdempotencyFull Code = "idempotency_full"
	CodeDuplicate       Code = "duplicate"
	CodeThrottled       Code = "throttled"
	CodeThrottleFull    Code = "throttle_full"
	CodeExists          Code = "exists"
	CodeInUse           Code = "module_in_use"
	CodePoolNotFound    Code = "pool_not_found"
	CodePoolTooSmall    Code = "pool_too_small"
	CodeTooManyQueues   Code = "too_many_queues"
	CodeScheduleRoom    Code = "too_many_schedules"
	CodeNextTick        Code = "next_tick"
	CodeConflict        Code = "conflict"
	CodeStage           Code = "stage_expired"
	CodeEnded           Code = "already_ended"
	CodeRunning         Code = "running"
	CodeSession         Code = "session_ended"
	CodeVersion         Code = "version"
	CodeTooManyWebhooks Code = "too_many_webhooks"
)

// Result is what one command came to.
type Result struct {
	Code   Code
	Detail string
	// Replayed says that an idempotency key answered; IDs are the first
	// request's.
	Replayed bool
	// IDs are the tasks made, or with CodeDuplicate or CodeThrottled the one that exists.
	IDs []queue.ID
	// Session is the one opened.
	Session queue.Fence
	// Version and Created tell of a document that was put.
	Version uint32
	Created bool
	// Refused lists, by their place, completions with a stale fence.
	Refused []uint32
}

// Append writes r for the way back to the node that asked.
func (x *Result) Append(dst []byte) []byte {
	w := &Writer{b: dst}
	w.String(string(x.Code))
	w.String(x.Detail)
	w.Bool(x.Replayed)
	w.Uint(uint64(len(x.IDs)))
	for _, id := range x.IDs {
		w.ID(id)
	}
	w.Fence(x.Session)
	w.Uint(uint64(x.Version))
	w.Bool(x.Created)
	w.Uint(uint64(len(x.Refused)))
	for _, n := range x.Refused {
		w.Uint(uint64(n))
	}
	return w.b
}

// DecodeResult is the inverse of Append.
func DecodeResult(b []byte) (Result, error) {
	r := &Reader{b: b}
	x := Result{Code: Code(r.String()), Detail: r.String(), Replayed: r.Bool()}
	if n := r.Count(16); n > 0 {
		x.IDs = make([]queue.ID, n)
		for i := range x.IDs {
			x.IDs[i] = r.ID()
		}
	}
	x.Session, x.Version, x.Created = r.Fence(), r.Uint32(), r.Bool()
	if n := r.Count(1); n > 0 {
		x.Refused = make([]uint32, n)
		for i := range x.Refused {
			x.Refused[i] = r.Uint32()
		}
	}
	return x, r.Err("result")
}
