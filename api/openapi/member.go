package openapi

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Members is a JSON object that keeps its order.
type Members[T any] []Member[T]

// Member is one of them.
type Member[T any] struct {
	Name  string
	Value T
}

// Add puts one at the end.
func (m *Members[T]) Add(name string, value T) { *m = append(*m, Member[T]{name, value}) }

// Get finds one by its name.
func (m Members[T]) Get(name string) (value T, ok bool) {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value, true
		}
	}
	return value, false
}

// MarshalJSON writes an object.
func (m Members[T]) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := range m {
		if i > 0 {
			b = append(b, ',')
		}
		for _, part := range [...]any{m[i].Name, m[i].Value} {
			text, err := plain(part)
			if err != nil {
				return nil, err
			}
			b = append(append(b, text...), ':')
		}
		b = b[:len(b)-1]
	}
	return append(b, '}'), nil
}

// plain leaves <, > and & as they are, for people read it.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// Sort orders by name.
func (m Members[T]) Sort() {
	slices.SortFunc(m, func(a, b Member[T]) int { return strings.Compare(a.Name, b.Name) })
}
