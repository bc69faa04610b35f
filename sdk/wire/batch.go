package wire

import "fmt"

// LineError says which call of a batch an error belongs to.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error names the call.
func (e *LineError) Error() string { return fmt.Sprintf("call %d: %v", e.Line, e.Err) }

// Unwrap gives the error itself.
func (e *LineError) Unwrap() error { return e.Err }

// EachCall reads a batch, a JSON array of calls or calls one after another as
// in NDJSON, and hands them to fn in order; an error of fn ends it. The call is
// used again for the next one, and its raw fields alias b. Errors are
// LineErrors.
func EachCall(b []byte, fn func(*Call) error) error {
	s := scanner{b: b}
	if err := s.utf8(); err != nil {
		return err
	}
	array := s.peek() == '['
	if array {
		s.i++
	}
	var c Call
	for n := 1; ; n++ {
		more, err := s.nextCall(array, n == 1)
		if err != nil {
			return &LineError{Line: n, Err: err}
		}
		if !more {
			return s.end()
		}
		c = Call{}
		if err := s.call(&c, 1); err != nil {
			return &LineError{Line: n, Err: err}
		}
		if err := fn(&c); err != nil {
			return &LineError{Line: n, Err: err}
		}
	}
}

func (s *scanner) nextCall(array, first bool) (bool, error) {
	if array {
		return s.element(first)
	}
	return s.peek() != 0 || s.i < len(s.b), nil
}
