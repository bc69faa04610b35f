package guest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest/internal/scan"
	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

// Call is what a task is called with, as the caller wrote it.
type Call struct {
	Task    string // without the module's name
	ID      string
	Attempt int // 1 is the first
	Args    []json.RawMessage
	Kwargs  map[string]json.RawMessage
	Input   json.RawMessage // nil where the call has none
	// Deadline is when the attempt is killed. Context.Deadline may be
	// earlier, by the soft time limit.
	Deadline time.Time
	// Memory is the limit of the attempt's memory in bytes, 0 where the host
	// does not tell it.
	Memory int64
	// Resume is what the task goes on with that has waited, else nil.
	Resume *Resumed

	kwargs json.RawMessage
	strict bool // refuse unknown properties of the input
}

// readCall reads an envelope without copying the arguments. Of two members
// with one name the last counts: the host's own.
func readCall(envelope []byte) (*Call, error) {
	if !json.Valid(envelope) {
		return nil, fmt.Errorf("the envelope is no JSON: %.80q", envelope)
	}
	c := &Call{Attempt: 1}
	for name, value := range scan.Members(envelope) {
		var err error
		switch name {
		case "task":
			c.Task = scan.String(value)
		case "id":
			c.ID = scan.String(value)
		case "attempt":
			err = json.Unmarshal(value, &c.Attempt)
		case "deadline":
			c.Deadline, err = time.Parse(time.RFC3339Nano, scan.String(value))
		case "memory":
			err = json.Unmarshal(value, &c.Memory)
		case "resume":
			c.Resume, err = readResume(value)
		case "input":
			c.Input = value
		case "args":
			c.Args = nil
			for _, arg := range scan.Elements(value) {
				c.Args = append(c.Args, arg)
			}
		case "kwargs":
			c.kwargs = value
		}
		if err != nil {
			return nil, fmt.Errorf("the envelope's %s: %w", name, err)
		}
	}
	for name, value := range scan.Members(c.kwargs) {
		if c.Kwargs == nil {
			c.Kwargs = map[string]json.RawMessage{}
		}
		c.Kwargs[name] = value
	}
	return c, nil
}

// arguments makes one input of what a call gives; the package's comment says
// how.
func arguments(c *Call, s *schema.Schema) ([]byte, error) {
	root := s.Root()
	switch {
	case c.Input != nil:
		return c.Input, nil
	case len(root.Args) > 0 && len(c.Args) > 0:
		return named(c, root.Args)
	case len(c.Kwargs) > 0 && len(c.Args) == 0:
		return c.kwargs, nil
	case len(c.Args) == 1 && len(c.Kwargs) == 0:
		return c.Args[0], nil
	case len(c.Args) == 0:
		if slices.Contains(root.Type, "object") {
			return []byte("{}"), nil
		}
		return []byte("null"), nil
	case len(c.Kwargs) > 0:
		return nil, fmt.Errorf("args and kwargs are given; this task takes one of them, for no field of its input is tagged as a positional argument")
	}
	return nil, fmt.Errorf("there are %d args; this task takes one, or an input", len(c.Args))
}

// named makes an object of positional arguments and kwargs.
func named(c *Call, names []string) ([]byte, error) {
	if len(c.Args) > len(names) {
		return nil, fmt.Errorf("there are %d args; this task takes at most %d: %s", len(c.Args), len(names), strings.Join(names, ", "))
	}
	size := len(c.kwargs) + 2
	for i, arg := range c.Args {
		size += len(names[i]) + len(arg) + 8
	}
	b := append(make([]byte, 0, size), '{')
	for i, arg := range c.Args {
		if c.Kwargs[names[i]] != nil {
			return nil, fmt.Errorf("%s is given twice, as argument %d and in kwargs", names[i], i)
		}
		b = member(b, names[i], arg)
	}
	for name, value := range scan.Members(c.kwargs) {
		b = member(b, name, value)
	}
	return append(b, '}'), nil
}

// member appends one to an object that has been begun.
func member(b []byte, name string, value []byte) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	text, _ := encode(name) // a string always encodes
	return append(append(append(b, text...), ':'), value...)
}
