package guest

import "fmt"

// Operations of a host, as ABI 1 numbers them. A host may know more.
const (
	OpOutput    int32 = 1 // the result, in place of any before
	OpFail      int32 = 2 // a Failure
	OpLog       int32 = 3 // text
	OpProgress  int32 = 4 // JSON
	OpRemaining int32 = 5 // answers milliseconds until the task should end, in decimals
	OpSpawn     int32 = 6 // a canvas; answers the id of its run
	OpDefer     int32 = 7 // {state, wait, after}: the task is to wait
	OpReplace   int32 = 8 // a canvas that takes the task's place; answers the id of its run
)

// Host is what is around an attempt: a node's sandbox, or a test.
type Host interface {
	// Call performs an operation. The argument is the caller's again
	// afterwards; the answer belongs to the caller. A refusal is a *HostError.
	Call(op int32, arg []byte) (answer []byte, err error)
}

// HostError is a host's refusal of an operation.
type HostError struct {
	Code    int64 // below zero
	Message string
}

// Error is the host's message.
func (e *HostError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the host refuses with code %d", e.Code)
	}
	return e.Message
}

// Is compares codes, so that errors.Is finds the sentinels below.
func (e *HostError) Is(target error) bool {
	t, ok := target.(*HostError)
	return ok && t.Code == e.Code
}

// Refusals that a handler may meet.
var (
	// ErrUnknownOp: this host has no such operation.
	ErrUnknownOp error = &HostError{Code: -1, Message: "the host knows no such operation"}
	// ErrSoftTimeout: the soft time limit has passed; finish.
	ErrSoftTimeout error = &HostError{Code: -4, Message: "the soft time limit has passed"}
	// ErrTooLarge: more bytes than the operation takes.
	ErrTooLarge error = &HostError{Code: -3, Message: "too many bytes for the operation"}
)
