package wire

import (
	"errors"
	"fmt"
	"strings"
)

// FieldError says which field of a body is wrong and what would be right.
type FieldError struct {
	Field  string // path such as "retry.backoff"; empty for the whole body
	Reason string
}

// Error names the field first.
func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// SyntaxError says where a body stops being JSON.
type SyntaxError struct {
	Offset int // bytes from the start of what was decoded
	Reason string
}

// Error tells the place, counted from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("the body is not valid JSON: %s at byte %d", e.Reason, e.Offset+1)
}

// reason is a fault of a value whose field its caller will name.
func reason(format string, args ...any) error {
	return &FieldError{Reason: fmt.Sprintf(format, args...)}
}

// InField puts name before the path of a FieldError; other errors pass.
func InField(name string, err error) error {
	var f *FieldError
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case f.Field == "":
		return &FieldError{Field: name, Reason: f.Reason}
	case strings.HasPrefix(f.Field, "["):
		return &FieldError{Field: name + f.Field, Reason: f.Reason}
	}
	return &FieldError{Field: name + "." + f.Field, Reason: f.Reason}
}

// unknownField refuses a name that nobody knows and offers the nearest one.
func unknownField(name string, known []string) error {
	if len(name) > 80 {
		name = name[:80] + "…"
	}
	if near := nearest(name, known); near != "" {
		return &FieldError{Field: name, Reason: fmt.Sprintf("is no known field; did you mean %q?", near)}
	}
	return &FieldError{Field: name, Reason: "is no known field; known are " + strings.Join(known, ", ")}
}

// nearest is the known name with the smallest edit distance, if that is small
// enough to be a slip of the finger.
func nearest(name string, known []string) string {
	folded := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, at := "", max(2, len(name)/3)+1
	for _, k := range known {
		if d := distance(folded, k); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
