package guest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Error types that this package gives. Any other is the handler's, but for those
// of the host (exit_code, trap, timeout, soft_timeout, out_of_memory …): a
// failure by one of their names becomes a reserved_type.
const (
	// TypeError is an error that has no type of its own.
	TypeError = "error"
	// TypeFatal is one without a type that is not to be retried.
	TypeFatal = "fatal"
	// TypeArguments says that the input is not what the task takes.
	TypeArguments = "invalid_arguments"
	// TypePanic says that the handler panicked.
	TypePanic = "panic"
	// TypeDeadline says that the handler stopped at its deadline, just before
	// it would have been killed.
	TypeDeadline = "deadline_exceeded"
	// TypeInvalidResult says that the output cannot be JSON.
	TypeInvalidResult = "invalid_result"
)

// Error is an error with a type: a name such as no_stock, by which retry
// policies and callers tell errors apart. A type of the module's own does as
// well, where it has a method ErrorType() string.
type Error struct {
	Type string // [A-Za-z_][A-Za-z0-9_.-]*, at most 64 long
	Err  error
}

// Errorf makes an error of a type. %w wraps as in fmt.Errorf.
func Errorf(kind, format string, args ...any) error {
	return &Error{Type: kind, Err: fmt.Errorf(format, args...)}
}

// Error is the message, without the type.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives what the type was put on.
func (e *Error) Unwrap() error { return e.Err }

// ErrorType gives the type.
func (e *Error) ErrorType() string { return e.Type }

// decision is a handler's word about another attempt.
type decision struct {
	error
	retry bool
	after time.Duration
}

func (d *decision) Unwrap() error { return d.error }

// Fatal says that another attempt would be no use: whatever the call's retry
// policy says, there is none. Fatal of nil is nil.
func Fatal(err error) error {
	if err == nil {
		return nil
	}
	return &decision{error: err}
}

// Retry asks for another attempt, after so long, or with 0 when the call's
// policy says. A call without a policy is retried three times at the most, one
// with a policy as often as that allows. Retry of nil is nil.
func Retry(err error, after time.Duration) error {
	if err == nil {
		return nil
	}
	return &decision{error: err, retry: true, after: after}
}

// Failure is what a failed attempt tells its host.
type Failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Retry   *bool  `json:"retry,omitempty"` // nil leaves it to the policy
	After   string `json:"after,omitempty"` // a duration
	Trace   string `json:"trace,omitempty"`
}

// failure describes the error that a handler returned.
func failure(ctx context.Context, err error) *Failure {
	f := &Failure{Type: TypeError, Message: err.Error()}
	var d *decision
	if errors.As(err, &d) {
		f.Retry = &d.retry
		if d.after > 0 {
			f.After = d.after.String()
		}
		if !d.retry {
			f.Type = TypeFatal
		}
	}
	var typed interface{ ErrorType() string }
	var crash *crash
	switch {
	case errors.As(err, &crash):
		f.Type, f.Trace = TypePanic, crash.stack
	case errors.As(err, &typed):
		f.Type = typed.ErrorType()
	case d == nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		f.Type = TypeDeadline
	}
	return f
}

// stopped reports whether an error says that the handler stopped at its soft
// time limit, and nothing else. The host has a name for that.
func stopped(ctx *Context, err error) bool {
	var d *decision
	var typed interface{ ErrorType() string }
	if errors.As(err, &d) || errors.As(err, &typed) {
		return false
	}
	return errors.Is(err, ErrSoftTimeout) || ctx.soft && errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil
}

// maxFailure is the most that a host takes of a failure, bytes.
const maxFailure = 4096

// text is the failure as JSON that fits: the trace loses its end first, then
// the message. A byte of either may be several of JSON, so that it takes a few
// steps.
func (f *Failure) text() []byte {
	cut := *f
	cut.Message, cut.Trace = shorten(f.Message, len(f.Message)-maxFailure), shorten(f.Trace, len(f.Trace)-maxFailure)
	for {
		b, err := encode(cut)
		over := len(b) - maxFailure
		switch {
		case err != nil:
			return []byte(`{"type":"` + TypeError + `"}`) // text always encodes
		case over <= 0:
			return b
		case cut.Trace != "":
			cut.Trace = shorten(cut.Trace, min(over, len(cut.Trace)/8+16))
		case cut.Message != "":
			cut.Message = shorten(cut.Message, min(over, len(cut.Message)/8+16))
		default:
			cut.Type, cut.After = TypeError, ""
		}
	}
}

// shorten takes at least so many bytes off the end, if there are as many.
func shorten(s string, by int) string {
	const mark = "…"
	if by <= 0 {
		return s
	}
	keep := len(s) - by - len(mark)
	if keep <= 0 {
		return ""
	}
	for keep > 0 && s[keep]&0xC0 == 0x80 { // within a rune
		keep--
	}
	return s[:keep] + mark
}
