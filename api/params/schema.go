package params

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of schemas and values.
const (
	// MaxSchema is how many bytes the schema of a task may have.
	MaxSchema = 64 << 10
	// maxCost is how often schemas may be evaluated for one value.
	maxCost = 1000
	// maxDigits and maxExponent bound numbers, which are compared exactly.
	maxDigits   = 400
	maxExponent = 400
)

// dialect is the version of JSON Schema that is understood.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is one that is ready to check values.
type Schema struct {
	compiled *jsonschema.Schema
	// args names the properties that positional arguments stand for.
	args   []string
	object bool // an object is allowed
}

// noLoader opens nothing: a schema must stand by itself.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not opened; a schema must hold all that it refers to, under $defs", url)
}

// Compile reads a schema, or says what is wrong with it.
func Compile(raw []byte) (*Schema, error) {
	if len(raw) > MaxSchema {
		return nil, fmt.Errorf("the schema has %d bytes and may have %d", len(raw), MaxSchema)
	}
	doc, err := decode(raw)
	if err != nil {
		return nil, err
	}
	s := &Schema{}
	if object, ok := doc.(map[string]any); ok {
		if d, given := object["$schema"]; given && d != dialect {
			return nil, fmt.Errorf("$schema is %v; it is to be %s, or left out", d, dialect)
		}
		s.args = texts(object["x-windrow-args"])
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	const name = "params:///schema"
	if err := c.AddResource(name, doc); err != nil {
		return nil, plainly(err, doc)
	}
	if s.compiled, err = c.Compile(name); err != nil {
		return nil, plainly(err, doc)
	}
	if err := bounded(s.compiled); err != nil {
		return nil, err
	}
	s.object = takesObject(s.compiled)
	return s, nil
}

// plainly takes the library's words apart where it tells of a wrong keyword.
func plainly(err error, doc any) error {
	var wrong *jsonschema.SchemaValidationError
	var fault *jsonschema.ValidationError
	if errors.As(err, &wrong) && errors.As(wrong.Err, &fault) {
		return fmt.Errorf("the schema is not valid: %w", explain(fault, doc, "params"))
	}
	text := strings.ReplaceAll(err.Error(), "params:///schema", "")
	return fmt.Errorf("the schema is not valid: %s", text)
}

// takesObject tells by the type of the schema, or of what it refers to.
func takesObject(s *jsonschema.Schema) bool {
	for range maxCost {
		if s.Ref == nil {
			break
		}
		s = s.Ref
	}
	return s.Types != nil && slices.Contains(s.Types.ToStrings(), "object")
}

func texts(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		if t, ok := e.(string); ok {
			out = append(out, t)
		}
	}
	return out
}

// decode reads one JSON value with its numbers as they are written.
func decode(raw []byte) (any, error) {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return v, numbers(v)
}

// errNumber is of a number that is not worth comparing exactly.
var errNumber = errors.New("has a number that no 64-bit float can hold; write it as a string")

// numbers looks at all numbers in a value: exact arithmetic on 1e999999999
// would take the node's memory and time.
func numbers(v any) error {
	switch v := v.(type) {
	case json.Number:
		text := string(v)
		f, err := v.Float64()
		if err != nil || math.IsInf(f, 0) || len(text) > maxDigits {
			return errNumber
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 {
			if n, err := strconv.Atoi(text[i+1:]); err != nil || n > maxExponent || n < -maxExponent {
				return errNumber
			}
		}
	case []any:
		for _, e := range v {
			if err := numbers(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := numbers(e); err != nil {
				return err
			}
		}
	}
	return nil
}
