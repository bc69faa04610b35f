package windrow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// APIError is a server's refusal, as its problem document tells it.
type APIError struct {
	Status int    // of HTTP
	Code   string // stable, such as "module_not_found"
	Title  string // what is wrong
	Detail string // what to do
	// Field is the path of the field at fault, with Line the call of a batch,
	// counted from 1; empty and 0 where none is.
	Field string
	Line  int
	// ID is the task that is meant, where the refusal names one: with code
	// "duplicate" the unfinished task that holds the unique key.
	ID string
	// Incident finds the cause of an internal error in the node's log.
	Incident string
}

// Error gives title, code and detail in one line.
func (e *APIError) Error() string {
	var b strings.Builder
	b.WriteString(e.Title)
	if e.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	return b.String()
}

// readAPIError makes an error of an answer's body, whatever that holds: a proxy
// between may answer with something that is no problem document.
func readAPIError(status int, body []byte) *APIError {
	var p wire.Problem
	e := &APIError{Status: status, Title: http.StatusText(status)}
	if json.Unmarshal(body, &p) == nil && (p.Title != "" || p.Code != "") {
		*e = APIError{Status: status, Code: p.Code, Title: p.Title, Detail: p.Detail,
			Field: p.Field, Line: p.Line, ID: p.ID, Incident: p.Incident}
	} else if len(body) > 0 {
		e.Detail = "the answer was no problem document: " + firstLine(body)
	}
	if e.Title == "" {
		e.Title = fmt.Sprintf("HTTP status %d", status)
	}
	return e
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return strings.ToValidUTF8(line, "�")
}

// UnreachableError says that no server gave an answer in time.
type UnreachableError struct {
	Servers []string // that were asked
	// Unknown says that a request which changes something may have reached a
	// server, so that it may or may not have been carried out. Repeating it
	// with the same Key is safe.
	Unknown bool
	// Key is the idempotency key of a POST, else empty.
	Key string
	Err error // of the last attempt
}

// Error names the servers and the last fault.
func (e *UnreachableError) Error() string {
	s := fmt.Sprintf("no answer from %s: %v", strings.Join(e.Servers, ", "), e.Err)
	if e.Unknown {
		s += " (whether the request was carried out is unknown"
		if e.Key != "" {
			s += "; repeating it with the idempotency key " + e.Key + " is safe"
		}
		s += ")"
	}
	return s
}

// Unwrap gives the last attempt's fault.
func (e *UnreachableError) Unwrap() error { return e.Err }

// IsNotFound reports whether err says that the thing asked for does not exist.
func IsNotFound(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

// IsConflict reports whether err says that the request does not fit the
// present state: a duplicate, a conflicting idempotency key, a module in use.
func IsConflict(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == http.StatusConflict
}

// IsUnauthorized reports whether err says that the token is missing, wrong or
// not allowed to do this.
func IsUnauthorized(err error) bool {
	var e *APIError
	return errors.As(err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// IsUnreachable reports whether err says that no server answered, or none that
// could do its work, such as one of a cluster without a leader.
func IsUnreachable(err error) bool {
	var unreachable *UnreachableError
	var e *APIError
	return errors.As(err, &unreachable) || errors.As(err, &e) && again(e.Status) && e.Status != http.StatusTooManyRequests
}

// HasCode reports whether err is a refusal with this code.
func HasCode(err error, code string) bool {
	var e *APIError
	return errors.As(err, &e) && e.Code == code
}

// DuplicateOf gives the id of the unfinished task that holds the unique key of
// a refused call, and false where err is something else.
func DuplicateOf(err error) (string, bool) {
	var e *APIError
	if errors.As(err, &e) && e.Code == wire.CodeDuplicate && e.ID != "" {
		return e.ID, true
	}
	return "", false
}
