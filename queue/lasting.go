package queue

// Lasting says why something can never be done, however often it is tried: an
// attempt that needs it fails with Err.
type Lasting struct{ Err *Error }

// Error implements error.
func (l *Lasting) Error() string { return l.Err.Type + ": " + l.Err.Message }
