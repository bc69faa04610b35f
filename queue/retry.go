package queue

import "slices"

// Retry says whether and when a failed attempt is tried again. Durations are
// nanoseconds. The semantics are Celery's `retry_backoff` family, with Factor
// free and Jitter named.
type Retry struct {
	// Given is false where the call named no policy: then only an attempt
	// that asks for it (exit code 75, a guest's retryable error) is retried,
	// three times at the most.
	Given      bool
	Max        uint32 // retries after the first attempt
	Backoff    int64  // delay before the first retry
	FactorMil  uint32 // growth of the delay a retry, in thousandths: 2000 doubles it
	MaxBackoff int64  // upper bound of the delay
	Jitter     Jitter
	On         []string // retried error types; empty means every type but fatal
	NotOn      []string // never retried, stronger than On
}

// Jitter spreads the delay, so that what failed together does not come back
// together.
type Jitter uint8

// The kinds of jitter: none keeps the delay, full draws from [0, delay] as
// Celery does, equal from [delay/2, delay].
const (
	JitterFull Jitter = iota
	JitterNone
	JitterEqual
)

// ImplicitRetries is how often an attempt that asks for a retry gets one where
// the call named no policy.
const ImplicitRetries = 3

// DefaultRetry is what a call without a policy has.
func DefaultRetry() Retry {
	return Retry{Backoff: 1e9, FactorMil: 2000, MaxBackoff: 600e9}
}

// Wants reports whether an attempt that ended with e is tried again, retries
// being those already made.
func (r Retry) Wants(e *Error, retries uint32) bool {
	if e.Type == ErrFatal || e.Type == ErrRevoked || e.Type == ErrExpired {
		return false
	}
	asked := e.Retry != nil && *e.Retry || e.Type == ErrExitCode && e.ExitCode == ExitTempFail
	if e.Retry != nil && !*e.Retry {
		return false
	}
	if !r.Given {
		return asked && retries < ImplicitRetries
	}
	if retries >= r.Max || slices.Contains(r.NotOn, e.Type) {
		return false
	}
	return asked || len(r.On) == 0 || slices.Contains(r.On, e.Type)
}

// Delay is the wait before retry number n, the first being 1. The random word
// comes from the caller, so that every replica draws the same.
func (r Retry) Delay(n uint32, random uint64) int64 {
	d := max(r.Backoff, 0)
	limit := r.MaxBackoff
	if limit <= 0 {
		limit = 600e9
	}
	factor := int64(max(r.FactorMil, 1000))
	for i := uint32(1); i < n && d < limit; i++ {
		if factor == 1000 {
			break
		}
		if d > limit/factor*1000 {
			d = limit
			break
		}
		d = d/1000*factor + d%1000*factor/1000
	}
	d = min(d, limit)
	switch r.Jitter {
	case JitterFull:
		return int64(random % uint64(d+1))
	case JitterEqual:
		return d/2 + int64(random%uint64(d-d/2+1))
	default:
		return d
	}
}
