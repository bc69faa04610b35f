package queue

// Deferral ends an attempt, but not its task: the task holds no slot while it
// waits, and goes on in a fresh instance at the first of its events.
type Deferral struct {
	// State is what the next instance is given, one JSON text, at most
	// MaxInline bytes.
	State []byte
	// Wait are the runs that must all have ended.
	Wait []ID
	// After is the longest wait, nanoseconds; 0 is none.
	After int64
	// Replace makes the result of the one run in Wait the task's own, as
	// Celery's replace does: no instance follows.
	Replace bool
}

// Child is a canvas that a guest asks for. Its run begins with the acceptance
// of the attempt that asked, and not at all if that is refused.
type Child struct {
	ID     ID // of the run, made by the worker
	Canvas []byte
}
