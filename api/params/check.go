package params

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// MaxChecked is how many bytes of arguments are looked at: a value in memory
// takes many times what its JSON does. What is larger its task must check.
const MaxChecked = 4 << 20

// Check holds a call's arguments to the schema, as the guest SDK will read
// them: the input, else args that the schema names together with kwargs, else
// kwargs alone, else the single argument, else an empty object or null. The
// error is a *wire.FieldError that names the field.
func (s *Schema) Check(c *wire.Call) error {
	if len(c.Input)+len(c.Args)+len(c.Kwargs) > MaxChecked {
		return nil
	}
	if c.Input != nil {
		return s.value("input", c.Input)
	}
	var args []json.RawMessage
	if c.Args != nil {
		if err := json.Unmarshal(c.Args, &args); err != nil {
			return &wire.FieldError{Field: "args", Reason: err.Error()}
		}
	}
	var kwargs map[string]json.RawMessage
	if c.Kwargs != nil {
		if err := json.Unmarshal(c.Kwargs, &kwargs); err != nil {
			return &wire.FieldError{Field: "kwargs", Reason: err.Error()}
		}
	}
	switch {
	case len(args) > 0 && len(s.args) > 0:
		return s.named(args, kwargs)
	case len(args) == 1 && len(kwargs) == 0:
		return s.value("args[0]", args[0])
	case len(args) > 0 && len(kwargs) > 0:
		return wrong("args", "is given together with kwargs; this task takes one of them")
	case len(args) > 0:
		return wrong("args", "has %d entries; this task takes one, or kwargs, or an input", len(args))
	case len(kwargs) > 0:
		return s.value("kwargs", c.Kwargs)
	case s.object:
		return s.value("kwargs", []byte("{}"))
	}
	return s.value("input", []byte("null"))
}

// named joins positional arguments and kwargs.
func (s *Schema) named(args []json.RawMessage, kwargs map[string]json.RawMessage) error {
	if len(args) > len(s.args) {
		return wrong("args", "has %d entries; this task takes at most %d: %s", len(args), len(s.args), strings.Join(s.args, ", "))
	}
	whole := map[string]any{}
	for name, raw := range kwargs {
		v, err := decode(raw)
		if err != nil {
			return wrong("kwargs."+name, "%v", err)
		}
		whole[name] = v
	}
	for i, raw := range args {
		if _, twice := whole[s.args[i]]; twice {
			return wrong("kwargs."+s.args[i], "is given twice, here and as args[%d]", i)
		}
		v, err := decode(raw)
		if err != nil {
			return wrong("args["+strconv.Itoa(i)+"]", "%v", err)
		}
		whole[s.args[i]] = v
	}
	err := s.check("kwargs", whole)
	var f *wire.FieldError
	if !errors.As(err, &f) {
		return err
	}
	for i := range args {
		if rest, ok := strings.CutPrefix(f.Field, "kwargs."+s.args[i]); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return &wire.FieldError{Field: "args[" + strconv.Itoa(i) + "]" + rest, Reason: f.Reason}
		}
	}
	return err
}

func wrong(field, format string, args ...any) error {
	return &wire.FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func (s *Schema) value(field string, raw []byte) error {
	v, err := decode(raw)
	if err != nil {
		return wrong(field, "%v", err)
	}
	return s.check(field, v)
}

func (s *Schema) check(field string, v any) error {
	err := s.compiled.Validate(v)
	var fault *jsonschema.ValidationError
	if err == nil || !errors.As(err, &fault) {
		return err
	}
	return explain(fault, v, field)
}
